"""A loop that stands still is noticed, and what held it is named."""

import asyncio
import re
import time

from headgate.controller import plain as ours
from headgate.controller.watchdog import Watchdog

HELD_S = 0.3


def hold(watchdog: Watchdog) -> None:
    """As something of ours would: computing on, past the limit, until it was noticed that it does."""
    until = time.thread_time() + HELD_S
    while time.thread_time() < until:
        ours.plain("x" * 1000)


def watched(*, busy: bool) -> Watchdog:
    async def story() -> Watchdog:
        watchdog = Watchdog(limit_s=0.1 if busy else 5.0)
        watchdog.start()
        if busy:
            hold(watchdog)
        async with asyncio.timeout(10):
            while not watchdog.lag_max_s:  # noqa: ASYNC110 - the watchdog tells nobody
                await asyncio.sleep(0.01)
        watchdog.stop()
        return watchdog

    return asyncio.run(story())


def test_what_held_the_loop_is_named() -> None:
    watchdog = watched(busy=True)
    assert watchdog.stalls == 1
    assert watchdog.lag_max_s >= 0.1
    assert "stood still" in watchdog.trouble()["loop"]
    assert re.search(
        r"in (headgate\.controller\.plain|headgate\.ports\.(redaction|views)|.*test_watchdog\.hold)",
        watchdog.trouble()["loop"],
    )


def test_a_loop_that_is_well_is_no_trouble() -> None:
    watchdog = watched(busy=False)
    assert (watchdog.stalls, watchdog.trouble()) == (0, {})
