"""`headgate replay`."""

from pathlib import Path
from typing import Any

import click

from headgate.cli import exits, options
from headgate.cli.ask.judge import criteria_of, replayed
from headgate.cli.ask.names import release_named
from headgate.cli.render import words
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session
from headgate.core.again.replay import Replay, ReplayedInterval

SHOWN = 12
"""So many changes of the verdict are told."""


@options.verb(
    "replay",
    "headgate replay r7                      the same verdicts, bit for bit",
    "headgate replay r7 --with other.yaml    as other criteria would have it",
)
@click.argument("release")
@click.option("--with", "file", type=click.Path(path_type=Path), help="A project file with other criteria.")
@options.as_json
@click.pass_obj
def command(session: Session, /, release: str, file: Path | None, *, as_json: bool) -> None:
    """Judge a recorded release again, from the samples in the ledger.

    By its own criteria the verdicts must be the same, bit for bit: exits with 1 when they are not. With another project
    file it says what its criteria would have made of it, as far as the record goes.
    """
    name = release_named(session.ledger, release).release
    seen = replayed(session.ledger, name, criteria_of(file))
    if as_json:
        print_json(_document(seen))
    else:
        for line in told(seen, other=file is not None):
            say(line)
    wrong = file is None and bool(seen.differing)
    click.get_current_context().exit(exits.INTERNAL if wrong else exits.DONE)


def told(seen: Replay, *, other: bool) -> tuple[str, ...]:
    """What came of it, in lines."""
    lines = [f"{seen.release}: {words.count(len(seen.intervals), 'interval')} judged again."]
    if seen.missing:
        lines.append(
            f"{words.count(seen.missing, 'sample')} are compacted: what rests on them cannot be told."
        )
    if not other:
        differ = seen.differing
        lines.append(
            f"{words.count(len(differ))} verdicts differ." if differ else "Every verdict is as it was."
        )
    shown = [one for one in _turns(seen) if other or one.verdict != one.recorded]
    lines += [_line(seen, one) for one in shown[:SHOWN]]
    return (*lines, *(_ends(seen) if other else ()))


def _turns(seen: Replay) -> list[ReplayedInterval]:
    """The intervals at which either verdict changes."""
    turns: list[ReplayedInterval] = []
    before: tuple[str, str, int] | None = None
    for one in seen.intervals:
        now = (one.recorded.kind, one.verdict.kind, one.exposure)
        if now != before:
            turns.append(one)
        before = now
    return turns


def _line(seen: Replay, one: ReplayedInterval) -> str:
    after = f"{one.at - seen.began_at:+.1f}s"
    then, now = (kind.replace("_", " ") for kind in (one.recorded.kind, one.verdict.kind))
    return f"  {after:>9}  {one.weight:>3}%  then {then:<12}  now {now:<12}  {one.verdict.reason}"


def _ends(seen: Replay) -> tuple[str, ...]:
    then, now = seen.recorded_fail, seen.fail
    if then is None and now is None:
        return ("Neither finds a fault.",)
    if now is None:
        return ("The recorded criteria found a fault; these would not have, as far as the record goes.",)
    if then is None:
        harm = seen.harm_until(seen.intervals[-1].at) - seen.harm_until(now.at)
        return (f"These criteria would have rolled it back, and spared {words.count(harm, 'request')}.",)
    sooner = then.at - now.at
    how = (
        f"{words.span(abs(sooner))} {'sooner' if sooner > 0 else 'later'}" if sooner else "at the same moment"
    )
    return (f"Both find the fault; these {how}.",)


def _document(seen: Replay) -> dict[str, Any]:
    return {
        "release": seen.release,
        "missing": seen.missing,
        "differing": len(seen.differing),
        "intervals": [
            {
                "at": one.at,
                "weight": one.weight,
                "recorded": {"verdict": one.recorded.kind, "evidence": one.recorded.evidence},
                "now": {"verdict": one.verdict.kind, "evidence": one.verdict.evidence},
                "reason": one.verdict.reason,
            }
            for one in seen.intervals
        ],
    }
