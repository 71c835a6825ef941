"""The loading of a project file: to a checked project, or to everything that is wrong with it."""

from pathlib import Path
from typing import cast

from pydantic import ValidationError

from headgate.config.check import check
from headgate.config.compose import compose
from headgate.config.models import Project
from headgate.config.overlay import overlay
from headgate.config.problems import ConfigError, Problem
from headgate.config.salvage import Sound, salvage, sound
from headgate.config.source import Source, read, without_mark
from headgate.config.translate import problems_of
from headgate.config.tree import Fault, Fields, Mark, plain

_EXPECTED = Project.EXPECTED


def load(path: Path) -> Project:
    """The project described at `path`. Raises ConfigError, and nothing else, with all that is wrong."""
    return load_text(read(path), str(path))


def load_text(text: str, name: str) -> Project:
    """The project described by `text`; `name` is how errors call it. Raises ConfigError with all that is wrong."""
    source = Source(name, without_mark(text))
    refusal = source.refusal()
    if refusal is not None:
        raise ConfigError([source.problem(refusal)])
    root, faults = compose(source.text)
    if root is None:
        # Nothing but comments gives no root and no fault.
        faults = faults or [Fault(Mark(1, 1, 1, 1), "the file says nothing", _EXPECTED)]
        raise ConfigError(source.problem(fault) for fault in faults)
    if not isinstance(
        root, Fields
    ):  # it has no keys to tell what is a secret: shown as what could not be read
        strange = Fault(root.mark, "the file is not a mapping", _EXPECTED)
        raise ConfigError(source.problem(fault) for fault in (*faults, strange))
    shown = source.parsed(root)
    problems = [shown.problem(fault) for fault in faults]
    full, unknown = overlay(root)
    problems += [shown.problem(fault) for fault in unknown]
    project, more = _validate(shown.seen_as(full))
    # Where YAML itself is wrong, what the value then means is noise.
    places = {(problem.line, problem.column) for problem in problems}
    problems += [problem for problem in more if (problem.line, problem.column) not in places]
    if problems or project is None:
        raise ConfigError(problems)
    return project


def _validate(source: Source) -> tuple[Project | None, list[Problem]]:
    """The project, or None and what is wrong. What is sound is checked as a whole, whatever else is broken."""
    data = cast("dict[str, object]", plain(source.root)) if source.root is not None else {}
    project: Project | None = None
    problems: list[Problem] = []
    try:
        project = Project.model_validate(data, context=source)
        parts: Sound | None = sound(project)
    except ValidationError as error:
        problems = problems_of(error, source)
        parts = salvage(data, [tuple(detail["loc"]) for detail in error.errors()])
    if parts is not None:
        problems += [
            source.problem_at(found.loc, found.what, found.expected, found.hint, key=found.key)
            for found in check(parts)
        ]
    return project, problems
