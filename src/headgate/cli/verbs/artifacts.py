"""`headgate artifacts`."""

import click

from headgate.cli import options
from headgate.cli.screen import draw, print_json, say
from headgate.cli.session import Session
from headgate.ledger.projections import fleet_of


@options.verb(
    "artifacts",
    "headgate artifacts",
    "headgate artifacts list --json",
)
@click.argument("action", type=click.Choice(["list"]), default="list", metavar="[list]")
@options.as_json
@click.pass_obj
def command(session: Session, /, action: str, *, as_json: bool) -> None:  # noqa: ARG001 - listing is all there is
    """List what was built, newest first, and what of it runs now. A `+` after a commit: with local changes."""
    from headgate import wiring

    found = wiring.open_artifacts(session.home).list()
    if as_json:
        print_json(found)
    elif not found:
        say("Nothing was built yet: `headgate build` does.")
    else:
        from headgate.cli.render.history import artifacts

        draw(artifacts(found, _used(session)))


def _used(session: Session) -> dict[str, list[str]]:
    """By digest: what runs it, and what keeps it warm."""
    used: dict[str, list[str]] = {}
    running = fleet_of(session.ledger) if session.has_ledger else {}
    for unit, run in running.items():
        if run.stable is not None:
            used.setdefault(run.stable.artifact, []).append(f"{unit.environment}/{unit.service}")
        for version in run.warm:
            used.setdefault(version.artifact, []).append(f"warm for {unit.environment}/{unit.service}")
    return used
