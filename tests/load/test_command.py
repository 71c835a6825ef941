"""`python -m headgate.lab.load`, as it is run."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from headgate.lab.load import Results, Window
from tests.load.scripted import answering, reply, serving


async def started(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "headgate.lab.load",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def against_a_server(*arguments: str, stop_after_lines: int | None = None) -> tuple[int, str, str]:
    async def answer(_head: str, _body: bytes) -> bytes:
        return reply(200, b"{}", "x-build: b7")

    async with serving(answering(answer)) as url:
        process = await started("--url", url, *arguments)
        assert process.stdout is not None
        assert process.stderr is not None
        first = b""
        if stop_after_lines is not None:
            first = b"".join([await process.stdout.readline() for _ in range(stop_after_lines)])
            process.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(process.communicate(), 20)
        return process.returncode or 0, (first + out).decode(), err.decode()


def test_json_at_the_end() -> None:
    code, out, err = asyncio.run(
        against_a_server(
            *("--rate", "400", "--duration", "5s", "--count", "60", "--journeys", "/page", "--json"),
            *("--version-header", "X-Build", "--seed", "3"),
        )
    )
    results = msgspec.json.decode(out, type=Results)
    assert code == 0
    assert results.total.counts.requests == results.total.versions["b7"].requests == 60
    assert results.load.seed == 3
    assert "60 requests" in err


def test_windows_as_they_end_and_results_on_sigterm() -> None:
    arguments = ("--rate", "100", "--duration", "10m", "--journeys", "/page", "--every", "100ms")
    code, out, _ = asyncio.run(against_a_server(*arguments, stop_after_lines=3))
    *windows, results = [msgspec.json.decode(line, type=Window | Results) for line in out.splitlines()]
    assert code == 0
    assert isinstance(results, Results)
    assert results.ended == "stopped"
    assert len(windows) >= 3
    assert tuple(windows) == results.windows


def test_a_summary_for_people() -> None:
    code, out, _ = asyncio.run(against_a_server("--rate", "400", "--duration", "5s", "--count", "20"))
    assert code == 0
    assert "ended by count" in out
    assert "journey browse:" in out
    assert "version (unnamed): " in out


def refused(*arguments: str) -> str:
    command = [sys.executable, "-m", "headgate.lab.load", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2
    assert done.stdout == ""
    return done.stderr


def test_other_hosts_are_refused() -> None:
    text = refused("--url", "http://10.0.0.1", "--rate", "1", "--duration", "1s")
    assert "loopback addresses only" in text


def test_an_unknown_set_of_journeys_is_refused_with_the_nearest() -> None:
    text = refused("--url", "http://127.0.0.1:1", "--rate", "1", "--duration", "1s", "--journeys", "shpo")
    assert "did you mean shop?" in text


def test_wrong_journeys_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('[{"name": "a", "steps": [{"name": "b", "path": "/{c}"}]}]')
    text = refused("--url", "http://127.0.0.1:1", "--rate", "1", "--duration", "1s", "--journeys", str(file))
    assert "a.b uses {c}, which nothing before it gives" in text


def test_a_time_needs_its_unit() -> None:
    text = refused("--url", "http://127.0.0.1:1", "--rate", "1", "--duration", "10")
    assert "expected a time such as 500ms, 10s or 2m" in text
