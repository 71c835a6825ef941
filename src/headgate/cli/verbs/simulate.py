"""`headgate simulate`."""

import click

from headgate.cli import exits, options
from headgate.cli.render import words
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session


@options.verb(
    "simulate",
    "headgate simulate --seeds 1000",
    "headgate simulate --seed 4711     one seed again, every event of it",
)
@click.option("--seeds", type=click.IntRange(1), default=1000, show_default=True, help="How many seeds.")
@click.option("--first", type=int, default=0, show_default=True, help="The first seed.")
@click.option("--seed", type=int, help="Only this seed, and print every event.")
@options.as_json
@click.pass_obj
def command(session: Session, /, seeds: int, first: int, seed: int | None, *, as_json: bool) -> None:  # noqa: ARG001 - needs no home
    """Run the real machine and controller in a seeded world full of faults, and check every invariant.

    A violation prints its seed, exits with 1, and replays exactly with --seed.
    """
    code = (
        _one(seed, as_json=as_json)
        if seed is not None
        else _many(range(first, first + seeds), as_json=as_json)
    )
    click.get_current_context().exit(code)


def _one(seed: int, *, as_json: bool) -> int:
    from headgate.lab.simulation import simulate

    report = simulate(seed, None if as_json else say)
    violations = [str(violation) for violation in report.violations]
    if as_json:
        document = {"seed": seed, "events": report.events, "head": report.head, "ended": dict(report.ended)}
        print_json({**document, "violations": violations})
    for violation in violations if not as_json else ():
        say(f"VIOLATED: {violation}", err=True)
    return exits.INTERNAL if violations else exits.DONE


def _many(seeds: range, *, as_json: bool) -> int:
    from headgate.lab.simulation import Report, simulate_many

    def told(report: Report) -> None:
        if report.violations:
            say(f"{report.story()}\nheadgate simulate --seed {report.seed}", err=True)

    tally = simulate_many(seeds, told)
    if as_json:
        print_json(tally)
    else:
        say(
            f"{words.count(tally.seeds, 'seed')}: {words.count(tally.events)} events in "
            f"{words.span(tally.virtual_s)} of virtual time; {words.count(sum(tally.faults.values()))} faults"
        )
        for how, many in sorted(tally.ended.items()):
            say(f"  {words.count(many):>9}  {how}")
        failed = f"violated by {words.count(len(tally.failed), 'seed')}: {tally.failed[:20]}"
        say(failed if tally.failed else "no violation")
    return exits.INTERNAL if tally.failed else exits.DONE
