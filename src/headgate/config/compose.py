"""YAML text to a tree, by PyYAML's C parser: bounded, duplicate keys refused, nothing constructed but plain data."""

import re
from collections.abc import Iterator
from typing import cast

import yaml

from headgate.config.tree import Entry, Fault, Fields, Items, Mark, Node, Scalar, Value

NODES_MAX = 20_000
DEPTH_MAX = 32

_TAG = "tag:yaml.org,2002:"
_TAGS_KNOWN = {None, "!", *(_TAG + name for name in ("str", "int", "float", "bool", "null", "seq", "map"))}
_MERGE = "<<"
# libyaml where PyYAML was built with it (as its wheels are); the same events, slower, where it was not.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _BrokenError(Exception):
    """Nothing sensible can be read after this."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.what)
        self.fault = fault


def compose(text: str) -> tuple[Node | None, list[Fault]]:
    """The document in `text` and everything wrong with it as YAML; None for a document that is empty or broken."""
    composer = _Composer(text)
    try:
        return composer.document(), composer.faults
    except _BrokenError as broken:
        return None, [*composer.faults, broken.fault]


class _Composer:
    """Walks the parser's events once. An anchor is known after its node ends, so nothing can contain itself."""

    def __init__(self, text: str) -> None:
        self.faults: list[Fault] = []
        self._events = _events(text)
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0

    def document(self) -> Node | None:
        """The only document of the stream."""
        root: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    fault = Fault(_mark(event), "a second document begins here", "one document in the file")
                    raise _BrokenError(fault)
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, 1)
        empty = isinstance(root, Scalar) and root.value is None and root.text == ""
        return None if empty else root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise _BrokenError(Fault(_mark(event), f"this is nested more than {DEPTH_MAX} deep"))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._count
        self._grow(event, 1)
        self._refuse_tag(event)
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = _scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._items(event, depth)
        else:
            node = self._fields(event, depth)
        anchor = cast("str | None", getattr(event, "anchor", None))
        if anchor:
            self._anchors[anchor] = (node, self._count - before)
        return node

    def _alias(self, event: yaml.AliasEvent) -> Node:
        anchor = cast("str", event.anchor)
        if anchor not in self._anchors:
            raise _BrokenError(Fault(_mark(event), f"`*{anchor}` is used before `&{anchor}` is complete"))
        node, size = self._anchors[anchor]
        self._grow(event, size)
        return node

    def _grow(self, event: yaml.Event, size: int) -> None:
        """Count what the tree holds once aliases are written out: a small file can otherwise mean a huge one."""
        self._count += size
        if self._count > NODES_MAX:
            raise _BrokenError(
                Fault(_mark(event), f"the file holds more than {NODES_MAX} values, aliases written out")
            )

    def _refuse_tag(self, event: yaml.Event) -> None:
        tag = cast("str | None", getattr(event, "tag", None))
        if tag not in _TAGS_KNOWN:
            shown = "!!" + tag.removeprefix(_TAG) if tag and tag.startswith(_TAG) else tag
            self.faults.append(Fault(_mark(event), f"the tag `{shown}` means nothing here", "plain values"))

    def _items(self, event: yaml.Event, depth: int) -> Items:
        nodes: list[Node] = []
        for inner in self._events:
            if isinstance(inner, yaml.SequenceEndEvent):
                return Items(_mark(event, inner), tuple(nodes))
            nodes.append(self._node(inner, depth + 1))
        raise AssertionError("the parser closes what it opens")

    def _fields(self, event: yaml.Event, depth: int) -> Fields:
        entries: dict[str, Entry] = {}
        merged: list[Node] = []
        lost: list[tuple[str, Entry]] = []
        for key in self._events:
            if isinstance(key, yaml.MappingEndEvent):
                return self._merged(Fields(_mark(event, key), entries, tuple(lost)), merged)
            name = self._key(key)
            merging = name == _MERGE and isinstance(key, yaml.ScalarEvent) and key.implicit[0]
            value = self._node(next(self._events), depth + 1)
            if merging:
                merged.append(value)
            elif name in entries:
                first = entries[name].key
                lost.append((name, Entry(_mark(key), value)))
                what = f"the key `{name}` is given twice"
                self.faults.append(Fault(_mark(key), what, "", f"first at {first.line}:{first.column}"))
            else:
                entries[name] = Entry(_mark(key), value)
        raise AssertionError("the parser closes what it opens")

    def _key(self, event: yaml.Event) -> str:
        if isinstance(event, yaml.ScalarEvent):
            self._grow(event, 1)
            name = event.value
            if event.anchor:
                self._anchors[event.anchor] = (_scalar(event), 1)
            return name
        if isinstance(event, yaml.AliasEvent):
            node = self._alias(event)
            if isinstance(node, Scalar):
                return node.text
        raise _BrokenError(
            Fault(_mark(event), "a key is a mapping or a list", "a word as the key", _braces(event))
        )

    def _merged(self, fields: Fields, merged: list[Node]) -> Fields:
        """`fields` over those of `<<`: what stands in the mapping itself wins, then the first that is merged in."""
        entries, lost = dict(fields.entries), list(fields.lost)
        for value in merged:
            for source in value.nodes if isinstance(value, Items) else (value,):
                if isinstance(source, Fields):
                    lost += [(key, entry) for key, entry in source.entries.items() if key in entries]
                    entries = {**source.entries, **entries}
                else:
                    lost.append((_MERGE, Entry(source.mark, source)))
                    self.faults.append(Fault(source.mark, "`<<` merges mappings", "an alias of a mapping"))
        return Fields(fields.mark, entries, tuple(lost))


def _braces(event: yaml.Event) -> str:
    """`{port}` unquoted is a mapping to YAML."""
    return "text that begins with { or [ needs quotes" if isinstance(event, yaml.CollectionStartEvent) else ""


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    text = event.value
    tag = event.tag
    bare = event.implicit[0] or (tag is not None and tag not in ("!", _TAG + "str"))
    return Scalar(_mark(event), text, meaning(text) if bare else text)


def _mark(start: yaml.Event, end: yaml.Event | None = None) -> Mark:
    first, last = start.start_mark, (end or start).end_mark
    assert first is not None and last is not None  # noqa: PT018 - the parser marks everything
    return Mark(first.line + 1, first.column + 1, last.line + 1, last.column + 1)


def _events(text: str) -> Iterator[yaml.Event]:
    """The parser's events; its complaints become sentences."""
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        raise _BrokenError(_complaint(error, text)) from None
    except yaml.YAMLError:
        raise _BrokenError(Fault(Mark(1, 1, 1, 1), "this is not YAML")) from None


_COMPLAINTS = (
    (
        "mapping values are not allowed",
        "a `:` is not possible here",
        "text with `: ` in quotes, or a new line",
    ),
    (
        "cannot start any token",
        "no value can begin with this character",
        "quotes around the value",
    ),
    ("expected ',' or ']'", "a `[` is not closed", "`,` or `]`"),
    ("expected ',' or '}'", "a `{` is not closed", "`,` or `}`"),
    ("unexpected end of stream", "a quote is not closed", "the same quote again"),
    (
        "expected '-' indicator",
        "this line does not continue the list above it",
        "`- ` or a different indentation",
    ),
    (
        "expected key",
        "this line does not continue the mapping above it",
        "`key:` at the indentation of its neighbours",
    ),
    ("expected ':'", "there is no `:` after this key", "`key: value`"),
    (
        "unknown escape character",
        "an unknown escape in a double-quoted text",
        "`\\\\` for a backslash, or single quotes",
    ),
    ("incompatible YAML", "this YAML version is unknown", "no %YAML line, or %YAML 1.2"),
    ("node content", "a value is missing before this character"),
)


def _complaint(error: yaml.MarkedYAMLError, text: str) -> Fault:
    problem = str(error.problem or error.context or "")
    place = error.problem_mark or error.context_mark
    opened = any(words in problem for words in ("',' or", "end of stream"))
    if opened and error.context_mark:
        place = error.context_mark  # where it was opened says more than where the file ended
    line, column = (1, 1) if place is None else (place.line + 1, place.column + 1)
    mark = Mark(line, column, line, column)
    if place is not None and text[place.index : place.index + 1] == "\t":
        return Fault(mark, "a tab cannot indent", "spaces")
    for words, what, *expected in _COMPLAINTS:
        if words in problem:
            return Fault(mark, what, *expected)
    return Fault(mark, "this is not YAML", "", "the parser says: " + problem if problem else "")


# What a plain word of YAML means: the core schema of YAML 1.2, and nothing that older readers made up.
#
# `yes`, `no`, `on` and `off` are words; `1:30` and `1_000` are words; so is `0644`, which YAML 1.1 reads as 420 and
# YAML 1.2 as 644; so are dates, `.inf` and `.nan`, for which a project file has no use.

_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DIGITS_MAX = 18  # a whole number fits in 64 bits
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,2})?")


def meaning(text: str) -> Value:
    """The value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _DIGITS_MAX:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _RADIX.fullmatch(text):
        return int(text, 0)
    return float(text) if _REAL.fullmatch(text) else text
