"""The project's own commands on this host: each in a process that outlives us, each effect once."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from headgate.core.machine.events import EffectId
from headgate.core.model import Applied, Command, Configuration, Version
from headgate.folders import private_folder
from headgate.marks import mark_of, marked
from headgate.plugins.targets.local import execute, worktree
from headgate.plugins.targets.local.command import resolve
from headgate.plugins.targets.local.instance import specify
from headgate.plugins.targets.local.layout import VersionFolder, slug
from headgate.plugins.targets.local.lock import locked
from headgate.plugins.targets.local.record import Desired, Endpoint, Spec
from headgate.plugins.targets.local.redaction import Redaction, tail
from headgate.ports import Permanent, Ran, Temporary
from headgate.ports.errors import UNREADABLE

CHECK_S = 60.0
"""How long a command's `check` may take, unless its own limit is shorter."""

KEPT = 20
"""How many runs of a version's commands keep their output."""

_THERE, _NOT_THERE = 0, 1
"""What a `check` says by its exit status."""

_POLL_S = 0.2
_NOTE_LINES = 5
_GRACE_S = 10.0
"""How much longer than the command itself its run may take to come to an end."""

Verb = Literal["apply", "undo", "check"]


class Ended(msgspec.Struct, frozen=True):
    """How a run ended: `status` None when it was cut off by its limit, or never began (`refused` says why)."""

    status: int | None
    refused: str = ""
    took_s: float = 0.0


class Commands:
    """The commands of one version, in `folder`, run with the artifact's `tree` and `configuration`."""

    def __init__(
        self, folder: VersionFolder, version: Version, configuration: Configuration, tree: Path
    ) -> None:
        self._folder = folder
        self._version = version
        self._configuration = configuration
        self._tree = tree

    async def run(self, effect: EffectId, command: Command, *, undo: bool) -> Ran:
        """As `Target.execute` says."""
        name = f"{self._folder.prefix}command-{slug(command.name)}"
        async with locked(self._folder.path / "commands" / f"{slug(command.name)}.lock"):
            spec = self._specify(name, effect)
            mark = mark_of(str(self._folder.path), name)
            run = self._folder.path / "commands" / str(effect)
            verb: Verb = "undo" if undo else "apply"
            ended = await self._ended(run, command, mark)
            if ended is None and (run / "run.json").exists():
                found = await self._asked(run, command, spec, mark)
                if found != ("applied" if undo else "not_applied"):
                    return _turned(found, undo=undo, note="it was cut off, and asked about with `check`")
            if ended is None:
                _end(mark)  # whatever an order that was given up has left
                ended = await self._begun(run, verb, command, spec, mark)
            return await self._judged(run, ended, command, spec, mark, undo=undo)

    def _specify(self, name: str, effect: EffectId) -> Spec:
        desired = Desired(self._version, self._configuration, release=effect.release)
        spec = specify(self._folder, desired, self._tree, Endpoint(name, "127.0.0.1", 0))
        identity = {key: value for key, value in spec.identity.items() if key != "PORT"}
        spec = replace(spec, identity=identity)
        self._folder.specify(spec)
        return spec

    async def _begun(self, run: Path, verb: Verb, command: Command, spec: Spec, mark: int) -> Ended:
        """Start the process that runs the words of a verb, and wait for its end."""
        limit_s = min(command.limit_s, CHECK_S) if verb == "check" else command.limit_s
        private_folder(run)
        (run / "ended.json").unlink(missing_ok=True)
        words = _words(getattr(command, verb), spec)
        asked = {"argv": words, "limit_s": limit_s, "spec": f"{spec.folder}/spec.json", "mark": mark}
        (run / "run.json").write_bytes(msgspec.json.encode(asked))
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(Path(execute.__file__)), str(run)),
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise Temporary(f"cannot run {command.name}: {error.strerror}") from error
        waiting = asyncio.ensure_future(process.wait())
        try:
            async with asyncio.timeout(limit_s + _GRACE_S):
                await asyncio.shield(waiting)
        except TimeoutError:
            _end(mark)
        return _read(run) or Ended(None, "it ended without a word")

    async def _ended(self, run: Path, command: Command, mark: int) -> Ended | None:
        """How an earlier run of the same effect ended, waited for while it goes on; None: it did not, or was none."""
        if not (run / "run.json").exists():
            return None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(command.limit_s + _GRACE_S):
                while _read(run) is None and mark in marked().values():  # noqa: ASYNC110 - a process of nobody's
                    await asyncio.sleep(_POLL_S)
        return _read(run)

    async def _asked(self, run: Path, command: Command, spec: Spec, mark: int) -> Applied:
        """Whether the change is there."""
        if not command.check:
            return "unknown"
        found = await self._begun(run.with_name(f"{run.name}-check"), "check", command, spec, mark)
        if found.status == _THERE:
            return "applied"
        return "not_applied" if found.status == _NOT_THERE else "unknown"

    async def _judged(
        self, run: Path, ended: Ended, command: Command, spec: Spec, mark: int, *, undo: bool
    ) -> Ran:
        """What a run that has ended means: one that failed is asked about, where that can be done."""
        self._forget()
        if ended.status == 0:
            return Ran("applied")
        note = self._note(run, ended, command)
        if ended.refused:
            return Ran("not_applied", note)
        return _turned(await self._asked(run, command, spec, mark), undo=undo, note=note)

    def _note(self, run: Path, ended: Ended, command: Command) -> str:
        how = ended.refused or _how(ended, command)
        lines = tail(run / "output.log", _NOTE_LINES, 1000)
        said = f"{how}; it wrote: {lines}" if lines else how
        return Redaction.of(self._configuration.secrets).clean(said)

    def _forget(self) -> None:
        """The oldest runs go."""
        runs = [path for path in (self._folder.path / "commands").iterdir() if path.is_dir()]
        for path in sorted(runs, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
            worktree.discard(str(path))


def _turned(found: Applied, *, undo: bool, note: str) -> Ran:
    """Whether what was wanted is so: with `undo`, that the change is not there."""
    if undo and found != "unknown":
        found = "applied" if found == "not_applied" else "not_applied"
    return Ran(found, "" if found == "applied" else note)


def _how(ended: Ended, command: Command) -> str:
    if ended.status is None:
        return f"it took longer than {command.limit_s:g} s and was ended"
    if ended.status < 0:
        return f"it was ended by the signal {signal.Signals(-ended.status).name}"
    return f"exit status {ended.status}"


def _words(words: Sequence[str], spec: Spec) -> list[str]:
    """The words with an absolute program: found by PATH, or in the working tree. Raises Permanent."""
    program = words[0]
    if os.sep not in program:
        found = resolve(program, Path(spec.source), spec.env["PATH"])
        if found is None:
            raise Permanent(f"there is no program {program!r} on PATH ({spec.env['PATH']})")
        return [found, *words[1:]]
    if resolve(program, Path(spec.source), spec.env["PATH"]) is None:
        raise Permanent(f"the artifact has no executable {program!r}")
    return [str(Path(spec.directory) / program), *words[1:]]


def _end(mark: int) -> None:
    """End every process that carries the mark, with all that it has started."""
    for pid, found in marked().items():
        if found == mark:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _read(run: Path) -> Ended | None:
    try:
        return msgspec.json.decode((run / "ended.json").read_bytes(), type=Ended)
    except FileNotFoundError:
        return None
    except (OSError, *UNREADABLE):
        return Ended(None, "how it ended cannot be read")
