"""`headgate completion`."""

import click
from click.shell_completion import get_completion_class

from headgate.cli import exits, options
from headgate.cli.errors import Unable
from headgate.cli.screen import print_json, say

SHELLS = ("bash", "zsh", "fish")


@options.verb(
    "completion",
    'eval "$(headgate completion bash)"                                  in ~/.bashrc',
    'eval "$(headgate completion zsh)"                                   in ~/.zshrc',
    "headgate completion fish > ~/.config/fish/completions/headgate.fish",
)
@click.argument("shell", type=click.Choice(SHELLS))
@options.as_json
@click.pass_context
def command(context: click.Context, /, shell: str, *, as_json: bool) -> None:
    """Print what makes your shell complete headgate's verbs and options."""
    found = get_completion_class(shell)
    if found is None:
        raise Unable(f"click knows no completion for {shell}", code=exits.INTERNAL)
    script = found(context.find_root().command, {}, "headgate", "_HEADGATE_COMPLETE").source()
    if as_json:
        print_json({"shell": shell, "script": script})
    else:
        say(script)
