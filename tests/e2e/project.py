"""The example shop in a folder of its own: its project file, and as many versions of it as a test needs."""

import json
import shutil
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from tests.examples.shops import build

SOURCE = Path(__file__).parents[2] / "examples" / "shop"
NOT_COPIED = shutil.ignore_patterns("dist", ".headgate", "__pycache__")

Settings = dict[str, Any]

QUICK: Settings = {
    "artifact": {"build": None},
    "instances": 1,
    "rollout": {"steps": [{"weight": "50%", "bake": "1s", "deadline": "60s"}], "soak": "1s", "warm": "1s"},
    "criteria": {
        "error_ratio": {"max": "2%", "no_worse_than": "2x"},
        "p99": "off",
        "business": None,
        "requests_min": 10,
        "interval": "250ms",
        "fault": {"factor": "10x", "by": "30%"},
    },
    "stop": {"grace": "3s", "drain": "1s"},
}
"""What most tests want: one step, judged by errors alone, so that a slow machine is no bad version."""


class Project:
    """A copy of the shop. `write` changes its project file, `make` its code."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(SOURCE, folder, dirs_exist_ok=True, ignore=NOT_COPIED)
        self.folder = folder
        self.file = folder / "headgate.yaml"
        self.port, self.preview = free_ports(2)
        self._example: Settings = yaml.safe_load(self.file.read_text())
        self.write()

    def write(self, *web: Settings, production: Settings | None = None) -> None:
        """The example's project file on our ports, with these changes to the service and to production."""
        document: Settings = json.loads(json.dumps(self._example))
        own = {"port": self.port, "preview": self.preview}
        merge(
            document["services"]["web"], {"listen": own, "env": {"SHOP_DATABASE": f"{self.folder}/shop.db"}}
        )
        for changes in web:
            merge(document["services"]["web"], changes)
        merge(document["environments"]["production"], production or {})
        self.file.write_text(yaml.safe_dump(document, sort_keys=False))

    def rename(self, before: str, after: str) -> None:
        """Call a service by another name."""
        document: Settings = yaml.safe_load(self.file.read_text())
        document["services"][after] = document["services"].pop(before)
        self.file.write_text(yaml.safe_dump(document, sort_keys=False))

    def make(self, name: str, like: str = "v1", *, main: str = "") -> Path:
        """A version called `name`, which behaves like `like`; `main` are lines for its start."""
        out = self.folder / "made" / name
        out.mkdir(parents=True)
        build(like, out).check_returncode()
        version = out / "shop" / "version.py"
        version.write_text(version.read_text().replace(f'version = "{like}"', f'version = "{name}"'))
        start = out / "main.py"
        start.write_text(start.read_text().replace('if __name__ == "__main__":', f"{main}\nif True:"))
        return out


def merge(settings: Settings, changes: Settings) -> None:
    """As the project file's own environments do: key by key, None removes, anything else replaces."""
    for key, value in changes.items():
        if value is None:
            settings.pop(key, None)
        elif isinstance(value, dict) and isinstance(settings.get(key), dict):
            merge(settings[key], value)
        else:
            settings[key] = value


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
