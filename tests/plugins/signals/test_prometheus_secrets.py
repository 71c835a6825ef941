"""Nothing secret is in anything that is written, whatever goes wrong: recognisable secrets, planted everywhere."""

import asyncio
import base64
import logging
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from headgate.config import load_text
from headgate.config.compile import intent
from headgate.controller.sampling import Watcher
from headgate.controller.world import World
from headgate.core.model import Source, Version
from headgate.core.release.planning import Policies, plan
from headgate.plugins.artifacts.folder import FolderArtifacts
from headgate.plugins.vendors.prometheus import create
from headgate.plugins.web.client import HttpWeb
from headgate.ports.errors import PortError
from headgate.ports.platform import Made, Platforms
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.fakes.processes import MemoryProcesses
from headgate.testing.fakes.signals import MemorySignals
from headgate.testing.fakes.target import MemoryTarget
from headgate.testing.fakes.traffic import MemoryTraffic
from headgate.testing.web import http_server
from tests.plugins.traffic.envoys import UNIT, version

OLD, NEW = version("a"), version("b")
TOKEN, PASSWORD = "hunter2-token-hunter2", "hunter2/password hunter2"
PAIR = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
SECRETS = (TOKEN, PASSWORD, "hunter2", PAIR)
TROUBLES: list[Answer | type[Exception]] = [
    *(Answer(status, {}, b"no, not with SENT or PASSWORD") for status in (401, 403, 404, 422, 429, 503)),
    Answer(200, {}, b'{"status": "error", "error": "bad SENT PASSWORD"}'),
    Answer(200, {}, b'{"status": "SENT"}'),
    Answer(302, {"location": "http://elsewhere.example/SENT?key=PASSWORD"}, b""),
    EOFError,
    TimeoutError,
    ConnectionError,
]
"""SENT and PASSWORD are what was really sent: servers repeat it in what they say."""


def repeating(answer: Answer, sent: str) -> Answer:
    secret = TOKEN if sent == TOKEN else PASSWORD
    body = answer.body.replace(b"SENT", sent.encode()).replace(b"PASSWORD", secret.encode())
    there = {
        name: value.replace("SENT", sent).replace("PASSWORD", quote(secret))
        for name, value in answer.headers.items()
    }
    return Answer(answer.status, there, body)


def wires(tmp_path: Path, source: Source, web: HttpWeb) -> Wires:
    daemon, store = MemoryProcesses(), FolderArtifacts(tmp_path)
    return Wires(tmp_path, daemon, store, lambda _: (), name=source.name, settings=source.settings, web=web)


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
@pytest.mark.parametrize("login", ["token: {env: PROM_TOKEN}", "user: me, password: {file: FILE}"])
def test_no_secret_is_told(
    trouble: Answer | type[Exception],
    login: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("PROM_TOKEN", TOKEN)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    login = login.replace("FILE", str(tmp_path / "password"))
    written: list[bytes] = []

    def script(request: Request) -> Answer:
        assert any(secret in request.headers["authorization"] for secret in (TOKEN, PAIR))
        if isinstance(trouble, Answer):
            return repeating(trouble, request.headers["authorization"].partition(" ")[2])
        raise trouble

    async def scenario() -> None:
        async with http_server(script) as origin:
            project = load_text(
                "headgate: 1\nproject: shop\nservices:\n  web:\n    artifact: a\n    run: b\n    listen: 1\n"
                "    signals:\n"
                f"      prom: {{source: prometheus, url: '{origin}', template: envoy, timeout: 200ms, {login}}}\n"
                "    criteria: {measured_by: prom}\n",
                "headgate.yaml",
            )
            wanted = intent(project, "production", "web", Version(UNIT, NEW.artifact, NEW.configuration))
            drawn = plan(
                (wanted,), {wanted.unit: Version(wanted.unit, OLD.artifact, OLD.configuration)}, Policies()
            )
            web = HttpWeb(draw=lambda: 0.0)
            signals = create(wires(tmp_path, wanted.sources[0], web))
            idle = MemorySignals()
            host = Made(MemoryTarget(), MemoryTraffic(), (idle,))
            nowhere = World(Platforms.of({"host": host}), open_source=lambda *_: signals)
            watcher = Watcher(drawn.legs[0], nowhere)
            await watcher.open(0.0, 1)
            seen = await watcher.observe(1.0, 5, 1)
            assert seen.sample.canary is None
            assert any(problem.startswith("prom: ") for problem in seen.sample.problems)
            written.append(msgspec.json.encode((drawn, seen.sample, seen.verdict)))
            written.append(msgspec.json.encode(await signals.inspect(NEW)))
            with pytest.raises(PortError) as raised:
                await signals.read(NEW)
            written.append(repr((raised.value, raised.value.__context__, raised.value.__cause__)).encode())
            await web.aclose()

    asyncio.run(scenario())
    written.append(caplog.text.encode())
    for secret in SECRETS:
        assert secret.encode() not in b"\n".join(written), b"\n".join(written).decode()
