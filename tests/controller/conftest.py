"""Every story of the controller is told twice: on the host, and on another platform while the host is asked nothing."""

from pathlib import Path

import pytest

from tests.controller import house

ON_ONE = frozenset(
    f"test_{name}"
    for name in ("guard", "housekeeping", "lease", "perform", "platforms", "sampling", "watchdog")
)
"""What asks no platform, has platforms of its own, or has its legs at hand before any test begins."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if Path(str(metafunc.definition.path)).stem not in ON_ONE:
        metafunc.parametrize("platform", ["host", "elsewhere"], indirect=True)


@pytest.fixture(autouse=True)
def platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The platform that the house stands on."""
    name: str = getattr(request, "param", "host")
    monkeypatch.setattr(house, "PLATFORM", name)
    return name
