"""Commands of the project's own in a release: before and after its steps, undone with it, and across a death."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-2"), pytest.mark.timeout(240)]

STEPS = {"steps": [{"weight": "50%", "bake": "1s", "deadline": "60s"}]}


def commands(town: Town, expand: str) -> Path:
    """Have the plan expand a schema (a file, here) before the release and purge a cache after it; returns the file."""
    schema, cache = town.folder / "schema", town.folder / "cache"
    schema.unlink(missing_ok=True)
    cache.touch()
    before = {
        "name": "expand",
        "apply": ["sh", "-c", expand.format(schema)],
        "check": ["test", "-e", str(schema)],
        "undo": ["rm", str(schema)],
    }
    after = {"name": "purge", "apply": ["rm", "-f", str(cache)]}
    town.plan({"rollout": STEPS, "before": [before], "after": [after]})
    return schema


def test_a_good_release_runs_them_and_a_bad_one_undoes_them(town: Town) -> None:
    schema = commands(town, "touch {}")
    new = town.build("v2")
    with town.customers() as customers:
        planned = town.headgate("plan", "--artifact", new).said
        assert "run expand" in planned
        assert "run purge" in planned
        done = town.deploy(new)
        assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
        assert (schema.exists(), (town.folder / "cache").exists()) == (True, False)
        assert "The command purge was carried out" in town.headgate("explain", done.report["release"]).said
        schema.unlink()
        bad = town.deploy(town.build("v5-no-database"))
        assert (bad.code, bad.report["outcome"]) == (4, "rolled_back"), bad.said
        assert not schema.exists()
        assert "The command expand was undone" in town.headgate("explain", bad.report["release"]).said
        assert town.answerers() == {new}
    assert customers.seen.by_version.keys() >= {new}


def test_a_command_that_fails_changes_nothing_for_anybody(town: Town) -> None:
    commands(town, "echo the table is locked; false; exit 3")
    old = town.stable()
    done = town.deploy(town.build("v2"))
    assert (done.code, done.report["outcome"]) == (4, "rolled_back"), done.said
    assert "the command expand was not carried out: exit status 3" in done.report["reason"]
    assert "the table is locked" in done.report["reason"]
    assert town.answerers() == {old}


def test_a_controller_that_dies_under_a_command_finds_it_done_once(town: Town) -> None:
    schema = commands(town, "echo >> {0}; sleep 2")
    new = town.build("v2")
    town.up()
    with town.customers():
        assert town.deploy(new, "--detach").code == 0
        town.until(schema.exists, "the command to run")
        town.controller().kill()
        town.until(lambda: town.releases()[0].outcome, "the release to end")
        assert town.releases()[0].outcome == "promoted", town.releases()[0].reason
        assert len(schema.read_text().splitlines()) == 1
        assert town.answerers() == {new}
    assert town.headgate("down").code == 0
