"""The signed webhook, and the code that docs/notify.md gives to whoever receives it."""

import asyncio
import base64
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from headgate.core.model import SecretSource
from headgate.plugins.notifiers.webhook import Settings, WebhookNotifier, create, identity
from headgate.plugins.web.client import HttpWeb
from headgate.ports.errors import Permanent
from headgate.ports.web import Request
from headgate.ports.wires import Wires
from headgate.testing.fakes.processes import MemoryProcesses
from headgate.testing.notifiers import NotifierContract, message
from tests.plugins.notifiers.ends import End, ended

SECRET, BEFORE = "whsec_" + base64.b64encode(b"hunter2-hunter2-hunter2").decode(), "hunter2-before-hunter2"
NOW = 1_790_000_123.4
PAGE = Path(__file__).parents[3] / "docs" / "notify.md"


def wires(web: HttpWeb | None = None, **settings: object) -> Wires:
    named = {"secret": {"kind": "env", "name": "HOOK_SECRET"}} | settings
    return Wires(
        Path(),
        MemoryProcesses(),
        None,  # type: ignore[arg-type]
        lambda _: (),
        name="hook",
        settings=named,
        web=web or HttpWeb(),
        now=lambda: NOW,
    )


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("HOOK_BEFORE", BEFORE)


@asynccontextmanager
async def hook(**settings: object) -> AsyncGenerator[End]:
    web = HttpWeb()

    def make(origin: str) -> tuple[WebhookNotifier, tuple[str, ...]]:
        return create(wires(web, url=f"{origin}/releases", **settings)), (SECRET, "hunter2")

    async with ended(make) as end:
        yield end
        await web.aclose()


class TestWebhook(NotifierContract):
    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[End]:
        async with hook() as end:
            yield end


def sent(**settings: object) -> list[Request]:
    async def send() -> list[Request]:
        async with hook(**settings) as end:
            thread = await end.notifier.send(message("r7/1/started/0a1b2c3d", moment="started"), "")
            await end.notifier.send(message(), thread)
            await end.notifier.send(message(), thread)
            return end.requests

    return asyncio.run(send())


def test_type_time_and_data() -> None:
    first, second, again = sent()
    body = msgspec.json.decode(second.body)
    assert body["type"] == "release.rolled_back"
    assert body["timestamp"] == "2026-09-21T14:13:20.000Z"
    assert body["data"]["facts"] == {"release": "r7", "change": "v2 -> v3"}
    assert body["data"]["thread"] == identity("r7/1/started/0a1b2c3d")
    assert msgspec.json.decode(first.body)["data"]["thread"] == body["data"]["thread"]
    assert second.headers["webhook-id"] == again.headers["webhook-id"] == second.headers["idempotency-key"]
    assert second.headers["webhook-id"] != first.headers["webhook-id"]
    assert second.headers["webhook-timestamp"] == str(int(NOW))


def verifier() -> Callable[..., bool]:
    """The function that the page shows, as it stands there."""
    (code,) = re.findall(r"```python\n(import base64.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    found: dict[str, Callable[..., bool]] = {}
    exec(code, found)  # noqa: S102 - our own page
    return found["verify"]


def test_the_code_in_the_documentation_verifies_it() -> None:
    verify = verifier()
    request = sent()[0]
    assert verify(SECRET, request.headers, request.body, NOW + 200)
    assert not verify(SECRET, request.headers, request.body + b" ", NOW)
    assert not verify(SECRET, request.headers, request.body, NOW + 400)
    assert not verify(SECRET, request.headers, request.body, NOW - 400)
    assert not verify("whsec_" + base64.b64encode(b"x" * 24).decode(), request.headers, request.body, NOW)
    assert not verify(SECRET, dict(request.headers) | {"webhook-id": "msg_other"}, request.body, NOW)
    assert not verify(SECRET, {}, request.body, NOW)


def test_while_the_secret_is_changed_both_verify() -> None:
    verify = verifier()
    request = sent(secret_before={"kind": "env", "name": "HOOK_BEFORE"})[0]
    assert len(request.headers["webhook-signature"].split()) == 2
    before = "whsec_" + base64.b64encode(BEFORE.encode()).decode()
    assert verify(SECRET, request.headers, request.body, NOW)
    assert verify(before, request.headers, request.body, NOW)


def test_an_address_that_is_a_secret_is_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", "http://127.0.0.1:1/services/hunter2/hunter3?token=hunter4")
    notifier = create(wires(url={"kind": "env", "name": "HOOK_URL"}))
    with pytest.raises(Exception, match=re.escape("POST http://127.0.0.1:1/")) as caught:
        asyncio.run(notifier.send(message(), ""))
    assert "hunter" not in str(caught.value)


def test_settings_that_do_not_fit_are_named_without_their_values() -> None:
    with pytest.raises(Permanent, match="secret"):
        create(wires(url="http://127.0.0.1:1/", secret="hunter2"))
    assert Settings("http://127.0.0.1:1/", SecretSource("env", "A")).secret_before is None
