"""Two people deploy at once: one acts, and the other is refused, waits, or takes over, as the project says."""

import pytest

from tests.e2e.town import Done, Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-2"), pytest.mark.timeout(180)]

BAKING = [{"weight": "50%", "bake": "4s", "deadline": "60s"}]


def both(town: Town, first: str, second: str) -> tuple[Done, Done]:
    """Two `deploy`, the second while the first one bakes; no daemon runs."""
    with town.customers():
        commands = [town.start("deploy", "--artifact", first, "--json")]
        town.comes_to("baking")
        commands.append(town.start("deploy", "--artifact", second, "--json"))
        one, other = [command.end() for command in commands]
    return one, other


def test_of_two_at_the_same_moment_exactly_one_acts(town: Town) -> None:
    names = [town.build(), town.build("v2")]
    town.plan(steps=BAKING)
    with town.customers():
        commands = [town.start("deploy", "--artifact", name, "--json") for name in names]
        done = {name: command.end() for name, command in zip(names, commands, strict=True)}
    assert sorted(one.code for one in done.values()) == [0, 3], done
    (acted,) = [name for name, one in done.items() if one.code == 0]
    (refused,) = [one for one in done.values() if one.code == 3]
    assert refused.report["outcome"] == "refused"
    assert "is moving shop/production/web" in refused.report["reason"]
    assert town.answerers() == {acted}


def test_a_queued_one_waits_for_its_turn(town: Town) -> None:
    names = town.build(), town.build("v2")
    town.plan(production={"concurrency": "queue"}, steps=BAKING)
    first, second = both(town, *names)
    assert (first.code, first.report["outcome"]) == (0, "promoted"), first.said
    assert (second.code, second.report["outcome"]) == (0, "promoted"), second.said
    assert second.report["from"] == first.report["to"]
    assert town.answerers() == {names[1]}


def test_a_newer_one_supersedes_the_one_under_way(town: Town) -> None:
    names = town.build(), town.build("v2")
    town.plan(production={"concurrency": "supersede"}, steps=BAKING)
    before = town.stable()
    first, second = both(town, *names)
    assert (first.code, first.report["outcome"]) == (6, "aborted"), first.said
    assert f"superseded by {second.report['release']}" in first.report["reason"]
    assert (second.code, second.report["outcome"]) == (0, "promoted"), second.said
    assert second.report["from"] == first.report["from"]
    assert before not in town.answerers()
