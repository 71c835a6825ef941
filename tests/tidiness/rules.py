"""The rules of the house: each takes a file and says what is wrong with it, as (line, sentence)."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from tests.tidiness import tables

Problem = tuple[int, str]
Rule = Callable[["File"], Iterator[Problem]]
Function = ast.FunctionDef | ast.AsyncFunctionDef

HOUSE = "src/headgate/"


@dataclass(frozen=True)
class File:
    """One file of the project, by its path from the root."""

    path: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    @property
    def in_house(self) -> bool:
        return self.is_python and self.path.startswith(HOUSE)

    def is_in(self, places: tuple[str, ...]) -> bool:
        """Is this file one of these places under src/headgate? See `tables.HOMES`."""
        inside = self.path.removeprefix(HOUSE).removesuffix(".py")
        return self.in_house and any(
            inside.startswith(place[:-1])
            if place.endswith("*")
            else inside == place or inside.startswith(f"{place}/")
            for place in places
        )

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @property
    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    @property
    def package(self) -> list[str]:
        """The package that a relative import in this file starts from."""
        return list(PurePosixPath(self.path).parent.parts[1:])

    @property
    def imports(self) -> Iterator[tuple[int, str]]:
        """Every module this file imports, wherever in the file, by its absolute name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = self.package[: len(self.package) - node.level + 1] if node.level else []
                module = ".".join([*above, *([node.module] if node.module else [])])
                # `from headgate import plugins` imports headgate.plugins: the last name may be a module.
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def search(file: File, pattern: re.Pattern[str], sentence: str) -> Iterator[Problem]:
    for number, line in enumerate(file.lines, start=1):
        if found := pattern.search(line):
            yield number, f"{sentence}: {found.group().strip()}"


# --- sizes and names ----------------------------------------------------------------------------------------


def files_are_short(file: File) -> Iterator[Problem]:
    if file.in_house and len(file.lines) > tables.FILE_LINES_MAX:
        yield 1, f"{len(file.lines)} lines; at most {tables.FILE_LINES_MAX}"


def functions_are_short(file: File) -> Iterator[Problem]:
    if not file.in_house:
        return
    for function in file.functions:
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > tables.FUNCTION_LINES_MAX:
            yield function.lineno, f"{function.name} has {length} lines; at most {tables.FUNCTION_LINES_MAX}"


def names_say_something(file: File) -> Iterator[Problem]:
    if file.is_python:
        path = PurePosixPath(file.path)
        for name in sorted({*path.parent.parts, path.stem} & tables.EMPTY_NAMES):
            yield 1, f"{name!r} says nothing about what is inside"


def names_are_the_fields_words(file: File) -> Iterator[Problem]:
    if file.is_python:
        path = PurePosixPath(file.path)
        for name in sorted({*path.parent.parts, path.stem.removeprefix("test_")} & tables.FIGURES):
            yield 1, f"{name!r} is a figure of speech: name the file by the field's word for what it does"


def types_named_twice(files: Iterable[File]) -> Iterator[str]:
    """Every class of the core whose name another class of the core has, with the files of both."""
    first: dict[str, str] = {}
    for file in files:
        if not file.is_in(("core",)):
            continue
        for node in ast.walk(file.tree):
            if isinstance(node, ast.ClassDef) and first.setdefault(node.name, file.path) != file.path:
                yield f"{file.path}:{node.lineno}: {first[node.name]} has a class {node.name}, too"


def modules_say_what_they_are_for(file: File) -> Iterator[Problem]:
    private = PurePosixPath(file.path).stem.startswith("_") and not file.path.endswith("__.py")
    if file.in_house and not private and not ast.get_docstring(file.tree):
        yield 1, "a public module needs a docstring"


# --- nothing half done --------------------------------------------------------------------------------------

MARKS = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X)\b")
LOWERED = re.compile(
    r"#\s*(pyright:\s*(basic|standard|off|ignore(?!\[))|pyright:\s*report|mypy:|ruff:\s*noqa)"
)


def nothing_is_left_for_later(file: File) -> Iterator[Problem]:
    yield from search(file, MARKS, "finish it, or file an issue")


def checks_are_not_lowered(file: File) -> Iterator[Problem]:
    if file.in_house:
        yield from search(file, LOWERED, "silence one rule on one line, by name")


def nothing_is_a_stub(file: File) -> Iterator[Problem]:
    """A body of `pass`, `...` or NotImplementedError belongs to a Protocol, an abstract method or an overload."""
    if not file.in_house:
        return
    promised = {
        id(method)
        for node in ast.walk(file.tree)
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases)
        for method in node.body
    }
    for function in file.functions:
        marks = {ast.unparse(decorator).rpartition(".")[2] for decorator in function.decorator_list}
        if id(function) not in promised and not marks & {"abstractmethod", "overload"} and is_empty(function):
            yield (
                function.lineno,
                f"{function.name} is a stub; what does nothing on purpose has a docstring that says why",
            )


def is_empty(function: Function) -> bool:
    last = ast.unparse(function.body[-1])
    documented = len(function.body) > 1 and ast.get_docstring(function) is not None
    alone = len(function.body) == (2 if documented else 1)
    return (alone and last in {"pass", "..."}) or last.startswith("raise NotImplementedError")


# --- output and errors --------------------------------------------------------------------------------------


def only_the_terminal_prints(file: File) -> Iterator[Problem]:
    if not file.in_house or file.is_in(tables.MAY_PRINT):
        return
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield node.lineno, f"print belongs to {' and '.join(tables.MAY_PRINT)}"


def foreign_text_is_made_visible(file: File) -> Iterator[Problem]:
    """What is echoed past `cli/screen` reaches the terminal as others wrote it."""
    if not file.in_house or file.is_in(tables.MAY_ECHO):
        return
    yield from search(
        file, re.compile(r"\bclick\.(echo|secho)\("), "`say` of cli/screen makes foreign text visible"
    )


def no_error_is_swallowed(file: File) -> Iterator[Problem]:
    if not file.is_python:
        return
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = "everything" if node.type is None else ast.unparse(node.type)
            does_nothing = all(ast.unparse(line) in {"pass", "...", "continue"} for line in node.body)
            if node.type is None:
                yield node.lineno, "a bare except catches even the request to stop"
            elif re.search(r"\b(Base)?Exception\b", caught) and does_nothing:
                yield node.lineno, f"except {caught} does nothing: nobody will ever know"
        elif isinstance(node, ast.Call) and re.fullmatch(
            r"(contextlib\.)?suppress\((Base)?Exception\)", ast.unparse(node)
        ):
            yield node.lineno, f"{ast.unparse(node)}: nobody will ever know"


PARTLY_CAUGHT = re.compile(
    r"except\b.*\b(msgspec\.)?(MsgspecError|DecodeError)\b|except\b.*JSONDecodeError\b"
)


def what_decoding_raises_is_caught(file: File) -> Iterator[Problem]:
    if file.in_house and not file.is_in(tables.DECODE_THEMSELVES):
        yield from search(
            file, PARTLY_CAUGHT, "decoding raises more than that: except headgate.ports.errors.UNREADABLE"
        )


# --- nothing of one machine ---------------------------------------------------------------------------------

MACHINE_PATHS = re.compile(r"(?<![\w.~$}/-])/(root|work|home)/[\w.-]*")
REGISTRIES = re.compile(
    r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|yarnpkg\.com|crates\.io|proxy\.golang\.org|golang\.org/dl"
    r"|maven\.org|maven\.apache\.org|deb\.debian\.org|(archive|ports)\.ubuntu\.com|docker\.io|ghcr\.io|quay\.io)\b"
)
ADDRESSES = re.compile(r"\w+://\S+|--(extra-)?index-url|--find-links|--index\b")


def no_path_of_one_machine(file: File) -> Iterator[Problem]:
    yield from search(file, MACHINE_PATHS, "a path of one machine")


def no_name_of_a_registry(file: File) -> Iterator[Problem]:
    yield from search(file, REGISTRIES, "packages come from whichever index a machine uses")


def locks_hold_no_addresses(file: File) -> Iterator[Problem]:
    if file.path.endswith((".lock", "package-lock.json")):
        yield from search(file, ADDRESSES, "a lock holds names, versions and hashes only")


# --- who imports whom, where import-linter cannot say it ----------------------------------------------------


def core_is_pure(file: File) -> Iterator[Problem]:
    if not file.is_in(("core",)):
        return
    for line, module in file.imports:
        if module.partition(".")[0] not in tables.CORE_MAY_IMPORT and not module.startswith("headgate.core"):
            yield line, f"core may not import {module} (law 1)"


def libraries_stay_at_home(file: File) -> Iterator[Problem]:
    if not file.in_house:
        return
    for line, module in file.imports:
        library = module.partition(".")[0]
        if library in tables.HOMES:
            if not file.is_in(tables.HOMES[library]):
                yield line, f"{library} is at home in {', '.join(tables.HOMES[library])} (law 4)"
        elif library not in tables.AT_HOME_ANYWHERE | sys.stdlib_module_names | {"headgate"}:
            yield line, f"{library} has no home yet: give it one in tests/tidiness/tables.py (law 4)"


def guests_are_expected(file: File) -> Iterator[Problem]:
    if not file.in_house:
        return
    for line, module in file.imports:
        room = ".".join(module.split(".")[1:2]) if module.startswith("headgate.") else ""
        if room in tables.GUESTS and not file.is_in((room, *tables.GUESTS[room])):
            yield line, f"only {', '.join(tables.GUESTS[room])} imports headgate.{room} (law 3)"


# --- what must last -----------------------------------------------------------------------------------------


def what_starts_a_program_stands_last(file: File) -> Iterator[Problem]:
    """What stands below `if __name__ == "__main__"` is not there yet when the program runs."""
    if not file.is_python:
        return
    for node in file.tree.body[:-1]:
        starts = isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
        if starts and "main(" in ast.unparse(node):
            yield node.lineno, "it runs before what stands below it is there: put it last"


UNIX_SOCKETS = re.compile(r"\bAF_UNIX\b|UnixStreamServer\b|open_unix_connection\b")
TEMPORARY = re.compile(r"[\"']/tmp\b|\bgettempdir\(|\bmkdtemp\(\)|XDG_RUNTIME_DIR")


def unix_sockets_may_lie_deep(file: File) -> Iterator[Problem]:
    if file.in_house and not file.is_in(tables.MAKE_UNIX_SOCKETS):
        yield from search(
            file, UNIX_SOCKETS, "a home's path may be too long for it: use headgate.unix_sockets"
        )


def what_must_last_lies_in_the_home(file: File) -> Iterator[Problem]:
    if file.in_house and not file.is_in(tables.MAY_BE_TEMPORARY):
        yield from search(file, TEMPORARY, "others clean there: keep it in the home")


MAKES_FOLDERS = re.compile(r"\.mkdir\(|\bmakedirs\(")


def folders_of_a_home_are_private(file: File) -> Iterator[Problem]:
    if file.in_house and not file.is_in(tables.MAKE_FOLDERS):
        yield from search(file, MAKES_FOLDERS, "the umask decides who may enter it: use headgate.folders")


RULES: tuple[Rule, ...] = (
    files_are_short,
    functions_are_short,
    names_say_something,
    names_are_the_fields_words,
    modules_say_what_they_are_for,
    nothing_is_left_for_later,
    checks_are_not_lowered,
    nothing_is_a_stub,
    only_the_terminal_prints,
    foreign_text_is_made_visible,
    no_error_is_swallowed,
    no_path_of_one_machine,
    no_name_of_a_registry,
    locks_hold_no_addresses,
    core_is_pure,
    libraries_stay_at_home,
    guests_are_expected,
    unix_sockets_may_lie_deep,
    what_must_last_lies_in_the_home,
    folders_of_a_home_are_private,
    what_decoding_raises_is_caught,
    what_starts_a_program_stands_last,
)
