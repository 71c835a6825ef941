"""The checks of `headgate doctor` beside units: everything that the home stands on, with evidence and mend."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from headgate.core.drift import Part
from headgate.core.model import Unit, Version
from headgate.homes import ledger_of, steering_of
from headgate.ledger import LedgerError, SqliteLedger
from headgate.ledger.projections import Running
from headgate.ledger.sqlite_place import require_writable
from headgate.ports import Artifacts, PortError
from headgate.unix_sockets import listens

FREE_LEAST_BYTES = 200_000_000
"""With less room a release may stand still in its middle: the ledger, logs and artifacts need it."""

FREE_LEAST_SHARE = 0.01
"""Of the files that a disk can hold (inodes)."""

PRIVATE = 0o077


class Subject:
    """What is examined: a home, the fleet of its ledger, and its artifacts; `parts` by name are known already."""

    def __init__(
        self, home: Path, running: Mapping[Unit, Running], artifacts: Artifacts, parts: Mapping[str, Part]
    ) -> None:
        self.home = home
        self.running = running
        self.artifacts = artifacts
        self.parts = parts


def examine(subject: Subject) -> tuple[Part, ...]:
    """Everything, in the order of CHECKS."""
    return tuple(part for check in CHECKS for part in check(subject))


def _home(subject: Subject) -> Iterator[Part]:
    home = subject.home
    if not os.access(home, os.W_OK | os.X_OK):
        yield Part("home", well=False, evidence=f"{home} cannot be written", mend=f"chmod u+rwx {home}")
    elif home.stat().st_mode & PRIVATE:
        said = f"{home} can be entered by others ({home.stat().st_mode & 0o777:o})"
        yield Part("home", well=False, evidence=said, mend=f"chmod 700 {home}", gravity="warning")
    else:
        yield Part("home", well=True, evidence=f"{home} is its owner's alone")


def _ledger(subject: Subject) -> Iterator[Part]:
    path, export = ledger_of(subject.home), "headgate ledger verify"
    try:
        ledger = SqliteLedger(path, readonly=True)
        entries = ledger.last_sequence()
        ledger.close()
    except LedgerError as error:
        yield Part("ledger", well=False, evidence=f"it cannot be read: {error}", mend=export)
        return
    try:
        require_writable(path)
    except LedgerError as error:
        said = f"it has {entries} entries, and cannot be written: {error}"
        yield Part("ledger", well=False, evidence=said, mend=f"ls -l {path}; df {path.parent}")
    else:
        yield Part("ledger", well=True, evidence=f"it has {entries} entries, and can be written")


def _disk(subject: Subject) -> Iterator[Part]:
    usage, system = shutil.disk_usage(subject.home), os.statvfs(subject.home)
    free = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.1f} GB are free"
    mend = "headgate artifacts; remove what is not needed from the disk"
    if usage.free < FREE_LEAST_BYTES:
        yield Part("disk", well=False, evidence=f"{free}: too little", mend=mend)
    elif system.f_files and system.f_favail < FREE_LEAST_SHARE * system.f_files:
        said = f"{system.f_favail} more files are possible (inodes): too few"
        yield Part("disk", well=False, evidence=said, mend=mend)
    else:
        yield Part("disk", well=True, evidence=free)


def _logs(subject: Subject) -> Iterator[Part]:
    """Without its folder nothing that writes a log can be started again."""
    log, used = subject.home / "log", (subject.home / "run").is_dir()
    if log.is_dir() and os.access(log, os.W_OK | os.X_OK):
        yield Part("logs", well=True, evidence=f"{log} can be written")
    elif used:
        said = (
            "cannot be written" if log.is_dir() else "is gone: nothing that logs there can be started again"
        )
        yield Part("logs", well=False, evidence=f"{log} {said}", mend=f"mkdir -p -m 700 {log}")


def _locks(subject: Subject) -> Iterator[Part]:
    """Whoever runs holds a lock file; where it was deleted, another may start beside it and nobody would know."""
    held = {
        "run/supervisord.lock": subject.parts.get("process daemon"),
        "controller.lock": subject.parts.get("controller") if listens(steering_of(subject.home)) else None,
        "envoy/lock": subject.parts.get("proxy"),
    }
    gone = [name for name, part in held.items() if part and part.well and not (subject.home / name).exists()]
    if gone:
        said = f"{', '.join(gone)} in the home was deleted while its owner runs"
        yield Part("locks", well=False, evidence=said, mend="headgate down && headgate up", gravity="warning")
    else:
        yield Part("locks", well=True, evidence="everybody who runs holds their lock file")


def _artifacts(subject: Subject) -> Iterator[Part]:
    """What runs, or is warm, must be there and unchanged: it is what an instance is started from again."""
    for unit, run in subject.running.items():
        for version in (*([run.stable] if run.stable else []), *run.warm):
            yield _artifact(subject.artifacts, unit, version)


def _artifact(artifacts: Artifacts, unit: Unit, version: Version) -> Part:
    name, mend = f"artifact of {unit}", f"headgate deploy -e {unit.environment} {unit.service}"
    try:
        tree = artifacts.verify(version.artifact)
        artifacts.configuration(version.configuration)
    except PortError as error:
        return Part(name, well=False, evidence=f"{version.key}: {error}", mend=mend)
    return Part(name, well=True, evidence=f"{version.key} is byte for byte what was built ({tree.name[:12]})")


CHECKS: tuple[Callable[[Subject], Iterator[Part]], ...] = (_home, _ledger, _disk, _logs, _locks, _artifacts)
"""Every check. A new one is a function and a row."""
