"""`headgate demo`."""

from pathlib import Path

import click

from headgate.cli import options


@options.verb(
    "demo",
    "headgate demo",
    "headgate demo --keep           leave it running, to look around",
    "headgate demo --only v3-checkout-errors",
    "headgate demo --prometheus     judged from a real Prometheus, where one is installed",
    "headgate demo --json           what became of each version, for scripts",
)
@click.option("--keep", is_flag=True, help="Leave everything running at the end.")
@click.option(
    "--only", multiple=True, metavar="VERSION", help="Tell only this part of the story; may be repeated."
)
@click.option(
    "--rate", type=click.FloatRange(1, 500), default=90.0, show_default=True, help="Customers per second."
)
@click.option(
    "--svg", type=click.Path(path_type=Path, dir_okay=False), help="Write a picture of what was told."
)
@click.option("--prometheus", is_flag=True, help="Judge from a real Prometheus that scrapes the proxy.")
@options.as_json
def command(  # one for each option
    *, keep: bool, only: tuple[str, ...], rate: float, svg: Path | None, prometheus: bool, as_json: bool
) -> None:
    """Release a good version and several bad ones of a small shop, under live load, and see what becomes of each."""
    from headgate.cli import demo

    demo_options = demo.DemoOptions(
        keep=keep, as_json=as_json, rate=rate, svg=svg, only=only, prometheus=prometheus
    )
    click.get_current_context().exit(demo.run(demo_options))
