"""The options that verbs share, and how a verb's help shows its examples."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from headgate.cli.vocabulary import VERBS

Callback = TypeVar("Callback", bound=Callable[..., Any])


class VerbCommand(click.Command):
    """A command whose help ends with examples. `shown_name` is set where it is not a verb by itself."""

    examples: tuple[str, ...] = ()

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The examples, as they are typed."""
        with formatter.section("Examples"):
            for line in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def verb(name: str, *examples: str, text: str | None = None) -> Callable[[Callable[..., Any]], VerbCommand]:
    """Make a function the verb `name`; `text` or its docstring is the help, `examples` are lines of a shell."""

    def made(function: Callable[..., Any]) -> VerbCommand:
        summary = next((one.summary for one in VERBS if one.name == name), None)
        hidden = any(one.name == name and not one.section for one in VERBS)
        settings = {"help_option_names": ["-h", "--help"]}
        command = click.command(
            name, cls=VerbCommand, help=text, short_help=summary, hidden=hidden, context_settings=settings
        )(function)
        command.examples = examples
        return command

    return made


def seconds(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A duration as people write it (`30s`, `1m30s`, `2h`), in seconds."""
    if value is None:
        return None
    from headgate.config.quantities import parse_duration

    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}", context, parameter) from error


def in_path(name: str) -> str:
    """A name as one segment of a URL's path."""
    from urllib.parse import quote

    return quote(name, safe="")


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
environment = click.option(
    "-e", "--env", "environment", metavar="NAME", help="The environment; not needed where there is one."
)
services = click.argument("services", nargs=-1, metavar="[SERVICE]...")
release = click.argument("release", required=False, metavar="[RELEASE]")


def _named(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A name that is on record as it was typed: what would be cleaned there is refused here."""
    from headgate.core.model.foreign import NAME_MAX, clean_name

    if value != clean_name(value) or value != value.strip():
        what = f"a label is one line of letters that can be seen, {NAME_MAX} at most, with no space around it"
        raise click.BadParameter(f"{value!r}: {what}", context, parameter)
    return value


def label(text: str) -> Callable[[Callback], Callback]:
    """`--label`, by which a version can be asked for."""
    return click.option("--label", metavar="NAME", default="", callback=_named, help=text)


def reason(text: str) -> Callable[[Callback], Callback]:
    """`--reason`, which goes on record."""
    return click.option("--reason", metavar="TEXT", default="", help=text)


wait = click.option(
    "--wait", is_flag=True, help="Stay when the release waits for a person, until it has its answer."
)
timeout = click.option(
    "--timeout",
    "timeout_s",
    metavar="DURATION",
    callback=seconds,
    help="What has not ended after so long (30s, 1h) is undone.",
)
detach = click.option(
    "--detach", is_flag=True, help="Leave it to the daemon (`headgate up`) and return at once."
)
break_glass = click.option(
    "--break-glass", metavar="REASON", default="", help="Overrule the rule of gradual exposure, on record."
)
