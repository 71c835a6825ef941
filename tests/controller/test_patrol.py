"""A new version of which one instance is not well is lost; an old one only when none of it is ready."""

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from headgate.controller.patrol import CRASHES_MAX, ROUNDS_LAME, ROUNDS_LOST, Lost, Rounds, Seen
from headgate.core.model import Version
from headgate.ports import Instance
from tests.controller.house import ONE, TWO, Home, House, play, wish

NEW = (TWO,)


def instances(ready: str, restarts: int = 0) -> tuple[Instance, ...]:
    """One for each letter of `ready`: `y` is ready, `n` is not. The first has been started again so often."""
    return tuple(
        Instance(f"i{n}", "127.0.0.1:1", ready=one == "y", restarts=restarts if n == 0 else 0)
        for n, one in enumerate(ready)
    )


def looks(
    *rounds: Mapping[Version, tuple[Instance, ...] | None], new: tuple[Version, ...] = NEW
) -> list[list[Lost]]:
    known = Rounds()
    return [known.look(dict(seen), new) for seen in rounds]


def test_whoever_is_well_is_not_lost() -> None:
    assert looks(*[{ONE: instances("y"), TWO: instances("yy")}] * 20) == [[]] * 20


def test_one_of_two_that_is_never_ready_loses_a_new_version() -> None:
    *before, last = looks(*[{TWO: instances("yn")}] * ROUNDS_LAME)
    assert before == [[]] * (ROUNDS_LAME - 1)
    assert [(one.version, one.news) for one in last] == [(TWO, True)]
    assert "an instance that was not ready for 10 s" in last[0].reason


def test_one_that_becomes_ready_in_between_has_its_time_anew() -> None:
    lame: Seen = {TWO: instances("yn")}
    well: Seen = {TWO: instances("yy")}
    assert not any(looks(*[lame] * (ROUNDS_LAME - 1), well, *[lame] * (ROUNDS_LAME - 1)))


def test_one_that_crashes_again_and_again_loses_a_new_version_though_it_is_ready_when_looked_at() -> None:
    found = looks(*({TWO: instances("yy", restarts=3 + n)} for n in range(CRASHES_MAX + 1)))
    assert found[:-1] == [[]] * CRASHES_MAX
    assert f"i0 of {TWO} was started again {CRASHES_MAX} times since it has traffic" in found[-1][0].reason


def test_an_old_version_is_lost_only_when_nothing_of_it_is_ready() -> None:
    assert not any(looks(*[{ONE: instances("yn", restarts=n)} for n in range(20)]))
    gone = looks(*[{ONE: instances("nn")}] * (ROUNDS_LOST + 1))
    assert [len(found) for found in gone] == [0] * (ROUNDS_LOST - 1) + [1, 1]
    assert [found[0].news for found in gone[-2:]] == [True, False]


def test_what_cannot_be_asked_is_not_lost() -> None:
    assert not any(looks(*[Seen({TWO: None, ONE: None})] * 20))


def test_a_version_that_is_being_started_is_no_new_one_yet() -> None:
    assert not any(looks(*[{TWO: instances("yn")}] * 20, new=()))


class Lame(House):
    """Of version two, one of two instances does not come up again before `comes_up_s`."""

    comes_up_s = 1e9

    async def inspect(self, version: Version) -> tuple[Instance, ...]:
        well = version != TWO or asyncio.get_running_loop().time() > self.comes_up_s
        return instances("yy" if well else "yn")


def outcome(house: House) -> str:
    """What becomes of version two, whose bake is shorter than anybody looks for a lame instance."""

    async def story() -> str:
        home = Home(house)
        supervisor = await home.with_one()
        wanted = wish(TWO)
        two = replace(wanted, intents=tuple(replace(one, instances=2) for one in wanted.intents))
        name = await supervisor.submit(two)
        await home.until_closed(name)
        summary = home.ledger.summary(name)
        await supervisor.close()
        return f"{summary.outcome}: {summary.reason}" if summary else ""

    return play(story)


def test_a_version_of_which_an_instance_never_comes_up_is_not_promoted() -> None:
    assert outcome(Lame()).startswith("rolled_back: ")


def test_one_that_comes_up_again_in_time_is() -> None:
    house = Lame()
    house.comes_up_s = 4.0
    assert outcome(house).startswith("promoted: ")


def test_two_that_are_lost_at_once_are_told_in_the_order_they_were_seen_in() -> None:
    for one, other in ((ONE, TWO), (TWO, ONE)):
        found = looks(*[{one: instances("n"), other: instances("n")}] * ROUNDS_LOST)
        assert [lost.version for lost in found[-1]] == [one, other]
