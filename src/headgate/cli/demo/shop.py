"""The example shop as a project in a folder of its own, on free ports."""

import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from headgate.cli.errors import Unable
from headgate.lab.load.results import Results
from headgate.ports import Provenance

IGNORED = shutil.ignore_patterns("dist", ".headgate", "__pycache__")


def source() -> Path:
    """The shop's source: in a checkout, or packed into the wheel. Raises Unable when it is in neither."""
    package = Path(__file__).resolve().parents[2]
    places = (package.parents[1] / "examples" / "shop", package / "examples" / "shop")
    found = next((place for place in places if (place / "headgate.yaml").is_file()), None)
    if found is None:
        raise Unable("the example shop is not installed", "run the demo from a checkout: `make demo`")
    return found


class Shop:
    """A copy of the shop in `folder`; the original is left alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / ".headgate"
        self.file = folder / "headgate.yaml"
        self.port, self.preview = _free_ports(2)
        shutil.copytree(source(), folder, dirs_exist_ok=True, ignore=IGNORED)
        text = self.file.read_text()
        text = text.replace("port: 8080, preview: 8081", f"port: {self.port}, preview: {self.preview}")
        self.file.write_text(text.replace("/tmp/headgate-shop.db", str(folder / "shop.db")))  # noqa: S108 - replaced

    @property
    def url(self) -> str:
        """Where customers shop."""
        return f"http://127.0.0.1:{self.port}"

    def build(self, version: str) -> str:
        """Build one version once, under its name as label; returns the digest."""
        from headgate import wiring

        built = self.folder / "built" / version
        command = [sys.executable, "build.py", version, str(built)]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
        origin = Provenance(
            built_at=time.time(), builder="headgate demo", command=" ".join(command), label=version
        )
        return wiring.open_artifacts(self.home).put(built, origin).digest


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            with closing(probe):
                pass


# The shop's customers: Headgate's own load generator, in a process of its own, bounded in time and number.

DURATION_MAX_S = 600
STOP_S = 15.0


class Customers:
    """Use as a context: customers come as long as it lasts. `results` is what they saw, once it is over."""

    def __init__(self, url: str, journeys_per_s: float) -> None:
        self._command = [
            *(sys.executable, "-m", "headgate.lab.load", "--url", url, "--rate", f"{journeys_per_s:g}"),
            *("--duration", f"{DURATION_MAX_S}s", "--journeys", "shop", "--json"),
        ]
        self.results: Results | None = None

    def __enter__(self) -> Self:
        """Let them in."""
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the shop: who is inside is served."""
        self._process.terminate()
        try:
            said, _ = self._process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            said, _ = self._process.communicate()
        if said.strip():
            self.results = msgspec.json.decode(said.strip().splitlines()[-1], type=Results)
