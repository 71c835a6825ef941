"""`headgate init`."""

from pathlib import Path

import click

from headgate.cli import options
from headgate.cli.errors import Unable
from headgate.cli.screen import print_json, say
from headgate.cli.session import PROJECT_FILE

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@options.verb(
    "init",
    "headgate init              for the project in this folder",
    "headgate init ../shop      for another one",
    "headgate init --force      over a file that is there",
)
@click.argument("folder", type=_FOLDER, default=Path())
@click.option("--force", is_flag=True, help="Replace a headgate.yaml that is there.")
@options.as_json
def command(folder: Path, *, force: bool, as_json: bool) -> None:
    """Write a headgate.yaml for a project: how it starts, where it listens and what asks for its health is detected."""
    from headgate.config import detect, load_text

    place = folder / PROJECT_FILE
    text = detect(folder)
    project = load_text(text, str(place))
    notes = [line.removeprefix("# NOTE: ") for line in text.splitlines() if line.startswith("# NOTE: ")]
    _write(place, text, force=force)
    if as_json:
        print_json({"file": str(place), "project": project.project, "notes": notes})
        return
    say(f"Wrote {place} for the project {project.project}.")
    for note in notes:
        say(f"  Look at: {note}")
    say("Read it through; then `headgate validate`, and `headgate deploy -e staging`.")


def _write(place: Path, text: str, *, force: bool) -> None:
    try:
        with place.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Unable(f"{place} is there already", "`--force` replaces it") from None
