"""`headgate validate`."""

from typing import TYPE_CHECKING

import click

from headgate.cli import exits, options
from headgate.cli.ask.artifact import remarks
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session

if TYPE_CHECKING:
    from headgate.config import Project


@options.verb(
    "validate",
    "headgate validate",
    "headgate -f deploy/headgate.yaml validate",
    "headgate validate --json",
)
@options.as_json
@click.pass_obj
def command(session: Session, /, *, as_json: bool) -> None:
    """Check the project file, with every file that it names: `ok`, or all that is wrong, each with its place."""
    from headgate.config import ConfigError, notes

    try:
        project = session.project
        _read_files(session, project)
    except ConfigError as error:
        if as_json:
            print_json({"ok": False, "problems": error.problems})
        else:
            say(error.render(), err=True)
        click.get_current_context().exit(exits.USAGE)
    found = (*notes(project), *remarks(session, project))
    environments = {name: sorted(one.services) for name, one in project.environments.items()}
    if as_json:
        document = {"ok": True, "project": project.project, "environments": environments, "notes": found}
        print_json(document)
        return
    say(f"ok: project {project.project}")
    for name, environment in project.environments.items():
        say(f"  {name}{' (production)' if environment.production else ''}: {', '.join(environments[name])}")
    for remark in found:
        say(f"  note: {remark}")


def _read_files(session: Session, project: "Project") -> None:
    """What the file points at must be there too. Raises ConfigError with everything that is not."""
    from headgate.config import ConfigError, Problem, configuration

    problems: list[Problem] = []
    for environment, found in project.environments.items():
        for service in found.services:
            try:
                configuration(project, environment, service, session.root)
            except ConfigError as error:
                problems += error.problems
    if problems:
        raise ConfigError(problems)
