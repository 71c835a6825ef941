"""The command `headgate`: a group that loads a verb when it is called, and says what went wrong in one sentence."""

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from headgate.cli import exits
from headgate.cli.errors import Unable, debugging, explained, unforeseen
from headgate.cli.exits import leave
from headgate.cli.vocabulary import VERBS


class Root(click.Group):
    """Knows the verbs by name, and imports the module of the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs in the order of the help."""
        return [verb.name for verb in VERBS if verb.section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Load a verb. None when there is none of this name."""
        verb = next((verb for verb in VERBS if verb.name == cmd_name), None)
        if verb is None:
            return None
        module = import_module(f"headgate.cli.verbs.{verb.module or cmd_name}")
        command = module.COMMANDS[cmd_name] if verb.module else module.command
        assert isinstance(command, click.Command), f"the verb {cmd_name} is a command"
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a better answer to a verb that there is not."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            from headgate.cli.errors import did_you_mean

            raise Unable(f"there is no verb `{name}`", did_you_mean(name, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """The verbs in sections, from the table alone."""
        width = max(len(verb.name) for verb in VERBS)
        for section in dict.fromkeys(verb.section for verb in VERBS if verb.section):
            with formatter.section(section):
                rows = [(v.name.ljust(width), v.summary) for v in VERBS if v.section == section]
                formatter.write_dl(rows)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:  # noqa: ANN401 - as above
        """Run, and leave the process with an exit code of `exits`."""
        words = list(sys.argv[1:] if args is None else args)
        extra = {**extra, "prog_name": "headgate", "standalone_mode": False}
        _never_break_on_output()
        try:
            code: int | None = super().main(words, *rest, **extra)
            sys.stdout.flush()
        except click.Abort:
            click.echo("", err=True)
            code = exits.INTERRUPTED
        except BrokenPipeError:
            code = _quiet()
        except Exception as error:  # noqa: BLE001 - the last one to hear of it, and it says so
            code = _tell(error, as_json="--json" in words)
        leave(code or exits.DONE)


def _tell(error: Exception, *, as_json: bool) -> int:
    """Say what went wrong, where whoever asked will look for it; returns the exit code."""
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        return _quiet()
    if debugging() and not isinstance(error, click.UsageError):
        traceback.print_exception(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return exits.USAGE
    from headgate.cli.render.foreign import visible

    known = explained(error) or unforeseen(error)
    hint, code = (known.hint, known.code) if isinstance(known, Unable) else (_usage(known), exits.USAGE)
    if as_json:
        from headgate.cli.screen import print_json

        problems = [str(problem) for problem in getattr(error, "problems", ())]
        print_json({"error": known.format_message(), "hint": hint, "problems": problems, "exit": code})
    else:
        click.echo(visible(f"headgate: {known.format_message()}"), err=True)
        if hint:
            click.echo(visible(f"  {hint}"), err=True)
    return code


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"`{context.command_path} --help` shows how" if context else ""


def _never_break_on_output() -> None:
    """A terminal that lacks a character shows another in its place: no release stops over that."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _quiet() -> int:
    """Nobody reads our output any more (`headgate history | head`): that is no error."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    return exits.DONE
