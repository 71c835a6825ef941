"""Which stretches of a project file are never shown: whatever may be a secret somebody wrote down after all."""

import re
from collections.abc import Iterable, Iterator, Sequence

from headgate.config.tree import Fields, Items, Mark, Node, Scalar, scalars

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
