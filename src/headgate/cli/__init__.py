"""The command line: verbs, one a file, loaded when they are used; `render` alone knows how things look."""

from pathlib import Path

import click

from headgate import __version__
from headgate.cli.group import Root
from headgate.cli.session import Session

_PLACE = click.Path(path_type=Path)


@click.command(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("-f", "--file", type=_PLACE, help="The project file (default: headgate.yaml, here or above).")
@click.option(
    "--home", type=_PLACE, help="Where ledger and artifacts are (default: .headgate beside the file)."
)
@click.version_option(__version__, "--version", message="headgate %(version)s")
@click.pass_context
def command(context: click.Context, file: Path | None, home: Path | None) -> None:
    """Release safety: every release is reproducible, observable and reversible.

    A new version gets a little traffic first, is judged by what its users see, and is undone by itself when it is bad.

    Begin with `headgate init` and `headgate deploy`; `headgate VERB --help` has examples for each.
    """
    session = Session(file, home)
    context.obj = session
    context.call_on_close(session.close)


def main() -> None:
    """The entry point `headgate`."""
    command.main()


__all__ = ["command", "main"]
