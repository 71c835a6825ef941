"""A real Prometheus for the demo, where one is installed: it scrapes the proxy, and the releases are judged from it."""

import http.client
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from headgate.cli.errors import Unable

PROGRAM = "prometheus"
SCRAPE_S = 1
READY_S = 30.0
STOP_S = 10.0
ANSWER_S = 5.0
_STATS = "/stats/prometheus?filter=upstream_rq"

SIGNALS = """\
    signals:
      prometheus: {{source: prometheus, url: "{url}", template: envoy, every: 1s, stale_after: 15s}}
"""
"""What the shop's project file is given, and `measured_by` in its criteria."""


class ProxyMetrics:
    """The proxy's own statistics on a port of the loopback, where a Prometheus can scrape them.

    Envoy's admin interface is a socket that only its owner can open; this hands on one page of it and nothing else.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._server = _Server(self._page)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _page(self) -> bytes:
        """Raises OSError when the proxy does not answer."""
        from headgate.homes import proxy_socket_of
        from headgate.unix_sockets import connect

        with closing(connect(proxy_socket_of(self._home), ANSWER_S)) as found:
            connection = http.client.HTTPConnection("envoy")
            connection.sock = found
            connection.request("GET", _STATS)
            return connection.getresponse().read()


class _Server(ThreadingHTTPServer):
    """Answers every GET with what `page` gives."""

    def __init__(self, page: Callable[[], bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = page


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a scrape."""
        try:
            assert isinstance(self.server, _Server)
            status, body = 200, self.server.page()
        except (OSError, http.client.HTTPException):
            status, body = 503, b""
        self.send_response(status)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server gives it
        """Nobody reads a log of scrapes."""


class Prometheus:
    """A real Prometheus that scrapes the proxy of `home`, with its data in `folder`. Raises Unable without one."""

    def __init__(self, home: Path, folder: Path) -> None:
        program = shutil.which(PROGRAM)
        if program is None:
            raise Unable(
                "no Prometheus is installed here, so the demo cannot be judged from one",
                "put `prometheus` on PATH (`make setup` gets Debian's where it can), or leave `--prometheus` out",
            )
        self._program = program
        self._folder = folder
        self._metrics = ProxyMetrics(home)
        self._process: subprocess.Popen[bytes] | None = None
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self._held = ExitStack()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._held.enter_context(self._metrics)
        try:
            self._start()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
            self._process.kill()
            self._process.wait()
        self._held.close()

    def _start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "prometheus.yml"
        file.write_text(scraping(self._metrics.address))
        output = self._held.enter_context((self._folder / "output.log").open("wb"))
        argv = (
            *(self._program, f"--config.file={file}", f"--storage.tsdb.path={self._folder / 'data'}"),
            f"--web.listen-address=127.0.0.1:{self._port}",
        )
        self._process = subprocess.Popen(argv, cwd=self._folder, stdout=output, stderr=output)
        deadline = time.monotonic() + READY_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                self._process.wait()
                raise Unable(f"Prometheus did not start: see {self._folder / 'output.log'}")
            time.sleep(0.1)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=ANSWER_S) as answer:  # noqa: S310 - our own
                return bool(answer.status == http.HTTPStatus.OK)
        except OSError:
            return False


def scraping(address: str, scrape_s: int = SCRAPE_S) -> str:
    """Prometheus' configuration: one target, scraped often."""
    return (
        f"global: {{scrape_interval: {scrape_s}s, scrape_timeout: {scrape_s}s}}\n"
        f"scrape_configs: [{{job_name: envoy, static_configs: [{{targets: ['{address}']}}]}}]\n"
    )


def judged_from(text: str, url: str) -> str:
    """The shop's project file `text`, with its requests, errors and latencies measured by the Prometheus at `url`."""
    before, criteria, after = text.partition("    criteria:\n")
    assert criteria, "the shop has criteria"
    return f"{before}{SIGNALS.format(url=url)}{criteria}      measured_by: prometheus\n{after}"
