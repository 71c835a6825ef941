"""Runs one of the project's commands: `python -I -S execute.py FOLDER`, in a session of its own.

It outlives the controller that asked for it, keeps to its time limit by itself, and leaves in FOLDER what it wrote
(`output.log`, bounded) and how it ended (`ended.json`). FOLDER has `run.json`: the words to run, their limit, and the
spec of the place to run them in (`record.Spec`). Only the standard library, as `launch`.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

if __name__ == "__main__":  # a script, isolated: it finds this very package, and no other of this machine's
    sys.path.append(__file__.rpartition("/headgate/")[0])

from headgate import marks
from headgate.files import replace_file
from headgate.output import read_output
from headgate.plugins.targets.local import launch, worktree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

OUTPUT_MAX = 65_536
"""As many bytes of what a command writes are kept from its beginning, and as many from its end."""


class Output:
    """What a command writes, as a file: its beginning as it comes, and its end once that is known."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115, PTH123 - closed by `end`
        self._left = OUTPUT_MAX
        self._tail = b""
        self._skipped = 0

    def add(self, chunk: bytes) -> None:
        """A piece of what was written."""
        self._file.write(chunk[: self._left])
        rest = chunk[self._left :]
        self._left = max(0, self._left - len(chunk))
        self._tail += rest
        self._skipped += max(0, len(self._tail) - OUTPUT_MAX)
        self._tail = self._tail[-OUTPUT_MAX:]

    def end(self) -> None:
        """Nothing more is written."""
        if self._skipped:
            self._file.write(f"\n[{self._skipped} bytes are left out]\n".encode())
        self._file.write(self._tail)
        self._file.close()


def main(folder: str) -> int:
    """Run the command of `folder`, and write down how it ended."""
    run = _read(f"{folder}/run.json")
    marks.put_on(run["mark"])
    began = time.monotonic()
    try:
        ended = _run(run, folder)
    except (OSError, ValueError, launch.CannotStart, worktree.TreeChanged) as error:
        ended = {"status": None, "refused": str(error)}
    said = {**ended, "took_s": time.monotonic() - began}
    replace_file(f"{folder}/ended.json", json.dumps(said).encode(), durable=True)
    return 0


def _run(run: "Mapping[str, Any]", folder: str) -> "dict[str, Any]":
    spec = _read(run["spec"])
    env = launch.environment(spec, os.environ)
    launch.bring_tree(spec)
    launch.write_files(spec["files_folder"], spec["files"])
    output = Output(f"{folder}/output.log")
    process = subprocess.Popen(
        run["argv"],
        cwd=spec["directory"],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    try:
        late = not read_output(process, output.add, time.monotonic() + run["limit_s"])
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # also what it has left in the background
        process.wait()
        output.end()
    return {"status": None if late else process.returncode, "refused": ""}


def _read(path: str) -> "dict[str, Any]":
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as in `launch`
        return dict(json.load(file))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
