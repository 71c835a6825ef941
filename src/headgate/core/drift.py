"""Three pictures of a unit compared: what is declared, what is recorded, and what is real.

Declared is what the project file asks for, recorded what the ledger says runs, real what the world answers. Each kind
of difference is one function and one row of KINDS. What could not be asked is a difference of its own, never "fine".
"""

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from headgate.core.model import HOST, Listener, Routing, Unit, Version
from headgate.core.model.places import named, retire

Gravity = Literal["note", "warning", "critical"]
"""Something is to be done some day; something is wrong; users are not served as they should be."""

RESTARTS_MANY = 3
"""So many restarts of one instance are no accident any more, if the last of them was not long ago."""

RESTARTED_LATELY_S = 600.0

FAULTS = range(500, 600)
"""What users are answered when the service, or what it stands on, has failed."""


class Difference(msgspec.Struct, frozen=True):
    """What is not as it should be: of which unit (`project/environment/service`) or part, and what mends it."""

    subject: str
    kind: str
    gravity: Gravity
    sentence: str
    command: str


class Declared(msgspec.Struct, frozen=True):
    """What the project file asks for. `configuration` is its hash; empty: not looked at."""

    instances: int
    listener: Listener
    configuration: str = ""


class Recorded(msgspec.Struct, frozen=True):
    """What the ledger says. `instances` 0: not recorded; `moving` is the release that moves the unit now.

    `platform` is the one that runs it.
    """

    version: Version
    instances: int = 0
    listener: Listener | None = None
    moving: str | None = None
    platform: str = HOST


class Seen(msgspec.Struct, frozen=True):
    """An instance, as the target shows it; `restarts` since it was prepared, its process running for `up_s` seconds.

    `up_s` None: it has no process, or nobody says. `exposed`: others than this host may reach it, past the proxy.
    """

    name: str
    ready: bool
    restarts: int = 0
    detail: str = ""
    up_s: float | None = None
    exposed: bool = False

    @property
    def unsteady(self) -> bool:
        """True when it was started again and again, until now."""
        lately = self.up_s is None or self.up_s < RESTARTED_LATELY_S
        return lately and self.restarts >= RESTARTS_MANY


class Real(msgspec.Struct, frozen=True):
    """What the world answers. `unknown` says of each question that had no answer why; its field means nothing then.

    `listening`: the public port takes connections; None: it is not reached from here. `status` is what one request
    through it was answered; None: none was sent (a release is under way), or there was no answer.
    """

    instances: tuple[Seen, ...] = ()
    routing: Routing | None = None
    listening: bool | None = False
    status: int | None = None
    unknown: dict[str, str] = {}

    @property
    def ready(self) -> int:
        """How many instances may have traffic."""
        return sum(one.ready for one in self.instances)

    @property
    def restarts(self) -> int:
        """How often its instances were started again, all of them together."""
        return sum(one.restarts for one in self.instances)


class Pictures(msgspec.Struct, frozen=True):
    """The three of one unit. `known`: there is a project file that would name the unit, so `declared` None means not.

    `recorded` None: nothing was ever promoted, or it is retired. `real` None: the world was not asked.
    """

    unit: Unit
    declared: Declared | None = None
    recorded: Recorded | None = None
    real: Real | None = None
    known: bool = False

    @property
    def place(self) -> str:
        """How a command names the unit."""
        return named(self.unit)

    @property
    def still(self) -> bool:
        """True when the unit is said to run and no release moves it: then what is real must be as recorded."""
        return self.recorded is not None and self.recorded.moving is None


class Part(msgspec.Struct, frozen=True):
    """Something that the home stands on. `well` None: it could not be found out."""

    name: str
    well: bool | None
    evidence: str
    mend: str = ""
    gravity: Gravity = "critical"


def differences(pictures: Pictures) -> tuple[Difference, ...]:
    """All of a unit's, the gravest first."""
    found = [
        Difference(str(pictures.unit), kind, gravity, sentence, command)
        for kind, look in KINDS.items()
        for gravity, sentence, command in look(pictures)
    ]
    return tuple(sorted(found, key=lambda one: -GRAVITIES.index(one.gravity)))


def of_part(part: Part) -> Difference | None:
    """What is wrong with a part of the home; None: it is well."""
    if part.well:
        return None
    kind, said = ("unknown", "could not be asked: ") if part.well is None else ("part", "")
    return Difference(part.name, kind, part.gravity, f"{said}{part.evidence}", part.mend)


Condition = Literal["runs", "limps", "down", "unknown"]


def condition(pictures: Pictures) -> Condition:
    """How a unit that is recorded as running is, by the world: `limps` serves its users with less than it should.

    `down`: they are not served. `unknown`: nobody could say.
    """
    real = pictures.real
    if real is None:
        return "unknown"
    asked = [one for one in differences(pictures) if one.kind in OF_THE_WORLD]
    if any(one.gravity == "critical" for one in asked):
        return "down"
    if real.unknown:
        return "unknown"
    return "limps" if asked else "runs"


# --- declared against recorded ----------------------------------------------------------------------------------------

Found = Iterator[tuple[Gravity, str, str]]
"""How grave, a sentence without its subject, and the command that mends it."""


def _undeclared(pictures: Pictures) -> Found:
    if pictures.known and pictures.declared is None and pictures.recorded is not None:
        yield "warning", "runs and is no longer in headgate.yaml", retire(pictures.unit)


def _unreleased(pictures: Pictures) -> Found:
    if pictures.declared is not None and pictures.recorded is None:
        yield "note", "is in headgate.yaml and does not run", f"headgate deploy {pictures.place}"


def _size(pictures: Pictures) -> Found:
    declared, recorded = pictures.declared, pictures.recorded
    if declared is None or recorded is None or recorded.instances in (0, declared.instances):
        return
    said = (
        f"headgate.yaml asks for {_count(declared.instances)}, and {recorded.instances} is what was deployed"
    )
    yield "note", said, f"headgate deploy {pictures.place}"


def _place(pictures: Pictures) -> Found:
    declared, recorded = pictures.declared, pictures.recorded
    if declared is None or recorded is None or recorded.listener in (None, declared.listener):
        return
    what = _difference(declared.listener, recorded.listener)
    said = f"headgate.yaml puts it at {_at(declared.listener)}{what}, and {_at(recorded.listener)} is what was deployed"
    yield "note", said, f"headgate deploy {pictures.place}"


def _configuration(pictures: Pictures) -> Found:
    declared, recorded = pictures.declared, pictures.recorded
    if declared is None or recorded is None or not declared.configuration:
        return
    if declared.configuration != recorded.version.configuration:
        yield (
            "note",
            "headgate.yaml has another configuration than what runs",
            f"headgate deploy {pictures.place}",
        )


# --- recorded against real --------------------------------------------------------------------------------------------

MEND = "headgate up"
"""Starts what the home stands on; the controller then mends the rest."""


def _unknown(pictures: Pictures) -> Found:
    if pictures.real is not None:
        for what, why in pictures.real.unknown.items():
            yield "warning", f"its {what} cannot be asked: {why}", MEND


def _instances(pictures: Pictures) -> Found:
    """Gone, too few, too many, not ready: of what is recorded as stable."""
    recorded, real = pictures.recorded, pictures.real
    if recorded is None or real is None or "instances" in real.unknown:
        return
    wanted, there = recorded.instances, len(real.instances)
    if not there:
        yield "critical", "its processes are gone", MEND
    elif not real.ready:
        yield "critical", f"none of its {_count(there)} is ready{_why(real)}", _back(pictures)
    elif pictures.still and there < wanted:
        yield "warning", f"{there} of {wanted} instances are there", MEND
    elif real.ready < there:
        yield "warning", f"{real.ready} of {_count(there)} are ready{_why(real)}", _back(pictures)
    elif pictures.still and there > wanted > 0:
        yield "warning", f"{_count(there)} run, and {wanted} is what is recorded", MEND


def _restarts(pictures: Pictures) -> Found:
    real = pictures.real
    if real is None or pictures.recorded is None or "instances" in real.unknown:
        return
    for one in real.instances:
        if one.unsteady:
            lately = f", {one.up_s:.0f} s ago at last" if one.up_s is not None else ""
            yield (
                "warning",
                f"instance {one.name} was restarted {one.restarts} times{lately}",
                _back(pictures),
            )


def _exposed(pictures: Pictures) -> Found:
    real = pictures.real
    if real is None or pictures.recorded is None or "instances" in real.unknown:
        return
    if names := [one.name for one in real.instances if one.exposed]:
        said = f"{', '.join(names)}: listens on all addresses, so that others reach it past the proxy"
        yield "warning", f"{said}; have it listen on 127.0.0.1", f"headgate deploy {pictures.place}"


def _routing(pictures: Pictures) -> Found:
    recorded, real = pictures.recorded, pictures.real
    if recorded is None or real is None or not pictures.still or "routing" in real.unknown:
        return
    if real.routing is None:
        yield "critical", "the proxy serves nothing for it", MEND
    elif real.routing.stable != recorded.version or real.routing.canary is not None:
        there = " and ".join(str(one) for one in real.routing.versions()) or "nothing"
        yield "critical", f"the proxy sends its users to {there}, and {recorded.version} is recorded", MEND
    elif recorded.listener is not None and real.routing.listener != recorded.listener:
        what = _difference(real.routing.listener, recorded.listener)
        said = f"the proxy has it at {_at(real.routing.listener)}{what}, and {_at(recorded.listener)} is recorded"
        yield "critical", said, MEND


def _listening(pictures: Pictures) -> Found:
    recorded, real = pictures.recorded, pictures.real
    if recorded is None or real is None or recorded.listener is None or "listener" in real.unknown:
        return
    if real.listening is False:
        yield "critical", f"nothing listens at {_at(recorded.listener)}", MEND


def _answers(pictures: Pictures) -> Found:
    real = pictures.real
    if real is not None and pictures.recorded is not None and real.status in FAULTS:
        yield "critical", f"it answers {real.status}", _back(pictures)


KINDS: dict[str, Callable[[Pictures], Found]] = {
    "undeclared": _undeclared,
    "unreleased": _unreleased,
    "size": _size,
    "place": _place,
    "configuration": _configuration,
    "unknown": _unknown,
    "instances": _instances,
    "restarts": _restarts,
    "exposed": _exposed,
    "routing": _routing,
    "listening": _listening,
    "answers": _answers,
}
"""Every kind of difference, and who finds it. A new one is a function and a row."""

OF_THE_WORLD = ("unknown", "instances", "restarts", "routing", "listening", "answers")
"""The kinds in which the world is not as it is recorded."""

OF_A_DEPLOY = ("unreleased", "size", "place", "configuration")
"""The kinds that a deploy mends: what `plan` shows by itself."""

GRAVITIES: tuple[Gravity, ...] = ("note", "warning", "critical")


def _why(real: Real) -> str:
    """The first reason that an instance gives."""
    detail = next((one.detail for one in real.instances if not one.ready and one.detail), "")
    restarts = f", {real.restarts} restarts" if real.restarts else ""
    return f" ({detail}{restarts})" if detail else restarts


def _back(pictures: Pictures) -> str:
    moving = pictures.recorded.moving if pictures.recorded is not None else None
    return f"headgate abort {moving}" if moving else f"headgate rollback {pictures.place}"


def _at(listener: Listener | None) -> str:
    return f"{listener.host}:{listener.port}" if listener is not None else "nowhere"


def _difference(one: Listener, other: Listener | None) -> str:
    """What is another where the place is the same."""
    if other is None or _at(one) != _at(other):
        return ""
    return " with other `proxy` rules" if one.proxy != other.proxy else " with another preview"


def _count(instances: int) -> str:
    return f"{instances} instance{'' if instances == 1 else 's'}"
