"""What runs where: an environment's services, each with what concerns it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headgate.cli.render import words
from headgate.cli.render.advice import answers, question
from headgate.cli.render.board import KIND_STYLES, PHASE_STYLES, label
from headgate.cli.standing import Standing, Standings
from headgate.core.view import phase, weight

if TYPE_CHECKING:
    from headgate.core.report import Fold


def status(seen: Standings, now: float) -> RenderableType:
    """The whole answer, at the time `now` (seconds since the epoch)."""
    parts: list[RenderableType] = [_controller(seen)]
    last: tuple[str, str] | None = None
    for standing in seen.units:
        place = (standing.unit.project, standing.unit.environment)
        if place != last:
            parts.append(Text(f"\n{place[0]}/{place[1]}", style="bold"))
        last = place
        parts.append(_unit(standing, now))
    return Group(*parts)


def _controller(seen: Standings) -> RenderableType:
    lines = (
        [Text(f"The controller runs (process {seen.controller}).", style="green")] if seen.controller else []
    )
    moving = [standing for standing in seen.units if standing.moving is not None]
    if not seen.controller and moving:
        lines = [
            Text(
                "No controller runs: nothing moves, nobody watches. `headgate up` starts one.",
                style="bold red",
            )
        ]
    elif not seen.controller:
        lines = [Text("No controller runs; none is needed now: `deploy` brings its own.", style="dim")]
    lines += [
        Text(f"{release} stands still: {why}", style="bold red") for release, why in seen.trouble.items()
    ]
    return Group(*lines)


def _unit(standing: Standing, now: float) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, min_width=10)
    table.add_column(style="dim", no_wrap=True, min_width=8)
    table.add_column(overflow="fold")
    service = Text(f"  {standing.unit.service}", style="bold cyan")
    for index, (name, value) in enumerate(_rows(standing, now)):
        table.add_row(service if index == 0 else "", name, value)
    return table


def _rows(standing: Standing, now: float) -> Iterator[tuple[str, RenderableType]]:
    if standing.stable is None:
        yield "runs", Text("nothing was ever promoted here", style="dim")
    else:
        yield "runs", Text(words.version(standing.stable, standing.label), style="bold")
        age = words.ago(standing.since, now)
        yield "since", Text(f"{age} ({words.day(standing.since)}), {standing.release} by {standing.author}")
    for version in standing.warm:
        yield "warm", Text(f"{version.key}: an instant way back")
    if standing.moving is not None:
        yield from _moving(standing.moving)
    for release in standing.waiting:
        yield "next", Text(f"{release} waits for its turn")
    if standing.undoable and standing.moving is None:
        yield "to undo", Text(f"headgate rollback -e {standing.unit.environment} {standing.unit.service}")


def _moving(fold: "Fold") -> Iterator[tuple[str, RenderableType]]:
    release, state = fold.request.release, fold.state
    name = phase(state, fold.plan)
    leg = fold.plan.legs[state.leg]
    line = Text.assemble((release, "bold"), f" to {words.version(leg.candidate, label(fold, leg))}: ")
    line.append(name, PHASE_STYLES.get(name, "bold cyan"))
    share = weight(state.legs[state.leg]) if state.legs else 0
    line.append(f", {share}% of the traffic" if state.stage == "forward" else "")
    yield "moving", line
    verdict = state.here().verdict if state.legs else None
    if verdict is not None:
        found = f"{words.odds(verdict.evidence)} of {words.odds(verdict.needed)} to 1 that it is worse"
        yield (
            "evidence",
            Text.assemble((verdict.kind.replace("_", " "), KIND_STYLES[verdict.kind]), f", {found}"),
        )
    asked = question(fold)
    if asked:
        yield "asks you", Text(asked, style="bold yellow")
        for what, command in answers(fold):
            yield "", Text(f"{command}   ({what})")
    else:
        yield "to undo", Text(f"headgate abort {release}")
