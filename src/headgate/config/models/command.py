"""A command as people write it: words, without a shell. What only a shell would understand is refused, or understood.

Understood are the two things that nearly every Procfile has: variables set in front (`RAILS_ENV=production puma`, which
`env` carries out) and the port (`$PORT`, which is `{port}`). Whatever else a shell would do to the text would be lost
in silence, and the application would see it as it is written: that is said here, not by a crash at its start.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import cast

from headgate.config.models.complaint import in_quotes, shown, wrong

_EXPECTED = "a command, as text or as a list of words"
_SHELL = 'for a shell, write `sh -c "..."`'
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
_OPERATORS = frozenset({"&&", "||", "|", ";", ">", ">>", "<", "&"})
_BUILTINS = frozenset(
    {"cd", "exec", "source", ".", "export", "set", "unset", "eval", "ulimit", "umask", "trap"}
)
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_PORT = re.compile(r"\$(?:PORT\b|\{PORT(?::?-\d*)?\})")
_VARIABLE = re.compile(r"\$(?:[A-Za-z_][A-Za-z0-9_]*|\{[^}]*\}?|\()")


def read_command(value: object) -> object:
    """A command that is given its port: text is split as a shell would, a list is taken as it is."""
    return _read(value, port=True)


def read_build(value: object) -> object:
    """A command that is given none."""
    return _read(value, port=False)


def _read(value: object, *, port: bool) -> tuple[str, ...]:
    if isinstance(value, str):
        words = _split(value, port=port)
    elif isinstance(value, (list, tuple)):
        words = tuple(_word(item) for item in cast("Sequence[object]", value))
        _refuse_in_list(words, port=port)
    else:
        raise wrong(f"{shown(value)} is not a command", _EXPECTED, in_quotes(value))
    if not words or not words[0]:
        raise wrong("the command is empty", _EXPECTED)
    return _with_variables(words)


def _word(item: object) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, (int, float)) and not isinstance(item, bool):
        return str(item)
    raise wrong(f"{shown(item)} is not a word of a command", "text")


def _split(text: str, *, port: bool) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        raise wrong(
            f"{shown(text)} cannot be split into words", _EXPECTED, "is a quote not closed?"
        ) from None
    for part, quoted in _parts(text):
        _refuse_operators(part, quoted=quoted)
    if _is_shell(words):
        return words
    text = "".join(_without_variables(part, quoted, port=port) for part, quoted in _parts(text))
    return tuple(shlex.split(text))


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with the quote that it stands in: a backslash is one for what follows it."""
    quote, piece, characters = "", "", iter(text)
    for character in characters:
        if character == "\\" and quote != "'":
            yield piece, quote
            yield character + next(characters, ""), "\\"
            piece = ""
        elif character in ("'", '"') and quote in ("", character):
            yield piece + character if quote else piece, quote
            piece = "" if quote else character
            quote = "" if quote else character
        else:
            piece += character
    yield piece, quote


def _refuse_operators(part: str, *, quoted: str) -> None:
    """What ends a command or joins two, outside of quotes; a line break at the end is none."""
    if quoted:
        return
    if found := re.search(r"&&|\|\||[|;<>`&]|\n(?=\s*\S)", part):
        name = "a line break" if found[0] == "\n" else f"`{found[0]}`"
        hint = 'write `sh -c "cd web && exec node server.js"`' if found[0] == "&&" else _SHELL
        if found[0] == "&" and part.rstrip().endswith("&"):
            hint = "leave it away: what runs in the foreground is looked after"
        raise wrong(f"no shell runs this command, and {name} means nothing without one", "one command", hint)
    if found := re.search(r"(?:^|\s)~(?:/|\s|$)", part):
        raise wrong("no shell runs this command, and `~` means nothing without one", "a path in full", _SHELL)


def _without_variables(part: str, quoted: str, *, port: bool) -> str:
    """The part with `{port}` for `$PORT`. Any other variable is refused: it would stay as it is written."""
    if quoted in ("'", "\\"):
        return part
    part = _PORT.sub("{port}", part) if port else part
    if found := _VARIABLE.search(part):
        raise wrong(
            f"no shell runs this command, and `{found[0]}` is not filled in",
            "`{port}` for the port, or the value itself" if port else "the value itself",
            f"{_SHELL}; in single quotes it stays as it is",
        )
    return part


def _refuse_in_list(words: Sequence[str], *, port: bool) -> None:
    """A list is taken as it is: what looks like the port in it is meant to be the port."""
    if _is_shell(words):
        return
    if found := _OPERATORS & set(words):
        raise wrong(
            f"no shell runs this command, and `{min(found)}` means nothing without one", "one command", _SHELL
        )
    for place in filter(None, map(_PORT.search, words)):
        what = f"`{place[0]}` is not filled in in a list of words"
        raise wrong(what, "`{port}`" if port else "the value itself")


def _is_shell(words: Sequence[str]) -> bool:
    """True for `sh -c ...`, after variables set in front."""
    rest = [word for word in words if not _ASSIGNMENT.match(word) and word != "env"]
    return (
        bool(rest)
        and PurePosixPath(rest[0]).name in _SHELLS
        and any(re.fullmatch(r"-\w*c", word) for word in rest[1:])
    )


def _with_variables(words: tuple[str, ...]) -> tuple[str, ...]:
    """The command with what a shell would do first: variables set in front are for this command."""
    count = next((n for n, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))
    if count == len(words):
        raise wrong(
            "this sets variables and runs nothing", "a command after them", "or write them under `env`"
        )
    if any(word.startswith("PORT=") for word in words[:count]):
        raise wrong(
            "PORT is set by Headgate", "a command that listens on `{port}`", "the public port is `listen`"
        )
    if (first := words[count]) in _BUILTINS:
        hint = (
            "leave `exec` away: the command is run without a shell"
            if first == "exec"
            else f'write `sh -c "{first} ... && exec ..."`'
        )
        raise wrong(f"`{first}` is a shell's own, and no shell runs this command", "a program", hint)
    return ("env", *words) if count else words
