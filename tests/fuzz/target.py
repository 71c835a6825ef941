"""What is fuzzed: a parser, what it may raise, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

MS_PER_MB = 100.0
MEMORY_TIMES = 10.0


@dataclass(frozen=True)
class Target:
    """A parser of foreign bytes.

    `parse` takes whatever bytes there are; `raises` are the errors that its docstring declares. `modules` hold it (as
    paths under src/headgate, without `.py`). `seeds` makes a few sound inputs, by our own encoders where we have them;
    `words` are texts that mean something to it. `ms_per_mb` and `memory_times` bound what a megabyte may cost,
    `floor_ms` and `floor_mb` what little may; one that may cost more than usual says in `because` why, and what bounds
    it.
    """

    name: str
    parse: Callable[[bytes], object]
    raises: tuple[type[Exception], ...]
    modules: tuple[str, ...]
    seeds: Callable[[], Sequence[bytes]]
    words: tuple[bytes, ...] = ()
    ms_per_mb: float = MS_PER_MB
    memory_times: float = MEMORY_TIMES
    because: str = ""
    floor_ms: float = 30.0
    floor_mb: float = 1.0
    input_max: int = 1024 * 1024

    @cached_property
    def files(self) -> tuple[str, ...]:
        """How the code of these modules is named, for the feedback by coverage."""
        return tuple(f"/headgate/{module}.py" for module in self.modules)
