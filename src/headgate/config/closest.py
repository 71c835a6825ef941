"""Did you mean ...? The nearest of some names."""

from collections.abc import Iterable
from difflib import SequenceMatcher

_ALIKE_MIN = 0.6
_LENGTH_MAX = 80  # the comparison is quadratic; nobody mistypes a longer name


def closest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that `name` was probably meant to be; None when none is near. Case and -/_ do not count."""
    if len(name) > _LENGTH_MAX:
        return None
    wanted = _plain(name)
    best: tuple[float, str] | None = None
    for candidate in sorted(names):
        alike = SequenceMatcher(a=_plain(candidate), b=wanted, autojunk=False).ratio()
        if alike >= _ALIKE_MIN and (best is None or alike > best[0]):
            best = (alike, candidate)
    return best[1] if best else None


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")
