"""What a home does with its platforms beside releases: each by its name, and none keeps another from anything."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

import headgate
from headgate.core.drift import Recorded
from headgate.core.model import Listener, Unit, Version
from headgate.ports import Permanent, Temporary
from headgate.ports.platform import Platform, Platforms
from headgate.ports.retreat import Retreated
from headgate.sight import Ports, seen
from headgate.testing.fakes.platform import MemoryPlatform
from headgate.testing.fakes.processes import MemoryProcesses
from headgate.wiring.guards import retreated

SOURCE = Path(headgate.__file__).parent
WEB, API = (Unit("shop", "production", service) for service in ("web", "api"))
NAMED = re.compile(r"headgate\.plugins\.(?:targets|traffic|signals|platforms)\b")
OF_ENVOYS_METRICS = {"wiring/__init__.py"}
"""Rules for alerts are written over Envoy's metrics by their names, wherever the service runs."""


class Steady(MemoryPlatform):
    """One that can retreat, or cannot."""

    def __init__(self, trouble: str = "") -> None:
        super().__init__()
        self.trouble, self.told = trouble, list[str]()

    async def retreat(self, reason: str) -> Sequence[Retreated]:
        self.told.append(reason)
        if self.trouble:
            raise Temporary(self.trouble)
        return ()


def test_whoever_steers_names_no_platform_and_no_part_of_one() -> None:
    files = [*SOURCE.glob("wiring/*.py"), *SOURCE.glob("controller/*.py"), SOURCE / "sight.py"]
    found = {str(one.relative_to(SOURCE)) for one in files if NAMED.search(one.read_text("utf-8"))}
    assert found == OF_ENVOYS_METRICS


def test_a_platform_that_cannot_retreat_keeps_no_other_from_it() -> None:
    broken, well = Steady("its files cannot be written"), Steady()
    with pytest.raises(Temporary, match="broken: its files cannot be written"):
        asyncio.run(retreated(Platforms.of({"broken": broken, "well": well}), "nobody steers"))
    assert (broken.told, well.told) == (["nobody steers"], ["nobody steers"])
    assert asyncio.run(retreated(Platforms.of({"well": well}), "again")) == []


def test_one_that_cannot_be_made_is_left_out_and_tried_again() -> None:
    well, tries = MemoryPlatform(), list[str]()

    def create(name: str) -> Platform:
        tries.append(name)
        if name == "broken" and len(tries) < 3:
            raise Permanent("it does not load")
        return well

    platforms = Platforms(lambda: ("broken", "well"), create)
    assert [name for name, _ in platforms.installed()] == ["well"]
    assert [name for name, _ in platforms.installed()] == ["broken", "well"]
    assert tries == ["broken", "well", "broken"]
    assert platforms.open("well") is platforms.open("well")


def test_what_is_not_here_or_away_is_unknown_and_the_rest_is_seen(tmp_path: Path) -> None:
    here, away = MemoryPlatform(), MemoryPlatform()
    away.away = "the cluster does not answer"
    platforms = Platforms.of({"here": here, "away": away})
    recorded = {
        unit: Recorded(Version(unit, "1" * 64, "2" * 64), 1, Listener(1), None, where)
        for unit, where in ((WEB, "away"), (API, "here"), (Unit("shop", "staging", "web"), "gone"))
    }
    found = asyncio.run(seen(tmp_path, Ports(platforms, MemoryProcesses()), recorded))
    unknown = {unit.environment + unit.service: set(real.unknown) for unit, real in found.units.items()}
    assert unknown == {
        "productionweb": {"instances", "routing"},
        "productionapi": set(),
        "stagingweb": {"instances", "routing", "listener"},
    }
    parts = {part.name: part for part in found.parts}
    assert (parts["platform here"].well, parts["platform away"].well) == (True, False)
    assert "the cluster does not answer" in parts["platform away"].evidence
    assert "there is no platform `gone`" in parts["platform gone"].evidence
