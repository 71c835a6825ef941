"""Where the door is after a restart: where it was, for pages that are open look for it there."""

import asyncio
import contextlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from headgate.controller.steerable import Steerable
from headgate.web.application import WebServices
from headgate.web.doors.front_door import FrontDoor
from headgate.web.doors.tokens import HomeBook
from headgate.web.entrance import LAST_PORT, open_door
from headgate.web.http.serve import tcp_listener
from headgate.web.http.stream import Stream
from tests.controller.house import Home


async def found_at(folder: Path) -> int:
    """Open the door of this home, and close it again; its port."""
    home = Home()
    web_services = WebServices(
        Steerable(home.controller()), home.ledger, FrontDoor(HomeBook(home.ledger)), Stream(home.ledger)
    )
    async with open_door(folder, web_services) as url:
        return urlsplit(url).port or 0


def test_the_door_is_where_it_was_before_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default port is somebody else's, and the door finds another one: the same one each time."""
    with contextlib.closing(tcp_listener("127.0.0.1", 0)) as taken:
        monkeypatch.setattr("headgate.web.entrance.PORT", taken.getsockname()[1])
        first = asyncio.run(found_at(tmp_path))
        assert first not in (0, taken.getsockname()[1])
        assert asyncio.run(found_at(tmp_path)) == first
        with contextlib.closing(tcp_listener("127.0.0.1", first)):
            other = asyncio.run(found_at(tmp_path))
            assert other not in (0, first)
        assert asyncio.run(found_at(tmp_path)) == other


def test_a_port_that_cannot_be_one_is_none(tmp_path: Path) -> None:
    for said in ("", "no number", "0", "70000", "-1"):
        (tmp_path / LAST_PORT).write_text(said)
        assert asyncio.run(found_at(tmp_path)) > 0
