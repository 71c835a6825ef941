"""A document as a tree whose every part knows its place in the text."""

from collections.abc import Iterator
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass

Loc = tuple[str | int, ...]
"""A path into the data: keys and indexes."""

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of the text: lines and columns count from 1, in characters; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def width(self) -> int:
        """How many characters to underline: the stretch when it lies on one line, else 1."""
        return max(1, self.end_column - self.column) if self.end_line == self.line else 1


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value; `text` is how it was written, without its quotes."""

    mark: Mark
    text: str
    value: Value


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    mark: Mark
    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping; `key` is where the key stands."""

    key: Mark
    node: "Node"


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping; keys are text, whatever they look like. `lost` is what stands in the text and does not count."""

    mark: Mark
    entries: dict[str, Entry]
    lost: tuple[tuple[str, Entry], ...] = ()

    def written(self) -> Iterator[tuple[str, "Node"]]:
        """Every key and value in the text, also those that another took the place of."""
        for key, entry in (*self.entries.items(), *self.lost):
            yield key, entry.node

    def get(self, *keys: str) -> "Node | None":
        """The node under `keys`, one after the other; None when a mapping or key on the way is missing."""
        node: Node = self
        for key in keys:
            if not isinstance(node, Fields) or key not in node.entries:
                return None
            node = node.entries[key].node
        return node

    def put(self, key: str, entry: Entry) -> "Fields":
        """The same mapping with `entry` under `key`."""
        return Fields(self.mark, {**self.entries, key: entry})


Node = Scalar | Items | Fields


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at a place of a text, before it is joined with the text itself."""

    mark: Mark
    what: str
    expected: str = ""
    hint: str = ""


def plain(node: Node) -> object:
    """The data alone: dicts, lists and scalars."""
    match node:
        case Scalar():
            return node.value
        case Items():
            return [plain(item) for item in node.nodes]
        case Fields():
            return {key: plain(entry.node) for key, entry in node.entries.items()}


def locate(root: Node, loc: AbstractSequence[str | int], *, key: bool = False) -> Mark:
    """Where `loc` stands, or the nearest thing above it that the text has. `key`: the key rather than its value."""
    node, mark = root, root.mark
    for part in loc:
        if isinstance(node, Fields) and isinstance(part, str) and part in node.entries:
            entry = node.entries[part]
            node, mark = entry.node, entry.key if key or _block(entry) else entry.node.mark
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.nodes):
            node = node.nodes[part]
            mark = node.mark
        elif not isinstance(
            node, Items
        ):  # in a list, a key is that of the mapping which the list is short for
            break
    return mark


def _block(entry: Entry) -> bool:
    """Of a mapping or list under its key, and of a value that is not written at all, people look for the key."""
    empty = isinstance(entry.node, Scalar) and entry.node.text == "" and entry.node.value is None
    return empty or not isinstance(entry.node, Scalar)


def scalars(node: Node) -> Iterator[Scalar]:
    """Every scalar in and under `node`."""
    match node:
        case Scalar():
            yield node
        case Items():
            for item in node.nodes:
                yield from scalars(item)
        case Fields():
            for _, value in node.written():
                yield from scalars(value)
