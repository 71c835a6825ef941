"""The controller's log: one JSON object a line, with the field names of OpenTelemetry's log data model.

    {"timestamp": "2025-06-15T15:07:22.000000Z", "severity_text": "INFO", "severity_number": 9,
     "body": "r7 started: ...", "attributes": {"deployment.id": "r7", "service.name": "web", ...},
     "resource": {"service.name": "headgate", ...}}

Source: OpenTelemetry specification, "Logs data model" (severity numbers: table "Severity fields").
"""

import contextlib
import json
import logging
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from math import isfinite
from pathlib import Path

from headgate import __version__
from headgate.core.machine.events import Judged
from headgate.core.story.explain import sentences
from headgate.files import owner_only
from headgate.folders import private_folder
from headgate.ports.observer import Happened
from headgate.ports.redaction import KNOWN

BODY_MAX = 2000
"""Characters of a sentence: a log line is for reading, the ledger has it all."""

FILE_MAX_BYTES, FILES = 10_000_000, 5

_SEVERITY = {"DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17, "CRITICAL": 21}
_NAMES = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_RESOURCE = {"service.name": "headgate", "service.version": __version__}
_GRAVE = ("rolling back", "held")
_log = logging.getLogger("headgate.release")


class JsonLines(logging.Formatter):
    """Every record as one line, whoever logged it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without secrets that are known here. An exception is told by its type and its traceback's text."""
        attributes: dict[str, object] = {"otel.scope.name": record.name}
        attributes |= getattr(record, "attributes", {})
        if record.exc_info and record.exc_info[0] is not None:
            attributes["exception.type"] = record.exc_info[0].__name__
            attributes["exception.message"] = str(record.exc_info[1])
            attributes["exception.stacktrace"] = self.formatException(record.exc_info)
        line = {
            "timestamp": _iso(getattr(record, "at", record.created)),
            "severity_text": _NAMES.get(record.levelname, record.levelname),
            "severity_number": _SEVERITY.get(record.levelname, 0),
            "body": record.getMessage()[:BODY_MAX],
            "attributes": attributes,
            "resource": _RESOURCE,
        }
        return json.dumps(_cleaned(line), ensure_ascii=False)


def _cleaned(value: object) -> object:
    """Every text in it cleaned, before it is escaped."""
    if isinstance(value, str):
        return KNOWN.clean(value)
    if isinstance(value, Mapping):
        return {name: _cleaned(one) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return [_cleaned(one) for one in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value


class _OwnLog(RotatingFileHandler):
    """One that is its owner's alone, whatever the umask is."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=owner_only)  # type: ignore[return-value]


def log_file(home: Path, name: str = "foreground") -> logging.Handler:
    """The log of a controller that lives as long as a command, or of a process beside one: `name` is whose.

    The daemon's own is kept by the process daemon.
    """
    folder = home / "log"
    private_folder(folder)
    return _OwnLog(
        folder / f"{name}.log", maxBytes=FILE_MAX_BYTES, backupCount=FILES, delay=True, encoding="utf-8"
    )


@contextlib.contextmanager
def logged(handler: logging.Handler) -> Generator[None]:
    """Send what is logged to `handler`, while the context lasts: ours from INFO on, the libraries' from WARNING on."""
    handler.setFormatter(JsonLines())
    root, ours = logging.getLogger(), logging.getLogger("headgate")
    level = ours.level
    ours.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        ours.setLevel(level)
        handler.close()


def journal(happened: Happened) -> None:
    """Log what happened to a release; an interval of watching only when its verdict is another than before."""
    summary, event = happened.summary, happened.event
    told = sentences(event, happened.before, happened.folded)
    if not told:
        return
    grave = summary.phase in _GRAVE or summary.outcome in ("rolled_back", "refused")
    level = logging.WARNING if grave and any(weighty for _, weighty in told) else logging.INFO
    known = attributes(happened)
    for text, _ in told:
        _log.log(level, "%s %s", summary.release, text, extra={"attributes": known, "at": event.at})


def attributes(happened: Happened) -> Mapping[str, object]:
    """What a line is found by; what there is none of is left out."""
    summary, event = happened.summary, happened.event
    services = [move.unit.service for move in summary.moves]
    found: dict[str, object] = {
        "event.name": type(event).__name__,
        "deployment.id": summary.release,
        "deployment.environment.name": summary.environment,
        "service.name": services[0] if len(services) == 1 else services,
        "service.version": summary.moves[0].after.key if len(services) == 1 else "",
        "headgate.project": summary.project,
        "headgate.phase": summary.phase,
        "headgate.outcome": summary.outcome or "",
        "headgate.sequence": summary.sequence,
        "headgate.weights": [move.weight for move in summary.moves],
    }
    if isinstance(event, Judged):
        found["headgate.verdict"] = event.verdict.kind
        if isfinite(event.verdict.evidence):  # JSON has no infinity
            found["headgate.evidence"] = event.verdict.evidence
    return {name: value for name, value in found.items() if value not in ("", None)}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
