"""One input, judged: what it raised, the time it took, and the memory."""

from __future__ import annotations

import contextlib
import signal
import time
import traceback
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from tests.fuzz.target import Target

HANGS_S = 10.0
MEGABYTE = 1024 * 1024
TRIES = 3


class Hung(BaseException):
    """It takes far longer than anything may."""


@dataclass(frozen=True)
class Finding:
    """What is wrong with a parser: `kind` and `where` say whether two findings are one."""

    kind: str
    where: str
    what: str

    @property
    def key(self) -> str:
        """One word for a file's name."""
        return "".join(letter if letter.isalnum() else "-" for letter in f"{self.kind}-{self.where}")[:80]


@dataclass(frozen=True)
class Run:
    """What became of an input."""

    finding: Finding | None
    error: BaseException | None
    took_s: float


def run(target: Target, data: bytes) -> Run:
    """Parse it once, with the clock running; once more, and again, where that was slow: the machine may have been."""
    result = _once(target, data)
    allowed_s = limit_s(target, len(data))
    if result.finding is None and result.took_s > allowed_s:
        took_s = min(result.took_s, *(_once(target, data).took_s for _ in range(TRIES - 1)))
        slow = None
        if took_s > allowed_s:
            what = (
                f"{took_s * 1000:.0f} ms of CPU for {len(data)} bytes; allowed are {allowed_s * 1000:.0f} ms"
            )
            slow = Finding("slow", "", what)
        result = Run(slow, result.error, took_s)
    return result


def limit_s(target: Target, size: int) -> float:
    """How long an input of this size may take."""
    return max(target.floor_ms / 1000, target.ms_per_mb / 1000 * size / MEGABYTE)


def weigh(target: Target, data: bytes) -> tuple[int, Finding | None]:
    """The most memory that Python held while it was parsed, and whether that is too much."""
    tracemalloc.start()
    try:
        _once(target, data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    allowed = int(max(target.floor_mb * MEGABYTE, target.memory_times * len(data)))
    if peak <= allowed:
        return peak, None
    return peak, Finding("memory", "", f"{peak} bytes for {len(data)}; allowed are {allowed}")


def _once(target: Target, data: bytes) -> Run:
    error: BaseException | None = None
    finding: Finding | None = None
    began = time.process_time()
    try:
        with _patience():
            target.parse(data)
    except target.raises as declared:
        error = declared
    except (Exception, Hung) as undeclared:  # noqa: BLE001 - whatever it is, it is the finding
        error, finding = undeclared, _undeclared(undeclared)
    return Run(finding, error, time.process_time() - began)


def _undeclared(error: BaseException) -> Finding:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/headgate/" in frame.filename]
    last = frames[-1] if frames else None
    where = f"{last.filename.rpartition('/headgate/')[2]}:{last.name}" if last else "outside"
    shown = "".join(traceback.format_exception(error))[-3000:]
    return Finding(type(error).__name__, where, shown)


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """Interrupts what takes HANGS_S of the processor's time."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise Hung

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGS_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
