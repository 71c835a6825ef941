"""A short run of every target, the same each time; the fuzz can find; and no reader of foreign bytes is left out."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.fuzz.campaign import Campaign
from tests.fuzz.judging import run, weigh
from tests.fuzz.minimising import minimised
from tests.fuzz.registry import NOT_FOREIGN, READS, TARGETS
from tests.fuzz.target import Target

HOUSE = Path(__file__).parents[2] / "src/headgate"
EXECUTIONS, SECONDS, INPUT_MAX = 80, 2.0, 32 * 1024


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_is_found_in_a_short_run(target: Target) -> None:
    result = Campaign(target, input_max=INPUT_MAX).play(SECONDS, EXECUTIONS)
    assert not [(finding, data[:300]) for finding, data in result.findings]
    assert result.executions


def faulty(data: bytes) -> None:
    """Breaks in each of the ways that are looked for."""
    if data.startswith(b"{"):
        raise KeyError(data[:1])
    if b"slow" in data:
        sum(range(400_000))
    if b"fat" in data:
        bytearray(4 * 1024 * 1024)
    if b"bad" in data:
        raise ValueError(data)


FAULTY = Target(
    "faulty",
    faulty,
    (ValueError,),
    (),
    lambda: [b"a bad one", b"a"],
    (b"slow", b"fat", b"{"),
    floor_ms=2.0,
    floor_mb=2.0,
)


def test_what_is_wrong_is_found_and_made_small() -> None:
    result = Campaign(FAULTY, input_max=INPUT_MAX).play(60.0, 200)
    found = {finding.kind: data for finding, data in result.findings}
    assert found["KeyError"] == b"{"


def test_what_costs_too_much_is_a_finding() -> None:
    slow, fat = run(FAULTY, b"slow").finding, weigh(FAULTY, b"fat")[1]
    assert slow is not None
    assert slow.kind == "slow"
    assert fat is not None
    assert fat.kind == "memory"


def test_what_is_declared_is_no_finding() -> None:
    ended = run(FAULTY, b"bad")
    assert isinstance(ended.error, ValueError)
    assert ended.finding is None
    assert weigh(FAULTY, b"bad")[1] is None


def test_an_input_is_made_as_small_as_it_can_be() -> None:
    assert minimised(b"xxaxxbxx", lambda data: b"a" in data and b"b" in data) == b"ab"


@cache
def readers() -> dict[str, str]:
    """The modules that decode something, with the line that shows it."""
    found: dict[str, str] = {}
    for path in sorted(HOUSE.rglob("*.py")):
        shown = re.search(READS, path.read_text())
        if shown:
            found[path.relative_to(HOUSE).with_suffix("").as_posix()] = shown[0]
    return found


def test_every_reader_of_foreign_bytes_has_a_target() -> None:
    covered = {module for target in TARGETS for module in target.modules}
    missing = {
        module: shown
        for module, shown in readers().items()
        if module not in covered and not any(module.startswith(known) for known in NOT_FOREIGN)
    }
    assert not missing, "give each a target in tests/fuzz/targets, or say in NOT_FOREIGN why it needs none"


def test_the_table_names_what_is_there() -> None:
    named = {module for target in TARGETS for module in target.modules}
    assert not {module for module in named if not (HOUSE / f"{module}.py").exists()} - {
        module for module in named if (HOUSE / module / "__init__.py").exists()
    }
    assert not {known for known in NOT_FOREIGN if not any(module.startswith(known) for module in readers())}


def test_a_target_that_may_cost_more_says_why() -> None:
    usual = Target("", faulty, (), (), list)
    for target in TARGETS:
        costs = (target.ms_per_mb, target.memory_times, target.floor_ms, target.floor_mb)
        if costs > (usual.ms_per_mb, usual.memory_times, usual.floor_ms, usual.floor_mb):
            assert target.because, target.name
