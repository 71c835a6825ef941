"""One command beside an instance: in its folder, with its environment, bounded in time and output."""

import asyncio
import contextlib
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from headgate.plugins.targets.local.launch import environment
from headgate.plugins.targets.local.process import environ
from headgate.plugins.targets.local.record import Spec

OUTPUT_BYTES_MAX = 16_384


class Ended(msgspec.Struct, frozen=True):
    """How a command ended: `status` None when it had to be killed; the first bytes of what it wrote."""

    status: int | None
    output: str


async def run(argv: Sequence[str], spec: Spec, pid: int, timeout_s: float) -> Ended:
    """Run `argv` as the instance would, `{port}` filled in. Its whole process group is gone afterwards.

    Raises OSError when it cannot be started, and CannotStart when the instance's secrets cannot be had.
    """
    env = environment_of(spec, pid)
    words = [word.replace("{port}", str(spec.port)) for word in argv]
    program = resolve(words[0], Path(spec.directory), env.get("PATH", os.defpath))
    process = await asyncio.create_subprocess_exec(
        program or words[0],
        *words[1:],
        cwd=spec.directory,
        env=env,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
    )
    output = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            await _read(process, output)
            return Ended(await process.wait(), bytes(output).decode("utf-8", "replace"))
    except TimeoutError:
        return Ended(None, bytes(output).decode("utf-8", "replace"))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def environment_of(spec: Spec, pid: int) -> Mapping[str, str]:
    """The instance's environment: as its process `pid` was given it, or made as at a start. Raises CannotStart."""
    with contextlib.suppress(OSError):
        given = environ(pid) if pid > 1 else {}
        # A process may write over its own: only one that still names the instance is believed.
        if spec.identity.items() <= given.items() and spec.secrets.keys() <= given.keys():
            return given
    return environment(msgspec.to_builtins(spec), os.environ)


def resolve(program: str, directory: Path, path: str) -> str | None:
    """The absolute path of `program`: by `path` when it is a bare name, in the artifact's `directory` otherwise."""
    if os.sep not in program:
        return shutil.which(program, path=path)
    return shutil.which(str(directory / program))


async def _read(process: Process, output: bytearray) -> None:
    assert process.stdout is not None
    while chunk := await process.stdout.read(4096):
        output += chunk[: OUTPUT_BYTES_MAX - len(output)]
