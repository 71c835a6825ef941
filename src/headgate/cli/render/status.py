"""What runs where: an environment's services, each with what concerns it.

Plain lines and no rich: this is asked most often, and shall answer at once.
"""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from headgate.cli.ask.status import HomeStatus, UnitStatus
from headgate.cli.render import words
from headgate.cli.render.styles import KIND_STYLES, PHASE_STYLES, Paint, unpainted
from headgate.core.drift import Condition, Difference, Gravity, Pictures, Real, Recorded, condition
from headgate.core.machine.one_way import forecast, objection_to_revert
from headgate.core.model import HOST
from headgate.core.story.account import role
from headgate.core.story.advice import answers, question
from headgate.core.story.view import phase, weight
from headgate.ledger.going_back import ways_out

if TYPE_CHECKING:
    from headgate.core.story.report import Fold

CONDITIONS: dict[Condition, tuple[str, str]] = {
    "runs": ("runs", "bold"),
    "limps": ("runs", "bold yellow"),
    "down": ("down", "bold red"),
    "unknown": ("unknown", "bold yellow"),
}
"""What stands before a version, and how: it runs only when the world says so."""

GRAVITY_STYLES: dict[Gravity, str] = {"note": "", "warning": "yellow", "critical": "bold red"}

_SERVICE = 12
_NAME = 10


class _Row(NamedTuple):
    """What is said of one unit under one name."""

    name: str
    text: str
    style: str = ""


def status(seen: HomeStatus, now: float, width: int, paint: Paint = unpainted) -> Iterator[str]:
    """The lines of the whole answer, at the time `now` (seconds since the epoch), `width` characters wide."""
    for text, style in _controller(seen):
        yield from (paint(line, style) for line in textwrap.wrap(text, width))
    last: tuple[str, str] | None = None
    for one in seen.units:
        place = (one.unit.project, one.unit.environment)
        if place != last:
            yield from ("", paint("/".join(place), "bold"))
        last = place
        yield from _unit(one, now, width, paint)
    yield from _drift(seen, width, paint)


def _drift(seen: HomeStatus, width: int, paint: Paint) -> Iterator[str]:
    """What is not as it should be, each with the command that mends it."""
    found = told(seen.drift)
    if found:
        yield from ("", paint("Not as it should be", "bold"))
    for one in found:
        text = f"{one.subject}: {one.sentence}"
        lines = textwrap.wrap(text, max(20, width), initial_indent="  ", subsequent_indent="    ")
        yield from (paint(line, GRAVITY_STYLES[one.gravity]) for line in lines)
        yield paint(f"    {one.command}", "")


def told(drift: Sequence[Difference]) -> list[Difference]:
    """Without what only repeats, for each unit, that a part of the home is silent."""
    parts = [one.sentence.removeprefix("could not be asked: ") for one in drift if one.kind == "part"]
    return [
        one
        for one in drift
        if one.kind != "unknown" or not any(part and part in one.sentence for part in parts)
    ]


def _controller(seen: HomeStatus) -> Iterator[tuple[str, str]]:
    if seen.controller:
        yield f"The controller runs (process {seen.controller}).", "green"
    elif any(one.moving is not None for one in seen.units):
        yield "No controller runs: nothing moves, nobody watches. `headgate up` starts one.", "bold red"
    else:
        yield "No controller runs; none is needed now: `deploy` brings its own.", "dim"
    for release, why in seen.trouble.items():
        stands = "" if "/" in release or release == "outbox" else " stands still"
        yield f"{release}{stands}: {why}", "bold red"


def _unit(one: UnitStatus, now: float, width: int, paint: Paint) -> Iterator[str]:
    service = f"  {one.unit.service}"
    if len(service) >= _SERVICE:
        yield paint(service, "bold cyan")
        service = ""
    room = max(20, width - _SERVICE - _NAME)
    for row in _rows(one, now):
        name = row.name
        for line in textwrap.wrap(row.text, room):
            left = paint(f"{service:<{_SERVICE}}", "bold cyan") + paint(f"{name:<{_NAME}}", "dim")
            yield left + paint(line, row.style)
            service = name = ""


def _rows(one: UnitStatus, now: float) -> Iterator[_Row]:
    if one.stable is None:
        yield _Row("runs", "nothing was ever promoted here", "dim")
    else:
        name, style = CONDITIONS[condition(one.pictures) if one.pictures else "runs"]
        yield _Row(name, words.version(one.stable, one.label), style)
        if one.pictures is not None:
            yield from _really(one.pictures)
        age = words.ago(one.since, now)
        yield _Row("since", f"{age} ({words.day(one.since)}), {one.release} by {one.author}")
    recorded = one.pictures.recorded if one.pictures is not None else None
    if recorded is not None and recorded.platform != HOST:
        yield _Row("platform", recorded.platform)
    for version in one.warm:
        yield _Row("warm", f"{version.key}: an instant way back")
    if one.moving is not None:
        yield from _moving(one.moving)
    for release in one.waiting:
        yield _Row("next", f"{release} waits for its turn")
    if one.alarms is not None:
        seen = one.alarms
        found = f"{words.count(seen.false)} of {words.count(seen.releases, 'release')}"
        promised = f"{100 * seen.promised:.2g}% promised at most"
        text = f"the judge would have failed stable against itself in {found} ({promised})"
        yield _Row("alarms", text, "" if seen.rate <= seen.promised else "yellow")
    if one.barrier is not None and one.moving is None:
        yield _Row("no undo", one.barrier.sentence(), "yellow")
        yield _Row("", ways_out(one.barrier))
    elif one.before is not None and one.moving is None:
        command = f"headgate rollback -e {one.unit.environment} {one.unit.service}"
        target = words.version(one.before.version, one.before.move.label)
        yield _Row("to undo", f"{command}   (back to {target}, of {one.before.release})")


def _really(pictures: Pictures) -> Iterator[_Row]:
    """What the world answers, beside what is recorded."""
    real, recorded = pictures.real, pictures.recorded
    if real is None or recorded is None:
        return
    style = CONDITIONS[condition(pictures)][1]
    yield _Row("really", "; ".join(said_by(real, recorded)), "" if style == "bold" else style)


def said_by(real: Real, recorded: Recorded) -> Iterator[str]:
    """What the world says of a unit, in a few words each."""
    if "instances" in real.unknown:
        yield "its instances cannot be asked"
    else:
        wanted = recorded.instances or len(real.instances)
        restarts = f", {words.count(real.restarts, 'restart')}" if real.restarts else ""
        yield (
            f"{real.ready} of {words.count(wanted, 'instance')} ready{restarts}"
            if real.instances
            else ("its processes are gone")
        )
    where = f"{recorded.listener.host}:{recorded.listener.port}" if recorded.listener else ""
    if where and real.listening is False:
        yield f"nothing listens at {where}"
    elif real.status is not None:
        yield f"{where} answers {real.status}"
    elif "answer" in real.unknown:
        yield f"{where} gives no answer"


def _moving(fold: "Fold") -> Iterator[_Row]:
    release, state = fold.request.release, fold.state
    name = phase(state, fold.plan)
    candidate = fold.plan.legs[state.leg].change.candidate
    label = next((intent.label for intent in fold.request.intents if intent.candidate == candidate), "")
    share = f", {weight(state.here())}% of the traffic" if state.stage == "forward" else ""
    text = f"{release} to {words.version(candidate, label)}: {name}{share}"
    yield _Row("moving", text, PHASE_STYLES.get(name, "bold cyan"))
    verdict = state.here().verdict if state.legs else None
    if verdict is not None:
        found = f"{words.odds(verdict.evidence)} of {words.odds(verdict.needed)} to 1 that it is worse"
        yield _Row("evidence", f"{verdict.kind.replace('_', ' ')}, {found}", KIND_STYLES[verdict.kind])
    if fold.plan.audience.roles:
        yield _Row("roles", "; ".join(role(one) for one in fold.plan.audience.roles))
    asked = question(fold)
    barred = objection_to_revert(state, fold.plan.legs)
    ends = forecast(fold.plan.legs[state.leg]) if barred is None else barred
    if ends and (barred is None or barred not in asked):
        yield _Row("no undo" if barred else "one way", ends, "yellow")
    if not asked and barred is not None:
        return
    if not asked:
        yield _Row("to undo", f"headgate abort {release}")
        return
    yield _Row("asks you", asked, "bold yellow")
    for what, command in answers(fold):
        yield _Row("", f"{command}   ({what})")
