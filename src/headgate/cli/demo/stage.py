"""Sets the shop up, lets the customers in, tells the story, and cleans up whatever happens."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headgate.cli import exits
from headgate.cli.ask.client import Client
from headgate.cli.ask.follow import read_fold
from headgate.cli.ask.request import Request, ask
from headgate.cli.demo.shop import Customers, Shop
from headgate.cli.demo.story import FIRST, STORY, Chapter
from headgate.cli.errors import Unable
from headgate.cli.run.release import RunMode, follow_to_end, steering_of
from headgate.cli.run.steering import Steering
from headgate.cli.screen import draw, patience, print_json, say
from headgate.cli.session import Session
from headgate.core.story.report import Fold
from headgate.homes import socket_of

WARM_UP_S = 1.5
"""Customers before the first release under load, so that the old version has something to be compared by."""


@dataclass(frozen=True)
class DemoOptions:
    """How to show it. `svg` names a file for a picture of what was told; `rate` is in journeys per second.

    `prometheus`: a real one measures, in place of the proxy itself.
    """

    keep: bool = False
    as_json: bool = False
    rate: float = 90.0
    svg: Path | None = None
    only: tuple[str, ...] = ()
    prometheus: bool = False


def run(options: DemoOptions) -> int:
    """Tell the whole story; returns the exit code: 0 when every version ended as it should."""
    folder = Path(tempfile.mkdtemp(prefix="headgate-demo-"))
    try:
        with patience("setting up a shop ...", quiet=options.as_json):
            shop = Shop(folder)
        session = Session(file=shop.file, home=shop.home)
        try:
            code = _play(shop, session, options)
            if options.keep:
                _stay(shop)
            return code
        finally:
            session.close()
            if not options.keep:
                _strike(shop)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _play(shop: Shop, session: Session, options: DemoOptions) -> int:
    told: list[tuple[Chapter, Fold]] = []
    with _measuring(shop, options), _steering(session, options) as steering:
        told.append((FIRST, _release(shop, session, steering, FIRST, options)))
        customers = Customers(shop.url, options.rate)
        with customers:
            time.sleep(WARM_UP_S)
            chosen = (chapter for chapter in STORY if not options.only or chapter.version in options.only)
            told.extend((chapter, _release(shop, session, steering, chapter, options)) for chapter in chosen)
    _tell(told, customers, options)
    return (
        exits.DONE if all(fold.report().outcome == chapter.ends for chapter, fold in told) else exits.INTERNAL
    )


@contextmanager
def _measuring(shop: Shop, options: DemoOptions) -> Generator[None]:
    """With `--prometheus`, a Prometheus beside the proxy, and a project file that names it. Raises Unable."""
    if not options.prometheus:
        yield
        return
    from headgate.cli.demo.prometheus import Prometheus, judged_from

    with Prometheus(shop.home, shop.folder / "prometheus") as server:
        shop.file.write_text(judged_from(shop.file.read_text(), server.url))
        if not options.as_json:
            say(
                f"Every release is judged from the Prometheus at {server.url}, which scrapes the proxy each second."
            )
        yield


@contextmanager
def _steering(session: Session, options: DemoOptions) -> Generator[Steering]:
    steering = steering_of(session)
    try:
        with patience("starting the proxy and the controller ...", quiet=options.as_json):
            steering.ensure()
        if not options.as_json:
            _show_door(steering.client, "Watch it in a browser")
        yield steering
    finally:
        steering.close()


def _release(
    shop: Shop, session: Session, steering: Steering, chapter: Chapter, options: DemoOptions
) -> Fold:
    from headgate.core.release.submission import Submission

    _announce(chapter, options)
    shop.build(chapter.version)
    asked = ask(session, Request(None, (), chapter.version, chapter.version), lambda _: None)
    if not asked.intents:
        raise Unable(f"{chapter.version} runs already", "this is a defect of the demo", code=exits.INTERNAL)
    release = steering.client.submit(Submission(asked.intents, asked.policies, "demo", chapter.truth))
    if options.as_json:
        _wait(session, release)
    else:
        follow_to_end(session, release, steering, RunMode())
    return _freed(session, steering, release)


def _freed(session: Session, steering: Steering, release: str) -> Fold:
    """A release that asks a person has nobody to ask here: it is told as it stands, and withdrawn for the next one."""
    fold = read_fold(session.ledger, release)
    if fold.state.ended_at is None:
        steering.client.tell(release, "abort", "demo", "nobody answers in a demo")
        while read_fold(session.ledger, release).state.ended_at is None:
            time.sleep(0.1)
    return fold


def _wait(session: Session, release: str) -> None:
    while read_fold(session.ledger, release).report().outcome == "under_way":
        time.sleep(0.1)


def _announce(chapter: Chapter, options: DemoOptions) -> None:
    if options.as_json:
        return
    from rich.rule import Rule
    from rich.text import Text

    draw(
        Text(),
        Rule(Text(chapter.version, style="bold"), align="left", style="dim"),
        Text(chapter.truth, style="dim"),
    )


def _tell(told: list[tuple[Chapter, Fold]], customers: Customers, options: DemoOptions) -> None:
    from headgate.cli.demo.ending import curtain, seen

    reports = [(chapter, fold.report()) for chapter, fold in told]
    what = seen(customers.results) if customers.results is not None else None
    if options.as_json:
        versions = [{"version": chapter.version, "report": report} for chapter, report in reports]
        print_json({"versions": versions, "customers": what})
    else:
        from rich.text import Text

        draw(Text(), curtain(reports, what))
    if options.svg is not None:
        from headgate.cli.demo.ending import picture

        options.svg.write_text(picture(told, curtain(reports, what)))


def _stay(shop: Shop) -> None:
    """Leave everything running, with a controller that outlives us."""
    from headgate import wiring

    asyncio.run(wiring.up(shop.home))
    say(f"\nThe shop goes on at {shop.url}.")
    _show_door(Client(socket_of(shop.home)), "Look around in a browser")
    say("\nOr here:\n")
    for line in (
        f"cd {shop.folder}",
        "headgate status",
        "headgate history",
        "headgate explain",
        "headgate rollback",
        "headgate dashboard",
    ):
        say(f"  {line}")
    say("\nTo end it: headgate down --all")


def _show_door(client: Client, what: str) -> None:
    """Where the dashboard is, with a link that signs in once; nothing where the home has none."""
    link = client.ask("POST", "/v1/sign-in-links")
    if link["url"]:
        minutes = round(link["good_for_s"] / 60)
        say(f"{what}, by a link that opens once, within {minutes} minutes:\n\n  {link['url']}{link['path']}")


def _strike(shop: Shop) -> None:
    from headgate import wiring

    asyncio.run(wiring.down(shop.home, everything=True))
