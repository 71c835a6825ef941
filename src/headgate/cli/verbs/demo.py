"""`headgate demo`."""

from importlib import import_module

import click

from headgate.cli import exits, options


@options.verb(
    "demo",
    "headgate demo",
    "headgate demo --keep           leave it running, to look around",
    "headgate demo --speed 2        in half the time",
)
@click.option("--keep", is_flag=True, help="Leave everything running at the end.")
@click.option("--speed", type=click.FloatRange(0.1, 10.0), default=1.0, show_default=True, help="How fast.")
@options.as_json
def command(*, keep: bool, speed: float, as_json: bool) -> None:
    """Release a good version and several bad ones of a small shop, under live load, and see what becomes of each."""
    code = import_module("headgate.cli.demo").run(keep=keep, speed=speed, as_json=as_json)
    click.get_current_context().exit(code if isinstance(code, int) else exits.DONE)
