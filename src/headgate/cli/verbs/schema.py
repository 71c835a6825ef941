"""`headgate schema`."""

from headgate.cli import options
from headgate.cli.screen import print_json


@options.verb(
    "schema",
    "headgate schema > headgate.schema.json",
)
@options.as_json
def command(*, as_json: bool) -> None:  # noqa: ARG001 - a schema is JSON either way
    """Print the JSON Schema of the project file: editors that know it complete and check while you type."""
    from headgate.config import json_schema

    print_json(json_schema())
