"""The criteria for `headgate judge`: a spec from a file, and the flags that override it."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from headgate.cli.errors import Unable, did_you_mean
from headgate.core.again.replay import Criteria, Replay, recorded, replay
from headgate.core.machine.plan import Leg
from headgate.core.model.criteria import Criterion, ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.ledger import Ledger

if TYPE_CHECKING:
    from headgate.config import Project

FLAGS = {"horizon": "horizon_s", "interval": "interval_s", "no_data_after": "no_data_after_s"}
"""Durations, which may also be written as people write them (`24h`)."""
MARGIN = "margin"
"""How many times stable's error ratio is allowed: `error_ratio.factor`, in the first place."""
PARTS: dict[str, type[msgspec.Struct]] = {
    "error_ratio": ErrorRatio,
    "latency": Latency,
    "means": MeanCriterion,
}


class _Asked(msgspec.Struct, frozen=True):
    """The criteria as a spec has them: under a key for each kind."""

    error_ratio: ErrorRatio | None = ErrorRatio()
    latency: tuple[Latency, ...] = (Latency(),)
    means: tuple[MeanCriterion, ...] = ()

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        errors = () if self.error_ratio is None else (self.error_ratio,)
        return (*errors, *self.latency, *self.means)


def read_spec(file: Path | None) -> dict[str, Any]:
    """What a file of YAML or JSON says of the fields of JudgeSpec. Raises Unable."""
    if file is None:
        return {}
    from headgate.config.compose import compose
    from headgate.config.tree import Fields, plain

    root, faults = compose(file.read_text(encoding="utf-8"))
    if faults:
        fault = faults[0]
        raise Unable(f"{file}:{fault.mark.line}:{fault.mark.column}: {fault.what}", fault.expected)
    if not isinstance(root, Fields):
        raise Unable(f"{file}: a spec is a mapping like `{{alpha: 0.01, margin: 1.25}}`")
    return _checked(cast("dict[str, Any]", plain(root)), str(file))


def _checked(said: dict[str, Any], place: str) -> dict[str, Any]:
    """The spec with its keys as the core calls them. Raises Unable for a key that there is not."""
    fields = [name for name in JudgeSpec.__struct_fields__ if name != "criteria"]
    _known(said, [*PARTS, *fields, *FLAGS, MARGIN], place)
    for key, kind in PARTS.items():
        found = said.get(key)
        parts = cast("list[object]", found) if isinstance(found, list) else [found]
        for part in parts:
            if isinstance(part, dict):
                _known(cast("dict[str, Any]", part), kind.__struct_fields__, f"{place}: {key}")
    return {key: _seconds(key, value, place) if key in FLAGS else value for key, value in said.items()}


def _known(said: Iterable[str], names: Iterable[str], place: str) -> None:
    known = list(names)
    for key in said:
        if key not in known:
            raise Unable(f"{place}: there is no `{key}` in a spec", did_you_mean(str(key), known))


def _seconds(key: str, value: object, place: str) -> float:
    from headgate.config.quantities import parse_duration

    if isinstance(value, int | float):
        return float(value)
    try:
        return parse_duration(str(value))
    except ValueError as error:
        raise Unable(f"{place}: {key}: {value!r}: {error}") from error


def spec_of(said: dict[str, Any]) -> JudgeSpec:
    """The spec. Raises Unable for a value of the wrong kind, or one that makes no sense."""
    fields: dict[str, Any] = {"external": True}  # alone, it has a word for trouble that is not the canary's
    fields |= {FLAGS.get(key, key): value for key, value in said.items() if key != MARGIN}
    margin = said.get(MARGIN)
    if margin is not None and fields.get("error_ratio", {}) is not None:
        fields["error_ratio"] = {**(fields.get("error_ratio") or {}), "factor": margin}
    if fields.get("dispersion") == "auto":
        fields["dispersion"] = None
    try:
        asked = msgspec.convert({key: fields.pop(key) for key in PARTS if key in fields}, _Asked)
        spec = msgspec.structs.replace(msgspec.convert(fields, JudgeSpec), criteria=asked.criteria)
    except msgspec.ValidationError as error:
        raise Unable(f"the spec: {error}") from error
    _sensible(spec)
    return spec


def _sensible(spec: JudgeSpec) -> None:
    wrong = (
        ("alpha", 0 < spec.alpha < 1, "between 0 and 1"),
        ("beta", 0 < spec.beta < 1, "between 0 and 1"),
        ("margin", all(errors.factor > 0 for errors in spec.of(ErrorRatio)), "above 0"),
        ("worse", spec.worse > 1, "above 1"),
        ("worse_by", 0 < spec.worse_by < 1, "between 0 and 1"),
        ("dispersion", spec.dispersion is None or spec.dispersion >= 1, "`auto`, or at least 1"),
        ("horizon", spec.horizon_s > 0, "above 0"),
        ("interval", spec.interval_s > 0, "above 0"),
    )
    for name, fine, expected in wrong:
        if not fine:
            raise Unable(f"the spec: {name} must be {expected}")


# Recorded releases, judged again: by their own criteria, or by those of another project file.


def criteria_of(file: Path | None) -> Criteria:
    """The criteria of a project file for each leg; None: those that the release was judged by. Raises ConfigError."""
    if file is None:
        return recorded
    from headgate.config import load

    project, known = load(file), dict[tuple[str, str], JudgeSpec]()

    def criteria(leg: Leg) -> JudgeSpec:
        place = leg.unit.environment, leg.unit.service
        if place not in known:
            known[place] = _spec(project, leg)
        return known[place]

    return criteria


def _spec(project: "Project", leg: Leg) -> JudgeSpec:
    from headgate.config import intent

    return intent(project, leg.unit.environment, leg.unit.service, leg.change.candidate).judge


def replayed(ledger: Ledger, release: str, criteria: Criteria) -> Replay:
    """One release, from the ledger."""
    return replay((entry.event for entry in ledger.read(release)), ledger.sample, criteria)


def all_replayed(ledger: Ledger, releases: Iterable[str], criteria: Criteria) -> tuple[Replay, ...]:
    """Several, in their order; those that were never judged are left out."""
    found = (replayed(ledger, release, criteria) for release in releases)
    return tuple(one for one in found if one.intervals or one.missing)
