"""`headgate ledger verify`, `export` and `reconcile`."""

import sys
from pathlib import Path

import click

from headgate.cli import exits, options
from headgate.cli.errors import Unable
from headgate.cli.render import words
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session, person
from headgate.ledger.verify import Auditable, Head

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(
    "ledger",
    short_help="Verify or export the record of all that happened; say which one counts.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: `headgate ledger verify`, `headgate ledger export > ledger.ndjson`",
)
def command() -> None:
    """The record of all that happened: every fact in order, each chained to the one before by its hash."""


@options.verb(
    "verify",
    "headgate ledger verify",
    "headgate ledger verify --anchor 1200:9f86d081...   against a hash that was kept elsewhere",
)
@click.option("--anchor", metavar="SEQUENCE:HASH", help="An entry that must be there, with this hash.")
@options.as_json
@click.pass_obj
def verify(session: Session, /, anchor: str | None, *, as_json: bool) -> None:
    """Walk the whole chain; exits with 1 and says where it breaks, if it does."""
    from headgate.ledger.verify import verify as walk

    audit = walk(_auditable(session), anchor=_anchor(anchor))
    if as_json:
        print_json(audit)
    elif audit.broken is None:
        say(
            f"ok: {words.count(audit.entries)} entries and {words.count(audit.samples)} samples are as written."
        )
        say(f"  newest: {audit.entries}:{audit.head}")
    else:
        say(f"The ledger is not what was written: {audit.broken}", err=True)
        say(f"  the {words.count(audit.entries)} entries before it are good", err=True)
    click.get_current_context().exit(exits.INTERNAL if audit.broken else exits.DONE)


@options.verb(
    "export",
    "headgate ledger export > ledger.ndjson",
    "headgate ledger export --after 1200 --samples -o rest.ndjson",
)
@click.option("-o", "--output", type=_FILE, help="A file, in place of standard output.")
@click.option("--after", type=click.IntRange(0), default=0, help="Only entries after this sequence.")
@click.option("--samples", is_flag=True, help="With what was measured.")
@options.as_json
@click.pass_obj
def export(session: Session, /, output: Path | None, after: int, *, samples: bool, as_json: bool) -> None:  # noqa: ARG001 - it is JSON either way
    """Print the ledger as NDJSON: an entry a line, its event's bytes as they were hashed."""
    from headgate.ledger.export import export as lines

    found = lines(_auditable(session), after=after, samples=samples)
    if output is None:
        for line in found:
            sys.stdout.buffer.write(line)
        return
    with output.open("wb") as file:
        file.writelines(found)


@options.verb(
    "reconcile",
    'headgate ledger reconcile --reason "the backup of Tuesday counts"',
)
@click.option("--reason", metavar="TEXT", required=True, help="Why this ledger counts; it goes on record.")
@options.as_json
@click.pass_obj
def reconcile(session: Session, /, reason: str, *, as_json: bool) -> None:
    """Have this ledger count although the world is ahead of it: it was restored from before.

    The proxy's own files name releases that this ledger knows nothing of. They are written down as such, no release is
    called like one of them, and what the ledger says is what is brought about from now on.
    """
    import asyncio

    from headgate.wiring.adoption import reconcile as settle

    found = asyncio.run(settle(session.home, person(), reason))
    if as_json:
        print_json({"home": str(session.home), "releases": found})
    elif found:
        say(f"The ledger counts. It never did {', '.join(found)}, and no release will be called so.")
    else:
        say("The ledger knows every release that the proxy names: there is nothing to settle.")


command.add_command(verify)
command.add_command(reconcile)
command.add_command(export)


def _auditable(session: Session) -> Auditable:
    ledger = session.ledger
    if not isinstance(ledger, Auditable):
        raise Unable(f"this ledger ({type(ledger).__name__}) cannot be walked", code=exits.INTERNAL)
    return ledger


def _anchor(text: str | None) -> Head | None:
    if text is None:
        return None
    sequence, _, digest = text.partition(":")
    if not sequence.isdigit() or not digest:
        raise Unable(f"{text!r} is no anchor", "it is SEQUENCE:HASH, as `ledger verify` prints it")
    return Head(int(sequence), digest)
