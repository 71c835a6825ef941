"""`headgate ledger verify`, `anchor`, `export` and `reconcile`."""

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
_key = click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The file of the key that anchors are signed with (HMAC-SHA256).",
)


@click.group(
    "ledger",
    short_help="Verify, anchor or export the record of all that happened; say which one counts.",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: `headgate ledger verify`, `headgate ledger export > ledger.ndjson`",
)
def command() -> None:
    """The record of all that happened: every fact in order, each chained to the one before by its hash."""


@options.verb(
    "verify",
    "headgate ledger verify",
    "headgate ledger verify --anchor 1200:9f86d081...   against a hash that a message or a mark has",
    "headgate ledger verify --anchor anchors.ndjson --key anchor.key",
)
@click.option(
    "--anchor",
    "anchors",
    metavar="FILE|SEQUENCE:HASH",
    multiple=True,
    help="Entries that must be there with their hashes: a file of anchors, or one entry; may be repeated.",
)
@_key
@options.as_json
@click.pass_obj
def verify(session: Session, /, anchors: tuple[str, ...], key: Path | None, *, as_json: bool) -> None:
    """Walk the whole chain; exits with 1 and says where it breaks, if it does.

    By itself a chain shows what was changed by somebody who could not write all of it anew. Against somebody who could,
    give it anchors that were kept elsewhere.
    """
    from headgate.ledger.verify import verify as walk

    found = [head for text in anchors for head in _heads(session, text, key)]
    audit = walk(_auditable(session), anchors=found)
    if as_json:
        print_json(audit)
    elif audit.broken is None:
        if found:
            say(f"ok: {words.count(len(found))} anchors are in it.")
        say(
            f"ok: {words.count(audit.entries)} entries and {words.count(audit.samples)} samples are as written."
        )
        say(f"  newest: {audit.entries}:{audit.head}")
    else:
        say(f"The ledger is not what was written: {audit.broken}", err=True)
        say(f"  the {words.count(audit.entries)} entries before it are good", err=True)
    click.get_current_context().exit(exits.INTERNAL if audit.broken else exits.DONE)


@options.verb(
    "anchor",
    "headgate ledger anchor --to /mnt/elsewhere/anchors.ndjson",
    "headgate ledger anchor --to - --key anchor.key | ssh archive 'cat >> anchors.ndjson'",
)
@click.option(
    "--to", metavar="PATH", required=True, help="A file, to which a line is added; `-`: standard output."
)
@_key
@options.as_json
@click.pass_obj
def anchor(session: Session, /, to: str, key: Path | None, *, as_json: bool) -> None:
    """Write down which entry is the newest, for a place that whoever can write here cannot reach.

    Do it by the clock, and keep the file on another machine. `headgate ledger verify --anchor FILE` checks that every
    entry of the file is in the ledger still. Every message and mark has such an anchor, too.
    """
    import time

    from headgate.homes.identity import identity
    from headgate.ledger.anchors import Anchor, NoAnchor, line

    head, home = _auditable(session).head(), identity(session.home)
    if not head.sequence:
        raise Unable("the ledger is empty: there is nothing to anchor yet")
    made = Anchor(home.id if home else "", head.sequence, head.hash, round(time.time(), 3))
    try:
        made = made.signed(_key_in(key)) if key is not None else made
    except NoAnchor as error:
        raise Unable(f"{key}: {error}") from error
    if to == "-":
        sys.stdout.buffer.write(line(made))
        return
    try:
        with Path(to).open("ab") as file:
            file.write(line(made))
    except OSError as error:
        raise Unable(f"{to} cannot be written: {error.strerror}") from error
    if as_json:
        print_json(made)
    else:
        say(f"{to} has entry {made.sequence} ({made.hash[:12]}...).")


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
command.add_command(anchor)
command.add_command(reconcile)
command.add_command(export)


def _auditable(session: Session) -> Auditable:
    ledger = session.ledger
    if not isinstance(ledger, Auditable):
        raise Unable(f"this ledger ({type(ledger).__name__}) cannot be walked", code=exits.INTERNAL)
    return ledger


def _heads(session: Session, text: str, key: Path | None) -> list[Head]:
    """What `--anchor` names: a file, or one entry. Raises Unable."""
    sequence, _, digest = text.partition(":")
    if sequence.isdecimal() and digest and not Path(text).exists():
        return [Head(int(sequence), digest)]
    from headgate.homes.identity import identity
    from headgate.ledger.anchors import NoAnchor, read_anchors

    home = identity(session.home)
    try:
        with Path(text).open("rb") as file:
            found = read_anchors(file, _key_in(key) if key else None, home.id if home else "")
    except OSError as error:
        hint = "it is a file, or SEQUENCE:HASH, as `ledger verify`, messages and marks have it"
        raise Unable(f"{text!r} is no anchor: {error.strerror}", hint) from error
    except NoAnchor as error:
        raise Unable(
            f"{text}: {error}", "an anchor that says nothing proves nothing: see who changed it"
        ) from error
    return [one.head for one in found]


def _key_in(path: Path) -> bytes:
    """Raises Unable."""
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise Unable(f"the key {path} cannot be read: {error.strerror}") from error
