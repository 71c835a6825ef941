"""The part of JSONPath that a check needs: `$.a.b[0]['c d']`, one value or none. Pure."""

import re
from typing import Any

from headgate.ports.errors import Permanent

_PART = re.compile(r"""\.([A-Za-z_$][\w$-]*)|\[(-?\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")

LENGTH_MAX = 500


class Missing(LookupError):  # noqa: N818 - what was found out, not a mistake
    """The document has nothing at the path; the message says where it ends."""


def find(document: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    """The value at `path`. Raises Missing, or Permanent when `path` is no such path."""
    value = document
    seen = "$"
    for part in parse(path):
        present = isinstance(value, list) if isinstance(part, int) else isinstance(value, dict)
        try:
            value = value[part] if present else _nothing()
        except LookupError:
            raise Missing(f"nothing at {seen}{_written(part)}") from None
        seen += _written(part)
    return value


def parse(path: str) -> tuple[str | int, ...]:
    """The names and indices of `path`. Raises Permanent."""
    if not path.startswith("$") or len(path) > LENGTH_MAX:
        raise Permanent(f"{path[:80]!r} is no JSON path: expected one like $.items[0].id")
    parts: list[str | int] = []
    position = 1
    while position < len(path):
        found = _PART.match(path, position)
        if found is None:
            raise Permanent(
                f"{path!r} is no JSON path from character {position + 1} on: expected .name, [0] or ['name']"
            )
        name, index, single, double = found.groups()
        quoted = single if single is not None else double
        parts.append(int(index) if index is not None else name or re.sub(r"\\(.)", r"\1", quoted or ""))
        position = found.end()
    return tuple(parts)


def _nothing() -> Any:  # noqa: ANN401 - never returns
    raise LookupError


def _written(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{part}"
