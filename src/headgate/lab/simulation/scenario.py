"""A scenario, drawn from a seed: services, versions good and bad, their rollouts, and how rough the weather is."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Literal

from msgspec.structs import replace

from headgate.core.model import (
    Command,
    Intent,
    Listener,
    Match,
    OneWay,
    Rollout,
    Stage,
    StrategyName,
    Unit,
    Version,
)
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency

Flaw = Literal["none", "errors", "slow", "crash", "smoke", "dies", "greedy"]
"""What is wrong with a version: it fails requests, is slow at the tail, does not start, fails its smoke tests, dies, or
harms what all versions depend on, the more the more traffic it has."""

FLAWS: tuple[Flaw, ...] = (
    "errors",
    "errors",
    "errors",
    "slow",
    "crash",
    "crash",
    "smoke",
    "smoke",
    "dies",
    "greedy",
)

CALM_SHARE = 0.25
"""The share of seeds without any fault or interference: there, every good version must be promoted, no bad one may."""

LATENCY_SHARE = 0.4
BLIND_SHARE = 0.1
INCIDENT_SHARE = 0.15
FRESH_SHARE = 0.4
COMMAND_SHARE = 0.15
COMMAND_S = 2.0
ONE_WAY_SHARE = 0.25
"""The share of rough seeds in which some versions bring a change that there is no going back from."""

APART_SHARE = 0.4
PLATFORMS = ("host", "elsewhere")
OUTAGE_SHARE = 0.3
OUTAGE_FAULTS = {"append": ("busy", "full", "stuck"), "apply": ("temporary", "permanent", "hang")}
"""What happens to every call of a kind during an outage; `stuck`: it returns only once the outage is over."""

FIX = 9
"""The number of a fix among the versions of its unit."""

LIMIT = 0.1
"""The share of requests that may fail, as every service declares it."""


@dataclass(frozen=True)
class Make:
    """A version and what is wrong with it."""

    version: Version
    flaw: Flaw
    error_ratio: float
    slow_share: float
    dies_after_s: float
    greed: float


@dataclass(frozen=True)
class Outage:
    """Every `call` of this kind fails with `fault` from `begins` to `ends` (seconds)."""

    call: str
    begins: float
    ends: float
    fault: str


@dataclass(frozen=True)
class Scenario:
    """`fixes` are good versions, one of each unit, for where there is no going back; none in most seeds.

    `outages` are what does not work at all for a while; every `pauses_s` the controllers' machine stands still.

    `storm` is the chance of a fault at each call (0: none); `crashes` the chance of a death at each such place.

    Nothing can be measured from `blind[0]` to `blind[1]` seconds; from `incident[0]` to `incident[1]` a part
    `incident[2]` of all requests fails, whichever version they reach. People meddle every `meddling_s` seconds (0:
    never) and deploy until `until_s`.
    """

    seed: int
    calm: bool
    units: tuple[Unit, ...]
    makes: dict[Version, Make]
    intents: dict[Version, Intent]
    requests_s: float
    storm: float
    crashes: float
    blind: tuple[float, float]
    incident: tuple[float, float, float]
    meddling_s: float
    until_s: float
    outages: tuple[Outage, ...] = ()
    pauses_s: float = 0.0
    fixes: tuple[Version, ...] = ()

    def versions(self, unit: Unit) -> tuple[Version, ...]:
        """The versions there are of a unit, oldest first; the first one is always good."""
        return tuple(version for version in self.makes if version.unit == unit)

    def platform(self, unit: Unit) -> str:
        """Where a unit runs."""
        return self.intents[self.versions(unit)[0]].platform


def draw(seed: int) -> Scenario:
    """The scenario of a seed."""
    random = Random(f"scenario {seed}")
    calm = coin(random, CALM_SHARE)
    units = tuple(Unit("shop", "production", name) for name in ("web", "api")[: 1 + (coin(random, 0.3))])
    makes = {make.version: make for unit in units for make in _makes(random, unit)}
    drawn = {version: _intent(random, version) for version in makes}
    intents = _commanded(_compared(drawn, seed), seed)
    forward = Random(f"one way {seed}")
    fixes = _fixes(forward, units) if not calm and coin(forward, ONE_WAY_SHARE) else ()
    if fixes:
        makes |= {make.version: make for make in fixes}
        intents |= {make.version: _intent(forward, make.version) for make in fixes}
        intents = {version: _one_way(forward, intent) for version, intent in intents.items()}
    return Scenario(
        seed=seed,
        calm=calm,
        units=units,
        makes=makes,
        intents=_apart(intents, seed),
        requests_s=random.uniform(60, 120),
        storm=0.0 if calm else random.choice((0.0, 0.03, 0.1, 0.25)),
        crashes=0.0 if calm else random.choice((0.0, 0.01, 0.03)),
        blind=_blind(random, calm=calm),
        incident=_incident(random, calm=calm),
        meddling_s=0.0 if calm else random.choice((0.0, 4.0, 12.0)),
        until_s=random.uniform(16, 34),
        outages=() if calm else _outages(seed),
        pauses_s=0.0 if calm else Random(f"pauses {seed}").choice((0.0, 0.0, 0.0, 15.0)),
        fixes=tuple(make.version for make in fixes),
    )


def _fixes(random: Random, units: tuple[Unit, ...]) -> tuple[Make, ...]:
    return tuple(_make(random, unit, FIX, "none", 0.002) for unit in units)


def _one_way(random: Random, intent: Intent) -> Intent:
    """Half of the changes are one-way, from the promotion on or from a share of the traffic on."""
    declared = OneWay(f"{intent.label} is no going back", random.choice((None, 10, 20, 50, 100)))
    return replace(intent, one_way=declared if coin(random, 0.5) else None)


def _outages(seed: int) -> tuple[Outage, ...]:
    """The ledger and the proxy's files cannot be written for a while, and a platform is gone, each by itself."""
    random = Random(f"outages {seed}")
    found: list[Outage] = []
    for call, faults in OUTAGE_FAULTS.items():
        if coin(random, OUTAGE_SHARE):
            begins = random.uniform(5.0, 30.0)
            found.append(Outage(call, begins, begins + random.uniform(5.0, 60.0), random.choice(faults)))
    away = Random(f"platform {seed}")
    if coin(away, OUTAGE_SHARE):
        begins = away.uniform(5.0, 30.0)
        found.append(Outage("platform", begins, begins + away.uniform(5.0, 30.0), "gone"))
    return tuple(found)


def _blind(random: Random, *, calm: bool) -> tuple[float, float]:
    """From when to when nothing can be measured; nothing at all in most seeds."""
    if calm or not coin(random, BLIND_SHARE):
        return (0.0, 0.0)
    begins = random.uniform(5.0, 15.0)
    return (begins, begins + 40.0)


def _incident(random: Random, *, calm: bool) -> tuple[float, float, float]:
    """A bad day of something that every version depends on; in most seeds there is none.

    When all is calm it stays within the limit: under the whole traffic, no stable is left that could excuse the canary.
    """
    if not coin(random, INCIDENT_SHARE):
        return (0.0, 0.0, 0.0)
    begins, worst = random.uniform(5.0, 40.0), 0.8 * LIMIT if calm else 4 * LIMIT
    return (begins, begins + random.choice((5.0, 15.0, 30.0)), random.uniform(0.5 * LIMIT, worst))


def coin(random: Random, chance: float) -> bool:
    """True with this chance."""
    return random.random() < chance


@lru_cache(maxsize=64)
def digest(name: str) -> str:
    """64 hex digits."""
    return hashlib.sha256(name.encode()).hexdigest()


def _makes(random: Random, unit: Unit) -> list[Make]:
    flaws: list[Flaw] = ["none", "none", *random.sample(FLAWS, 1 + (coin(random, 0.5)))]
    usual = random.choice((0.0, 0.002, 0.01))
    return [_make(random, unit, number, flaw, usual) for number, flaw in enumerate(flaws, 1)]


def _make(random: Random, unit: Unit, number: int, flaw: Flaw, usual: float) -> Make:
    version = Version(unit, digest(f"{unit.service} {number}"), digest(f"settings {random.randint(1, 2)}"))
    return Make(
        version,
        flaw,
        error_ratio=random.uniform(0.2, 0.5) if flaw == "errors" else usual,
        slow_share=random.uniform(0.3, 0.6) if flaw == "slow" else 0.005,
        dies_after_s=random.uniform(1, 8) if flaw == "dies" else 0.0,
        greed=random.uniform(0.3, 1.0) if flaw == "greedy" else 0.0,
    )


def _judge(random: Random, rollout: Rollout) -> JudgeSpec:
    """Latency is compared only where stable keeps some traffic to compare with."""
    compared = bool(rollout.stages) and coin(random, LATENCY_SHARE)
    latency = (Latency(),) if compared else ()
    return JudgeSpec(
        (ErrorRatio(max=LIMIT), *latency),
        requests_min=20,
        interval_s=random.choice((1.0, 2.0, 3.0, 3.0)),
        no_data_after_s=10.0,
        external=True,
        deadline_share=random.choice((0.0, 0.3)),
    )


def _intent(random: Random, version: Version) -> Intent:
    instances = random.choice((1, 1, 2, 4))
    rollout = _rollout(random)
    return Intent(
        unit=version.unit,
        candidate=version,
        listener=Listener(8000 if version.unit.service == "web" else 8001),
        rollout=rollout,
        judge=_judge(random, rollout),
        instances=instances,
        label=version.artifact[:6],
    )


def _compared(intents: dict[Version, Intent], seed: int) -> dict[Version, Intent]:
    """Some of the canaries are compared with a fresh baseline."""
    random = Random(f"fresh {seed}")
    return {
        version: replace(intent, rollout=replace(intent.rollout, fresh_baseline=coin(random, FRESH_SHARE)))
        for version, intent in intents.items()
    }


def _commanded(intents: dict[Version, Intent], seed: int) -> dict[Version, Intent]:
    """Some have commands of their own before and after their steps, which can be undone."""
    random = Random(f"commands {seed}")

    def drawn(version: Version, when: str) -> tuple[Command, ...]:
        names = (f"{when} {version.artifact[:6]} {n}" for n in range(random.choice((1, 1, 2))))
        return (
            tuple(Command(name, ("do",), undo=("undo",), limit_s=COMMAND_S) for name in names)
            if coin(random, COMMAND_SHARE)
            else ()
        )

    return {
        version: replace(intent, before=drawn(version, "before"), after=drawn(version, "after"))
        for version, intent in intents.items()
    }


def _apart(intents: dict[Version, Intent], seed: int) -> dict[Version, Intent]:
    """Some of the services run on a platform of their own."""
    random = Random(f"platforms {seed}")
    names = random.sample(PLATFORMS, 2) if coin(random, APART_SHARE) else PLATFORMS[:1]
    units = sorted({version.unit for version in intents})
    where = {unit: names[number % len(names)] for number, unit in enumerate(units)}
    return {version: replace(intent, platform=where[version.unit]) for version, intent in intents.items()}


def _rollout(random: Random) -> Rollout:
    strategy: StrategyName = random.choice(("canary", "canary", "canary", "blue-green", "rolling"))
    stages: tuple[Stage, ...] = ()
    if strategy == "canary" or (strategy == "blue-green" and coin(random, 0.3)):
        stages = tuple(_stage(random, weight) for weight in random.choice(((20,), (10, 50), (30, 60, 100))))
    if stages and coin(random, 0.15):
        stages = (Stage(matches=(Match("header", "x-team", "us"),), smoke=()), *stages)
    return Rollout(
        strategy=strategy,
        stages=stages,
        batch=random.choice((1, 2)),
        soak_s=random.choice((0.0, 2.0)),
        warm_s=random.choice((1.0, 8.0, 20.0)),
        drain_s=random.choice((0.0, 0.5)),
    )


def _stage(random: Random, weight: int) -> Stage:
    return Stage(
        weight=weight,
        bake_s=random.choice((1.0, 3.0)),
        deadline_s=random.choice((None, 8.0, 15.0)),
        smoke=() if coin(random, 0.2) else None,
        pause="look at it" if coin(random, 0.07) else None,
    )
