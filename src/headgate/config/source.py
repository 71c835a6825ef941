"""The text of a project file: read with bounds, split as the YAML parser splits it, shown without its secrets."""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from headgate.config.masking import mask, mask_unparsed, secret_marks
from headgate.config.problems import ConfigError, Problem
from headgate.config.tree import Fault, Loc, Mark, Node, locate

SIZE_MAX_BYTES = 256 * 1024

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_FOREIGN = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TOO_LARGE = f"the file is larger than {SIZE_MAX_BYTES // 1024}KiB"
_BOM = "\ufeff"
_INIT = "`headgate init` writes one for the project it stands in"


def read(path: Path, expected: str = "a project file", hint: str = _INIT) -> str:
    """The text at `path`. Raises ConfigError when it is missing, unreadable, too large or not UTF-8."""
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError([Problem(name, 0, 0, "there is no such file", expected, hint)]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not possible"
        raise ConfigError([Problem(name, 0, 0, f"the file cannot be read: {reason}")]) from None
    if len(data) > SIZE_MAX_BYTES:
        raise ConfigError([Problem(name, 0, 0, _TOO_LARGE)])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        byte = data[error.start]
        fault = Fault(_place(before), f"the byte 0x{byte:02x} is not UTF-8", "a file saved as UTF-8")
        raise ConfigError([Source(name, before).problem(fault)]) from None


def _place(before: str) -> Mark:
    lines = _BREAK.split(before)
    line, column = len(lines), len(lines[-1]) + 1
    return Mark(line, column, line, column + 1)


@dataclass(frozen=True)
class Source:
    """One file's text. Without `root` (not read as YAML yet), secrets are masked by guess."""

    name: str
    text: str = field(repr=False)
    root: Node | None = field(default=None, repr=False)
    secrets: frozenset[Mark] = field(default=frozenset(), repr=False)

    def parsed(self, root: Node) -> "Source":
        """The same text, now that it is known to be `root`."""
        return replace(self, root=root, secrets=frozenset(secret_marks(root)))

    def seen_as(self, root: Node) -> "Source":
        """The same text, with places looked up in `root`, which was made of the one that was parsed."""
        return replace(self, root=root)

    def refusal(self) -> Fault | None:
        """Why this text is not even given to the YAML parser; None when it may be."""
        if len(self.text) > SIZE_MAX_BYTES:
            return Fault(Mark(0, 0, 0, 0), _TOO_LARGE)
        foreign = _FOREIGN.search(self.text)
        if foreign:
            what = f"the character U+{ord(foreign[0]):04X} does not belong in a text file"
            return Fault(_place(self.text[: foreign.start()]), what)
        if not self.text.strip():
            return Fault(Mark(1, 1, 1, 1), "the file is empty", "`headgate: 1`, `project` and `services`")
        return None

    def hidden(self, mark: Mark) -> bool:
        """True when the value at `mark` may be a secret."""
        return mark in self.secrets

    def problem(self, fault: Fault) -> Problem:
        """`fault` with the name of the file and the line it is about."""
        mark = fault.mark
        return Problem(
            self.name,
            mark.line,
            mark.column,
            fault.what,
            fault.expected,
            fault.hint,
            self._line(mark.line),
            mark.width,
        )

    def problem_at(
        self, loc: Loc, what: str, expected: str = "", hint: str = "", *, key: bool = False
    ) -> Problem:
        """The same, for a path into the data (the key of its last part, when `key`)."""
        mark = locate(self.root, loc, key=key) if self.root is not None else Mark(0, 0, 0, 0)
        return self.problem(Fault(mark, what, expected, hint))

    @cached_property
    def _lines(self) -> list[str]:
        """Split once: a broken file may have as many problems as it has lines."""
        return _BREAK.split(self.text)

    @cached_property
    def _secret_lines(self) -> dict[int, list[Mark]]:
        """What may be a secret, by the lines that it is on."""
        found: dict[int, list[Mark]] = {}
        for mark in self.secrets:
            for line in range(mark.line, mark.end_line + 1):
                found.setdefault(line, []).append(mark)
        return found

    def _line(self, number: int) -> str:
        lines = self._lines
        if not 1 <= number <= len(lines):
            return ""
        return (
            mask_unparsed(lines, number)
            if self.root is None
            else mask(lines[number - 1], number, self._secret_lines.get(number, ()))
        )


def without_mark(text: str) -> str:
    """`text` without a byte order mark at its start: some editors leave one, and it means nothing."""
    return text.removeprefix(_BOM)
