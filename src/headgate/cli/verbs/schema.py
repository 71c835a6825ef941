"""`headgate schema`."""

import click

from headgate.cli import options
from headgate.cli.screen import print_json


@options.verb(
    "schema",
    "headgate schema > headgate.schema.json",
    "headgate schema --api > headgate.openapi.json",
)
@click.option("--api", is_flag=True, help="The API's description (OpenAPI 3.1) instead.")
@options.as_json
def command(*, api: bool, as_json: bool) -> None:  # noqa: ARG001 - a schema is JSON either way
    """Print the JSON Schema of the project file: editors that know it complete and check while you type."""
    if api:
        from headgate.web.application import description

        print_json(description())
        return
    from headgate.config import json_schema

    print_json(json_schema())
