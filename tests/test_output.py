"""What a program writes is read until its own end, whoever else holds its output open, and no longer than its limit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

import pytest

from headgate.output import read_output

SOON_S, LONG_S = 0.3, 30.0


def heard(script: str, limit_s: float) -> tuple[bool, bytes]:
    chunks: list[bytes] = []
    with subprocess.Popen(
        ("sh", "-c", script), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            return read_output(process, chunks.append, time.monotonic() + limit_s), b"".join(chunks)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_all_of_it_is_read() -> None:
    in_time, said = heard("head -c 1000000 /dev/zero; echo last", LONG_S)
    assert (in_time, len(said), said[-5:]) == (True, 1_000_005, b"last\n")


@pytest.mark.parametrize("script", ["echo a; sleep 60", "echo a; exec >&- 2>&-; sleep 60"])
def test_a_limit_ends_the_reading(script: str) -> None:
    assert heard(script, SOON_S) == (False, b"a\n")


def test_what_is_left_in_the_background_is_not_waited_for() -> None:
    began = time.monotonic()
    assert heard("sleep 60 & echo a", LONG_S) == (True, b"a\n")
    assert time.monotonic() - began < LONG_S


def test_what_goes_on_writing_in_the_background_is_read_until_the_limit() -> None:
    in_time, said = heard("while :; do echo b; done & echo a", SOON_S)
    assert in_time
    assert b"a\n" in said


def test_output_may_end_before_the_program() -> None:
    assert heard("echo a; exec >&- 2>&-; sleep 0.2", LONG_S) == (True, b"a\n")
