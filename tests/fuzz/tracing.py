"""Which ways an input takes through a target's own modules: from line to line, by sys.settrace."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

EDGES_MAX = 50_000
_PARTICULARS = re.compile(r"[0-9]+|`[^`]*`|'[^']*'|\"[^\"]*\"")

Edge = int


class Tracer:
    """Collects edges while it runs; code outside of `files` costs one look a call."""

    def __init__(self, files: tuple[str, ...]) -> None:
        self._files = files
        self._ours: dict[CodeType, bool] = {}
        self._found: set[Edge] = set()

    def edges(self, work: Callable[[], object]) -> set[Edge]:
        """The edges that `work` took, and what it ended with."""
        self._found = set()
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            work()
        finally:
            sys.settrace(before)
        return self._found

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:  # noqa: ANN401 - settrace's
        code = frame.f_code
        ours = self._ours.get(code)
        if ours is None:
            ours = self._ours[code] = code.co_filename.endswith(self._files)
        if not ours:
            return None
        found, last = self._found, [hash(code)]

        def line(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ANN401 - settrace's
            here = hash((last[0], frame.f_lineno, event))
            last[0] = frame.f_lineno
            if len(found) < EDGES_MAX:
                found.add(here)
            return line

        return line


def ending(error: BaseException | None) -> Edge:
    """How it ended, as one more edge: what libraries in C found wrong shows in their words only."""
    return hash((type(error).__name__, _PARTICULARS.sub("", str(error))[:80])) if error is not None else 0
