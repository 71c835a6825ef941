"""The receiver's side of a signed webhook: the code of docs/markers.md, as it stands there."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "markers.md"
_found: dict[str, Any] = {}
_block = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
assert _block is not None, "the page shows how to verify"
exec(compile(_block[1], str(PAGE), "exec"), _found)  # noqa: S102 - our own page

Rejected: type[Exception] = _found["Rejected"]


def verified(key: bytes, headers: Mapping[str, str], body: bytes, now: float, seen: set[str]) -> bool:
    return bool(_found["verified"](key, headers, body, now, seen))
