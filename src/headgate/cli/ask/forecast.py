"""A forecast of a plan: which faults each step can detect, given the services' traffic or what was measured of it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from headgate.cli.ask.names import environment_named, services_named
from headgate.cli.errors import Unable
from headgate.cli.session import Session
from headgate.core.judge.judgement import learning_s
from headgate.core.judge.planner import (
    Forecast,
    Ladder,
    Stretch,
    Traffic,
    Workload,
    best_ladder,
    forecast,
    ladder_harm,
    stretches,
)
from headgate.core.machine.steps import Bake, Learn
from headgate.core.model import Intent, Unit, Version
from headgate.core.model.criteria import JudgeSpec, MeanCriterion
from headgate.core.release.deadlines import with_deadlines
from headgate.core.release.strategies import STRATEGIES, with_learning
from headgate.ledger.workloads import workload

"""So many releases back it is looked how much traffic there was."""
SEED = 1
"""The same question gives the same answer."""
_PER_S = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
NOWHERE = "0" * 64


@dataclass(frozen=True)
class Given:
    """What a person said of the traffic; None: measure it. `within_s`: propose a ladder of this length.

    `signals` are those given, by name: cases a second, and the share of them that counts.
    """

    rate: float | None = None
    base: float | None = None
    signals: tuple[tuple[str, Traffic], ...] = ()
    simulate: bool = False
    within_s: float | None = None

    @property
    def asked(self) -> bool:
        """True when a person asked for a forecast, and for nothing else."""
        flags = self.simulate or self.within_s is not None or bool(self.signals)
        return flags or self.rate is not None or self.base is not None


@dataclass(frozen=True)
class ServiceForecast:
    """One service's forecast. `source` says where the traffic is from; `ladder` is the proposal, if one was asked for.

    `harm_now` is the harm of the plan as it is, in the ladder's terms; `learning_s` how long stable is watched alone
    before a switch of the whole traffic (None: there is none).
    """

    unit: Unit
    source: str
    forecast: Forecast
    ladder: Ladder | None = None
    harm_now: float = 0.0
    learning_s: float | None = None


def parse_rate(text: str) -> float:
    """Requests a second of `200/s`, `12000/min`, `5/h`, `200`. Raises ValueError."""
    number, _, unit = text.partition("/")
    if unit.strip() not in ("", *_PER_S):
        raise ValueError("a rate is a number over s, min or h, like `200/s`")
    rate = float(number) / _PER_S.get(unit.strip(), 1.0)
    if not 0 < rate < 1e9:  # noqa: PLR2004 - more than there is on earth
        raise ValueError("a rate is more than nothing")
    return rate


def parse_signal(text: str) -> tuple[str, Traffic]:
    """The business signal of `order_rate=5/s,70%`. Raises ValueError."""
    from headgate.config.quantities import parse_percentage

    name, equals, rest = text.partition("=")
    rate, comma, share = rest.partition(",")
    if not (name.strip() and equals and comma):
        raise ValueError(
            "a signal is its name, its cases and the share that counts, like `order_rate=5/s,70%`"
        )
    return name.strip(), Traffic(parse_rate(rate), parse_percentage(share.strip()))


def intents_of(session: Session, environment: str | None, services: Sequence[str]) -> tuple[Intent, ...]:
    """What a deploy of these services would ask for, whatever the artifact: nothing is built."""
    from headgate.config import intent

    project = session.project
    name = environment_named(environment, project.environments)
    return tuple(
        intent(project, name, service, Version(Unit(project.project, name, service), NOWHERE, NOWHERE))
        for service in services_named(project, name, services)
    )


def forecast_service(session: Session, intent: Intent, given: Given) -> ServiceForecast | None:
    """The forecast for one service; None where its traffic is not known."""
    found = _workload(session, intent, given)
    if found is None:
        return None
    workload, source = replace(found[0], fresh=intent.rollout.fresh_baseline), found[1]
    spec = intent.judge
    drawn = tuple(STRATEGIES[intent.rollout.strategy](intent))
    steps = with_learning(with_deadlines(intent, drawn, workload))
    seen = _forecast(spec, workload, stretches(steps), given)
    learns = any(isinstance(step, Learn) for step in steps)
    if given.within_s is None:
        alone_s = learning_s(spec, workload.errors.rate) if learns else None
        return ServiceForecast(intent.unit, source, seen, learning_s=alone_s)
    now = tuple(Stretch(step.weight, step.lasts_s) for step in seen.steps)
    ladder = best_ladder(spec, workload, given.within_s)
    proposed = tuple((round(s.weight), Bake(s.seconds, s.seconds)) for s in ladder.steps)
    harm_now = ladder_harm(spec, workload, now) if now else float("inf")
    return ServiceForecast(intent.unit, source, _forecast(spec, workload, proposed, given), ladder, harm_now)


def _forecast(
    spec: JudgeSpec, workload: Workload, bakes: tuple[tuple[int, Bake], ...], given: Given
) -> Forecast:
    return forecast(spec, workload, bakes, random.Random(SEED).random, simulate=given.simulate)  # noqa: S311 - repeatable


def _workload(session: Session, intent: Intent, given: Given) -> tuple[Workload, str] | None:
    """What is known of the service, and where from: what a person says goes before what was measured."""
    means = intent.judge.of(MeanCriterion)
    strange = sorted({name for name, _ in given.signals} - {mean.name for mean in means})
    if strange:
        known = ", ".join(mean.name for mean in means) or "none"
        raise Unable(f"{intent.unit.service} has no signal {strange[0]}", f"its business signals: {known}")
    seen = _measured(session, intent.unit)
    if seen is None and given.rate is not None and given.base is not None:
        seen = Workload(Traffic(given.rate, given.base))
    if seen is None and given.asked:
        raise Unable(
            f"no release of {intent.unit.service} has been measured yet",
            "say what its traffic is: `--rate 200/s --base 0.1%`",
        )
    if seen is None:
        return None
    signals = tuple(sorted((dict(seen.signals) | dict(given.signals)).items()))
    errors = seen.errors
    if given.rate is not None and given.base is not None:
        return Workload(Traffic(given.rate, given.base), seen.slow, signals), "given"
    rate, base = given.rate or errors.rate, errors.base if given.base is None else given.base
    part = "measured" if given.rate is None and given.base is None else "measured in part"
    return Workload(Traffic(rate, base, errors.phi), seen.slow, signals), f"{part}, by the last releases"


def _measured(session: Session, unit: Unit) -> Workload | None:
    return workload(session.ledger, unit) if session.has_ledger else None
