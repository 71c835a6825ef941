"""The text of a project file: read with bounds, split as the YAML parser splits it, shown without its secrets."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from headgate.config.problems import ConfigError, Problem
from headgate.config.tree import Fault, Fields, Items, Loc, Mark, Node, Scalar, locate, scalars

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


# Which stretches of a project file are never shown: whatever may be a secret somebody wrote down after all.

_SOURCES = frozenset({"file", "env", "secret", "projects", "used_by", "to"})
_TELLTALE = re.compile(r"secret|passw|token|credential|(api|private|access)[-_]?key", re.IGNORECASE)
_KEYED = re.compile(r"^[\s{,?-]*[\"']?(?P<key>[\w.$-]+)[\"']?\s*:\s*")
_QUOTED_KEY = re.compile(rf"(?:{_TELLTALE.pattern})[\w-]*[\"']?\s*:", re.IGNORECASE)
_MASK = "*"


def sensitive(name: str) -> bool:
    """True for a name that sounds like a secret's: `DB_PASSWORD`, `api-key`."""
    return bool(_TELLTALE.search(name))


def secret_marks(node: Node) -> Iterator[Mark]:
    """The places of all values under telltale keys (`secrets` is one), except the names of files and variables.

    A text that has such a key in it, as a piece of YAML that a quote has swallowed, is one as well.
    """
    if isinstance(node, Scalar) and _QUOTED_KEY.search(node.text):
        yield node.mark
    if isinstance(node, Items):
        for item in node.nodes:
            yield from secret_marks(item)
    if not isinstance(node, Fields):
        return
    for key, value in node.written():
        yield from _written_secrets(value) if sensitive(key) else secret_marks(value)


def _written_secrets(secrets: Node) -> Iterator[Mark]:
    if not isinstance(secrets, Fields):
        yield from (scalar.mark for scalar in scalars(secrets))
        return
    for _, value in secrets.written():
        inner = [value]
        if isinstance(value, Fields):
            inner = [node for key, node in value.written() if key not in _SOURCES]
        yield from (scalar.mark for node in inner for scalar in scalars(node))


def mask(line: str, number: int, marks: Iterable[Mark]) -> str:
    """`line` (its `number` counts from 1) with every stretch of `marks` starred out."""
    for mark in marks:
        if mark.line <= number <= mark.end_line:
            start = mark.column - 1 if number == mark.line else 0
            end = mark.end_column - 1 if number == mark.end_line else len(line)
            line = line[:start] + _MASK * (min(end, len(line)) - start) + line[max(end, start) :]
    return line


def mask_unparsed(lines: Sequence[str], number: int) -> str:
    """Line `number` of a text that could not be read as YAML, blanked out where it may hold a secret.

    Goes by indentation: everything that stands deeper than a telltale key above it belongs to that key.
    """
    indent = len(lines[number - 1]) + 1
    for index in range(number - 1, -1, -1):
        line = lines[index]
        here = len(line) - len(line.lstrip(" \t"))
        if not line.strip() or here >= indent:
            continue
        indent = here
        found = sensitive(line)
        if found:
            return _MASK * len(lines[number - 1]) if index < number - 1 else _after_key(line)
    return lines[number - 1]


def _after_key(line: str) -> str:
    keyed = _KEYED.match(line)
    end = keyed.end() if keyed else 0
    return line[:end] + _MASK * (len(line) - end)
