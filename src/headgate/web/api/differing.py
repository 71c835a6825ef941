"""Differences that a release makes: between the artifacts, and line by line between the configurations."""

from collections.abc import Iterator, Sequence
from difflib import unified_diff
from http import HTTPStatus
from typing import cast

import msgspec

from headgate.core.machine.plan import Leg
from headgate.core.model import Version
from headgate.ledger import Ledger
from headgate.ports.artifacts import Artifacts
from headgate.ports.errors import Permanent
from headgate.web.api.folds import Folds
from headgate.web.api.reading import summary_of
from headgate.web.http.endpoint import Call, Endpoint, Reply

LINES_MAX = 400
"""So many lines of a difference are shown."""

CONTEXT = 2


class Made(msgspec.Struct, frozen=True):
    """An artifact, with where it came from as far as that is known."""

    digest: str
    label: str = ""
    commit: str = ""
    dirty: bool = False
    built_at: float | None = None


class Difference(msgspec.Struct, frozen=True):
    """The difference that one service gets. `before` None: there was nothing.

    `configuration` are the lines of a unified difference (` `, `-` or `+` and a setting), empty where nothing differs;
    None: what they are is not known here any more. Secrets are named there by where they are read from.
    """

    service: str
    before: Made | None
    after: Made
    configuration: list[str] | None


class Differences(msgspec.Struct, frozen=True):
    """Service by service."""

    release: str
    differences: list[Difference]


class Differing:
    """The endpoint for it. `artifacts` None: only the digests are known."""

    def __init__(self, ledger: Ledger, folds: Folds, artifacts: Artifacts | None) -> None:
        self._ledger = ledger
        self._folds = folds
        self._artifacts = artifacts

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The one there is."""
        return (
            Endpoint(
                "GET",
                "/v1/releases/{release}/differences",
                "listDifferences",
                "What it changes, line by line",
                self._differences,
                Differences,
                "releases",
                problems=(HTTPStatus.NOT_FOUND,),
            ),
        )

    async def _differences(self, call: Call) -> Reply:
        release = summary_of(call, self._ledger).release
        legs = self._folds.fold(release).plan.legs
        return Reply(Differences(release, [self._difference(leg) for leg in legs]))

    def _difference(self, leg: Leg) -> Difference:
        before = self._made(leg.change.baseline) if leg.change.baseline else None
        return Difference(leg.unit.service, before, self._made(leg.change.candidate), self._lines(leg))

    def _made(self, version: Version) -> Made:
        try:
            found = self._artifacts.find(version.artifact).provenance if self._artifacts else None
        except Permanent:
            found = None
        if found is None:
            return Made(version.artifact)
        return Made(version.artifact, found.label, found.commit, found.dirty, found.built_at)

    def _lines(self, leg: Leg) -> list[str] | None:
        before, after = leg.change.baseline, leg.change.candidate
        if before is not None and before.configuration == after.configuration:
            return []
        old = self._settings(before) if before else []
        new = self._settings(after)
        if old is None or new is None:
            return None
        lines = [line for line in unified_diff(old, new, lineterm="", n=CONTEXT) if not line.startswith("@@")]
        return lines[2 : LINES_MAX + 2]

    def _settings(self, version: Version) -> list[str] | None:
        try:
            found = self._artifacts.configuration(version.configuration) if self._artifacts else None
        except Permanent:
            found = None
        return None if found is None else [*_flat(msgspec.to_builtins(found), "")]


def _flat(value: object, path: str) -> Iterator[str]:
    """Every setting as one line, `env.PORT: "8080"`; a text of several lines as several."""
    if isinstance(value, dict) and value:
        for key, inner in cast("dict[str, object]", value).items():
            yield from _flat(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple) and value:
        for number, inner in enumerate(cast("Sequence[object]", value)):
            yield from _flat(inner, f"{path}[{number}]")
    elif isinstance(value, str) and "\n" in value:
        yield from (f"{path}| {line}" for line in value.splitlines())
    else:
        yield f"{path}: {msgspec.json.encode(value).decode()}"
