"""What runs where: an environment's services, each with what concerns it.

Plain lines and no rich: this is asked most often, and shall answer at once.
"""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from headgate.cli.render import words
from headgate.cli.render.styles import KIND_STYLES, PHASE_STYLES, Paint, unpainted
from headgate.cli.standing import Standing, Standings
from headgate.core.account import role
from headgate.core.advice import answers, question
from headgate.core.view import phase, weight

if TYPE_CHECKING:
    from headgate.core.report import Fold

_SERVICE = 12
_NAME = 10


class _Row(NamedTuple):
    """What is said of one unit under one name."""

    name: str
    text: str
    style: str = ""


def status(seen: Standings, now: float, width: int, paint: Paint = unpainted) -> Iterator[str]:
    """The lines of the whole answer, at the time `now` (seconds since the epoch), `width` characters wide."""
    for text, style in _controller(seen):
        yield from (paint(line, style) for line in textwrap.wrap(text, width))
    last: tuple[str, str] | None = None
    for standing in seen.units:
        place = (standing.unit.project, standing.unit.environment)
        if place != last:
            yield from ("", paint("/".join(place), "bold"))
        last = place
        yield from _unit(standing, now, width, paint)


def _controller(seen: Standings) -> Iterator[tuple[str, str]]:
    if seen.controller:
        yield f"The controller runs (process {seen.controller}).", "green"
    elif any(standing.moving is not None for standing in seen.units):
        yield "No controller runs: nothing moves, nobody watches. `headgate up` starts one.", "bold red"
    else:
        yield "No controller runs; none is needed now: `deploy` brings its own.", "dim"
    for release, why in seen.trouble.items():
        stands = "" if "/" in release or release == "outbox" else " stands still"
        yield f"{release}{stands}: {why}", "bold red"


def _unit(standing: Standing, now: float, width: int, paint: Paint) -> Iterator[str]:
    service = f"  {standing.unit.service}"
    if len(service) >= _SERVICE:
        yield paint(service, "bold cyan")
        service = ""
    room = max(20, width - _SERVICE - _NAME)
    for row in _rows(standing, now):
        name = row.name
        for line in textwrap.wrap(row.text, room):
            left = paint(f"{service:<{_SERVICE}}", "bold cyan") + paint(f"{name:<{_NAME}}", "dim")
            yield left + paint(line, row.style)
            service = name = ""


def _rows(standing: Standing, now: float) -> Iterator[_Row]:
    if standing.stable is None:
        yield _Row("runs", "nothing was ever promoted here", "dim")
    else:
        yield _Row("runs", words.version(standing.stable, standing.label), "bold")
        age = words.ago(standing.since, now)
        yield _Row("since", f"{age} ({words.day(standing.since)}), {standing.release} by {standing.author}")
    for version in standing.warm:
        yield _Row("warm", f"{version.key}: an instant way back")
    if standing.moving is not None:
        yield from _moving(standing.moving)
    for release in standing.waiting:
        yield _Row("next", f"{release} waits for its turn")
    if standing.alarms is not None:
        seen = standing.alarms
        found = f"{words.count(seen.false)} of {words.count(seen.releases, 'release')}"
        promised = f"{100 * seen.promised:.2g}% promised at most"
        text = f"the judge would have failed stable against itself in {found} ({promised})"
        yield _Row("alarms", text, "" if seen.rate <= seen.promised else "yellow")
    if standing.undoable and standing.moving is None:
        yield _Row("to undo", f"headgate rollback -e {standing.unit.environment} {standing.unit.service}")


def _moving(fold: "Fold") -> Iterator[_Row]:
    release, state = fold.request.release, fold.state
    name = phase(state, fold.plan)
    candidate = fold.plan.legs[state.leg].candidate
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
    if not asked:
        yield _Row("to undo", f"headgate abort {release}")
        return
    yield _Row("asks you", asked, "bold yellow")
    for what, command in answers(fold):
        yield _Row("", f"{command}   ({what})")
