"""`headgate build`."""

import shlex
from typing import Any

import click

from headgate.cli import options
from headgate.cli.render import words
from headgate.cli.screen import print_json, say
from headgate.cli.session import Session


@options.verb(
    "build",
    "headgate build                    the artifact of every service",
    "headgate build web --label v2     and give it a name to deploy by",
)
@options.services
@options.label("A name to deploy it by.")
@options.as_json
@click.pass_obj
def command(session: Session, /, services: tuple[str, ...], label: str, *, as_json: bool) -> None:
    """Run the build, and take in what it makes: immutable, named by the SHA-256 of its content."""
    from headgate import wiring
    from headgate.cli.ask.artifact import built
    from headgate.cli.ask.names import one_of

    project = session.project
    for name in services:
        one_of(name, project.services, "service")
    store = wiring.open_artifacts(session.home)
    recipes: dict[Any, list[str]] = {}
    for name, service in project.services.items():
        if not services or name in services:
            recipes.setdefault((service.artifact.path, service.artifact.build), []).append(name)
    document: list[dict[str, Any]] = []
    for names in recipes.values():
        recipe = project.services[names[0]].artifact
        artifact = built(store, recipe, session.root, label, lambda line: say(f"  build: {line}", err=True))
        document.append({"services": names, "artifact": artifact})
        if not as_json:
            size = words.count(artifact.files, "file")
            say(f"{artifact.digest}  {', '.join(names)}: {size}, {artifact.size_bytes:,} bytes")
    if as_json:
        print_json(document)
    else:
        name = shlex.quote(label or document[0]["artifact"].digest[:12])
        say(f"Deploy it: `headgate deploy --artifact {name}`")
