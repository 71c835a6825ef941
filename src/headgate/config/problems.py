"""Problems of a project file, said so that a person can mend it: where, what, and what was expected."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

_SHOWN_MAX = 100
_LINE_MAX = 120


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong. `line` and `column` count from 1, in characters; 0: the file as a whole.

    `source` is that line of the file, with secrets masked; `width` is how many of its characters are meant.
    """

    file: str
    line: int
    column: int
    what: str
    expected: str = ""
    hint: str = ""
    source: str = ""
    width: int = 1

    def __str__(self) -> str:
        """`file:line:column: what; expected ...; hint`."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        expected = f"expected {self.expected}" if self.expected else ""
        return f"{place}: " + "; ".join(part for part in (self.what, expected, self.hint) if part)

    def render(self) -> str:
        """The sentence, the line of the file, and carets under what is meant."""
        if not self.line or not self.source.strip():
            return str(self)
        shown, before = _window(self.source, self.column - 1)
        margin = f"{self.line:>5} | "
        width = max(1, min(self.width, len(shown) - len(before)))
        blank = "".join("\t" if character == "\t" else " " for character in before)
        return f"{self}\n{margin}{shown}\n{' ' * 5} | {blank}{'^' * width}"


def _window(line: str, index: int) -> tuple[str, str]:
    """At most `_LINE_MAX` characters of `line` around `index`, and the part of them before it."""
    start = max(0, index - _LINE_MAX // 2) if len(line) > _LINE_MAX else 0
    return line[start : start + _LINE_MAX], line[start:index]


class ConfigError(Exception):
    """A project file (or what was asked of it) is wrong. `problems` holds all there is to say, in order of place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(dict.fromkeys(problems)))
        super().__init__(self.render())

    def render(self) -> str:
        """Every problem (the first hundred), with a blank line between two."""
        shown = [problem.render() for problem in self.problems[:_SHOWN_MAX]]
        rest = len(self.problems) - len(shown)
        return "\n\n".join([*shown, *([f"... and {rest} more"] if rest else [])])


# Did you mean ...? The nearest of some names.

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
