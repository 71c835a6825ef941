"""`headgate backtest`."""

from pathlib import Path
from typing import Any

import click
import msgspec

from headgate.cli import options
from headgate.cli.ask.judge import all_replayed, criteria_of
from headgate.cli.render import words
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session
from headgate.core.again.backtest import Backtest, BacktestOutcome, backtest


@options.verb(
    "backtest",
    "headgate backtest --with other.yaml              the last 50 releases by other criteria",
    "headgate backtest --last 200 --with other.yaml",
)
@click.option("--last", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@click.option("--with", "file", type=click.Path(path_type=Path), help="A project file with other criteria.")
@options.services
@options.environment
@options.as_json
@click.pass_obj
def command(
    session: Session,
    /,
    last: int,
    file: Path | None,
    services: tuple[str, ...],
    environment: str | None,
    *,
    as_json: bool,
) -> None:
    """Judge the last releases again: which rollbacks other criteria gain and lose, what harm and time they save.

    A record ends where its release did: what a fault that is not found any more would have cost, nobody knows.
    """
    names = _names(session, last, services, environment)
    found = backtest(all_replayed(session.ledger, names, criteria_of(file)))
    if as_json:
        print_json(_document(found))
        return
    for line in told(found):
        say(line)


def _names(
    session: Session, last: int, services: tuple[str, ...], environment: str | None
) -> tuple[str, ...]:
    """The last releases that have ended, oldest first."""
    seen = session.ledger.summaries(environment=environment, limit=last if not services else 10_000)
    wanted = [
        summary
        for summary in seen
        if summary.outcome is not None
        and (not services or any(move.unit.service in services for move in summary.moves))
    ]
    return tuple(summary.release for summary in reversed(wanted[:last]))


def told(found: Backtest) -> tuple[str, ...]:
    """What came of it, in lines."""
    lines = [_line(one) for one in found.outcomes if one.change not in ("same", "unknown")]
    lines.append(f"{words.count(len(found.outcomes), 'release')} judged again.")
    gained, lost = found.count("gained"), found.count("lost")
    lines.append(f"Rollbacks: {gained} gained, {lost} lost.")
    lines.append(f"Faults: {found.count('earlier')} found earlier, {found.count('later')} later.")
    saved = found.time_saved_s
    time = f"{words.span(abs(saved))} {'saved' if saved >= 0 else 'lost'}" if saved else "none saved"
    lines.append(f"Failed requests saved: {words.count(found.harm_saved)}. Time: {time}.")
    if found.count("unknown"):
        lines.append(
            f"{words.count(found.count('unknown'), 'release')} cannot be told: samples are compacted."
        )
    return tuple(lines)


def _line(one: BacktestOutcome) -> str:
    then, now = ("-" if at is None else words.span(at) for at in (one.recorded_found_s, one.found_s))
    return f"  {one.release:<8} {one.change:<8} found after {then} then, {now} now; {one.harm_saved} requests saved"


def _document(found: Backtest) -> dict[str, Any]:
    return {
        "releases": len(found.outcomes),
        "gained": found.count("gained"),
        "lost": found.count("lost"),
        "harm_saved": found.harm_saved,
        "time_saved_s": found.time_saved_s,
        "outcomes": [msgspec.to_builtins(one) for one in found.outcomes],
    }
