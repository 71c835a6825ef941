"""Apprise: its own JSON and XML shapes, and Slack's incoming webhook as Mattermost takes it, at a local server."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from headgate.core.model import SecretSource
from headgate.plugins.notifiers import apprise as plugin
from headgate.plugins.notifiers.apprise import AppriseNotifier, Settings, create
from headgate.ports.errors import Permanent, Temporary
from headgate.ports.reach import Bounds, bounds_of
from headgate.ports.wires import Wires
from headgate.testing.fakes.processes import MemoryProcesses
from headgate.testing.notifiers import HOSTILE, NotifierContract, message
from tests.plugins.notifiers.ends import End, ended

# The library's own: it is loaded in a thread, whose warnings would be errors here.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SHAPES = {
    "json": "json://user:hunter2@{host}/hunter2",
    "xml": "xml://user:hunter2@{host}/hunter2",
    "slack-like": "mmost://{host}/hunter2ccdd113474722377935511fc85d3dd4",
}


@asynccontextmanager
async def channel(shape: str, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[End]:
    def make(origin: str) -> tuple[AppriseNotifier, tuple[str, ...]]:
        host = origin.removeprefix("http://")
        monkeypatch.setenv("OPS_URL", SHAPES[shape].format(host=host) + "?cto=5&rto=5")
        return AppriseNotifier(Settings(SecretSource("env", "OPS_URL"))), ("hunter2",)

    async with ended(make) as end:
        yield end


class AppriseContract(NotifierContract):
    SHAPE = ""

    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[End]:
        async with channel(self.SHAPE, self.monkeypatch) as end:
            yield end


class TestJson(AppriseContract):
    SHAPE = "json"


class TestXml(AppriseContract):
    SHAPE = "xml"


class TestLikeSlack(AppriseContract):
    SHAPE = "slack-like"


def heard(shape: str, monkeypatch: pytest.MonkeyPatch, **said: object) -> str:
    async def send() -> str:
        async with channel(shape, monkeypatch) as end:
            await end.notifier.send(message(**said), "")  # type: ignore[arg-type]
            return end.heard()[0]

    return asyncio.run(send())


def sent_within(
    bounds: Bounds, monkeypatch: pytest.MonkeyPatch, host: str = "127.0.0.1"
) -> tuple[str, list[str]]:
    """What became of a message to a host on the loopback, and what was heard there."""

    async def send() -> tuple[str, list[str]]:
        async with channel("json", monkeypatch) as end:
            monkeypatch.setenv("OPS_URL", os.environ["OPS_URL"].replace("127.0.0.1", host))
            notifier = AppriseNotifier(Settings(SecretSource("env", "OPS_URL")), bounds)
            try:
                await notifier.send(message(), "")
            except Permanent as error:
                return str(error), end.heard()
            return "", end.heard()

    return asyncio.run(send())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433"])
def test_what_came_in_by_the_front_door_goes_to_no_private_address(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, heard = sent_within(Bounds(public=True), monkeypatch, host)
    assert "is loopback" in told
    assert "headgate up --reach" in told
    assert "hunter" not in told
    assert heard == []


def test_it_goes_where_the_home_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told, heard = sent_within(bounds_of(["127.0.0.0/8"]).narrowed(), monkeypatch)
    assert (told, len(heard)) == ("", 1)


def test_nobody_has_it_connect_to_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    told, heard = sent_within(Bounds(), monkeypatch, "169.254.169.254")
    assert "169.254.169.254 is link-local" in told
    assert heard == []


def test_nobody_is_called_and_nothing_is_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    text = heard("slack-like", monkeypatch, title=f"r7 to {HOSTILE}", lines=(HOSTILE,))
    said = str(msgspec.json.decode(text)["text"])
    for live in ("<!channel>", "@everyone", "<script>", "](https"):
        assert live not in said
    assert "everyone" in said
    assert "evil.example" in said


@pytest.mark.parametrize(
    ("moment", "severity", "kind"),
    [
        ("promoted", "info", "success"),
        ("started", "info", "info"),
        ("rolled_back", "warning", "warning"),
        ("held", "critical", "failure"),
    ],
)
def test_how_grave_it_is(moment: str, severity: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = msgspec.json.decode(heard("json", monkeypatch, moment=moment, severity=severity))
    assert body["type"] == kind


def test_nothing_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def fail() -> None:
        async with channel("slack-like", monkeypatch) as end:
            for status in (500, 403, 0):
                end.answer(status)
                with pytest.raises((Temporary, Permanent)):
                    await end.notifier.send(message(), "")

    asyncio.run(fail())
    assert "hunter" not in caplog.text


@pytest.mark.parametrize("url", ["", "hunter2", "nonsense://hunter2", "slack://hunter2", "json://"])
def test_what_is_no_apprise_url_is_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_URL", url)
    wires = Wires(
        Path(),
        MemoryProcesses(),
        None,  # type: ignore[arg-type]
        lambda _: (),
        name="ops",
        settings={"url": {"kind": "env", "name": "OPS_URL"}},
    )
    with pytest.raises(Permanent, match="is not one") as caught:
        asyncio.run(create(wires).send(message(), ""))
    assert "hunter" not in str(caught.value)


def test_threads_are_bounded_and_one_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading  # noqa: PLC0415

    gate = threading.Event()
    monkeypatch.setattr(plugin, "_say", lambda *_: gate.wait(60))
    monkeypatch.setenv("OPS_URL", "json://127.0.0.1")
    notifier = AppriseNotifier(Settings(SecretSource("env", "OPS_URL")))

    async def story() -> None:
        hanging = [asyncio.create_task(notifier.send(message(), "")) for _ in range(plugin.THREADS_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(Temporary, match="have not ended yet"):
            await notifier.send(message(), "")
        hanging[0].cancel()
        gate.set()
        await asyncio.wait(hanging)
        assert hanging[0].cancelled()
        async with asyncio.timeout(30):
            while True:
                try:
                    assert await notifier.send(message(), "") == ""
                except Temporary:
                    await asyncio.sleep(0.01)
                else:
                    return

    asyncio.run(story())
