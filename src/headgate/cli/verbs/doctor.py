"""`headgate doctor`."""

import textwrap
from collections.abc import Iterator

import click

from headgate.cli import exits, options
from headgate.cli.ask.drift import Gallery, gallery
from headgate.cli.ask.examine import Subject, examine
from headgate.cli.render.status import CONDITIONS, GRAVITY_STYLES, said_by, told
from headgate.cli.render.styles import Paint
from headgate.cli.screen import page, print_json, say, say_painted
from headgate.cli.session import Session
from headgate.core.drift import Difference, Part, Pictures, condition, of_part
from headgate.ledger.projections import fleet_of


@options.verb(
    "doctor",
    "headgate doctor           what is wrong, and the command that mends it",
    "headgate doctor --json",
    "headgate doctor || headgate up    exits with 1 when something is wrong",
)
@options.as_json
@click.pass_obj
def command(session: Session, /, *, as_json: bool) -> None:
    """Compare what is declared, recorded and real: every unit, and everything that the home stands on.

    Process daemon, proxy, keeper, controller, ledger, disk, logs, locks, artifacts: each with its evidence, and with
    the command that mends it. What could not be asked is wrong, too. Nothing is changed.

    Exits with 0 when all is well, 1 when something is wrong.
    """
    if not session.has_ledger:
        _nothing(session, as_json=as_json)
        return
    from headgate import wiring

    running = fleet_of(session.ledger)
    found = gallery(session, running, tuple(running))
    artifacts = wiring.open_artifacts(session.home)
    subject = Subject(session.home, running, artifacts, {part.name: part for part in found.parts})
    parts = (*found.parts, *examine(subject))
    drift = _drift(found, parts)
    wrong = any(one.gravity != "note" for one in drift)
    if as_json:
        print_json({"home": str(session.home), "well": not wrong, "checks": parts, "drift": drift})
    else:
        for line in _lines(found, parts, drift):
            say_painted(line)
    click.get_current_context().exit(exits.INTERNAL if wrong else exits.DONE)


def _nothing(session: Session, *, as_json: bool) -> None:
    if as_json:
        print_json({"home": str(session.home), "well": True, "checks": [], "drift": []})
    else:
        say(f"Nothing was released from {session.home} yet: there is nothing to examine.")


def _drift(found: Gallery, parts: tuple[Part, ...]) -> tuple[Difference, ...]:
    """What is wrong with the parts, then what is wrong with the units."""
    known = {part.name for part in parts}
    ill = [one for one in map(of_part, parts) if one is not None]
    return (*ill, *(one for one in found.drift if one.subject not in known))


def _lines(found: Gallery, parts: tuple[Part, ...], drift: tuple[Difference, ...]) -> Iterator[str]:
    width, paint = page()
    for part in parts:
        mark, style = ("ok", "green") if part.well else ("!!", GRAVITY_STYLES[part.gravity])
        yield from _line(mark, part.name, part.evidence, style, width, paint)
    for pictures in found.pictures.values():
        if pictures.recorded is not None:
            yield from _line(*_unit(pictures), width, paint)
    shown = told(drift)
    if not shown:
        yield "All is well."
        return
    yield from ("", paint("To mend", "bold"))
    for one in shown:
        text = textwrap.wrap(f"{one.subject}: {one.sentence}", max(40, width - 4))
        yield from (paint(f"  {line}", GRAVITY_STYLES[one.gravity]) for line in text)
        yield paint(f"    {one.command}", "")


def _unit(pictures: Pictures) -> tuple[str, str, str, str]:
    """A unit in one line: how it is, and what the world answered."""
    state = condition(pictures)
    real, recorded = pictures.real, pictures.recorded
    said = "; ".join(said_by(real, recorded)) if real is not None and recorded is not None else "not asked"
    word, style = CONDITIONS[state]
    mark = "ok" if state == "runs" else "!!"
    return mark, str(pictures.unit), f"{word}: {said}", "green" if state == "runs" else style


def _line(mark: str, name: str, evidence: str, style: str, width: int, paint: Paint) -> Iterator[str]:
    lines = textwrap.wrap(f"{name}: {evidence}", max(40, width - 4)) or [name]
    yield f"{paint(mark, style)}  {paint(lines[0], '')}"
    yield from (paint(f"    {line}", "") for line in lines[1:])
