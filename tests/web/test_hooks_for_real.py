"""The real Alertmanager, configured as docs/hooks.md says, and a hook behind a real port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
import time
import urllib.request
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headgate.core.home.facts import FreezeLifted, FreezeSet, HookReceived
from headgate.web.http.serve import serving, tcp_listener
from headgate.web.http.stream import Stream
from tests import servers
from tests.controller.house import Home
from tests.web.web_services import Place

PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"
PATIENCE_S = 90.0
LABELS = {"alertname": "HighErrorRate", "severity": "page", "environment": "production", "service": "web"}


@dataclass(frozen=True)
class Served:
    """A place behind a port of this machine, and the secret of its hook `pager`."""

    place: Place
    url: str
    secret: str


@contextlib.asynccontextmanager
async def home() -> AsyncGenerator[Served]:
    found = Home()
    supervisor = await found.start()
    place = Place(found, supervisor, Stream(found.ledger))
    body = {"name": "pager", "vendor": "alertmanager", "environments": ["production"], "does": "freeze"}
    secret = (await place.ask("POST", "/v1/hooks", body)).json()["secret"]
    with contextlib.closing(tcp_listener("127.0.0.1", 0)) as listener:
        async with serving(place.front, listener):
            yield Served(place, f"http://127.0.0.1:{listener.getsockname()[1]}", secret)
    await supervisor.close()


@pytest.fixture
def served() -> Iterator[Served]:
    ready: Future[Served] = Future()
    loop, ended = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with home() as found:
            ready.set_result(found)
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield ready.result(PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def configuration(served: Served, secret: Path) -> str:
    """The one in the page, with this door, this secret, and no patience."""
    found = re.search(r"```yaml\n(route:.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    secret.write_text(served.secret)
    changes = {
        "https://releases.example.com": served.url,
        "/etc/alertmanager/headgate-secret": str(secret),
        "group_wait: 10s": "group_wait: 0s",
        "group_interval: 1m": "group_interval: 1s",
    }
    text = found.group(1)
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    return text


def tell(origin: str, *, firing: bool) -> None:
    """What Prometheus tells Alertmanager."""
    now = datetime.now(UTC)
    ends = now + timedelta(hours=1) if firing else now
    alert = {"labels": LABELS, "startsAt": "2026-11-20T13:08:45Z", "endsAt": ends.isoformat()}
    request = urllib.request.Request(  # noqa: S310 - our own
        f"{origin}/api/v2/alerts", json.dumps([alert]).encode(), {"content-type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - our own


def until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.timeout(240)
def test_the_real_alertmanager_freezes_while_an_alert_fires(served: Served, tmp_path: Path) -> None:
    place = served.place
    with servers.alertmanager(
        tmp_path / "alertmanager", configuration(served, tmp_path / "secret")
    ) as manager:
        tell(manager.origin, firing=True)
        until(lambda: bool(place.notes(FreezeSet)))
        tell(manager.origin, firing=False)
        until(lambda: bool(place.notes(FreezeLifted)))
        until(lambda: len(place.notes(HookReceived)) == 2)
    (frozen,) = place.notes(FreezeSet)
    assert isinstance(frozen, FreezeSet)
    assert (frozen.by, frozen.reason) == ("hook pager", "alert HighErrorRate")
    assert (frozen.environments, frozen.services) == (("production",), ("web",))
    assert place.denials() == []
