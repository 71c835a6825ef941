"""The outbox behind the real controller, in virtual time: what it tells, and what no channel can do to a release."""

import asyncio
from functools import partial

import msgspec
from msgspec.structs import replace

from headgate.core.model import Audience, QuietHours, Role
from headgate.core.release.admission import Words
from headgate.outbox.book import Book, Lane, decoded
from headgate.outbox.outbox import Outbox
from headgate.outbox.store import Limits
from headgate.ports.errors import Permanent, Temporary
from headgate.ports.notifier import Message
from headgate.testing.fakes.notifier import MemoryNotifier
from tests.controller.house import ONE, THREE, TWO, House, play
from tests.outbox.post import GRAFANA, OPS, PAGER, MemoryMarker, opened, told, until

GOOD = ["requested", "started", "promoted", "closed"]
BAD = ["requested", "started", "rolling_back", "rolled_back"]
BOTH = Audience((OPS, PAGER))
MINUTE = 60.0


def failing() -> House:
    return House(failing={TWO: 0.9})


def test_one_thread_for_each_release() -> None:
    async def story() -> None:
        post, supervisor = await opened()
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await until(lambda: post.moments() == GOOD)
        threads = {thread for _, thread in post.channels["ops"].said}
        assert len(threads) == 1
        await supervisor.submit(told(THREE, Audience((OPS,))))
        await until(lambda: len(post.moments()) == 2 * len(GOOD))
        assert len({thread for _, thread in post.channels["ops"].said}) == 2

    play(story)


def test_everybody_is_told_who_broke_the_glass() -> None:
    async def story() -> None:
        post, supervisor = await opened(("ops", "pager", "night"))
        deaf = replace(PAGER, on=("promoted",), severity_min="critical")
        always = QuietHours(0, 24 * 60 - 1, "UTC", tuple(range(7)))
        asleep = replace(OPS, name="night", quiet=always)
        wish = told(TWO, Audience((OPS, deaf, asleep)))
        await supervisor.submit(replace(wish, author="grace", words=Words(break_glass="it burns")))
        await until(lambda: all("requested" in post.moments(one) for one in ("ops", "pager", "night")))
        message, _ = post.channels["pager"].said[0]
        assert "was asked for by grace, who broke the glass" in message.title
        assert message.lines[0] == "Why the glass was broken: It burns."
        assert message.severity == "critical"

    play(story)


def test_a_rollback_arrives_with_its_two_numbers() -> None:
    async def story() -> None:
        post, supervisor = await opened(house=failing())
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await until(lambda: post.moments() == BAD)
        last, _ = post.channels["ops"].said[-1]
        assert "% of " in last.lines[0]
        assert "requests failed, against " in last.lines[0]
        assert "requests were served badly, in " in last.lines[1]

    play(story)


def test_a_channel_that_hangs_or_fails_delays_neither_a_release_nor_another_channel() -> None:
    """To the tick: the ledger of a release is the same as without any channel."""

    async def story(*, troubled: bool) -> list[tuple[str, float]]:
        house = failing()
        post, supervisor = await opened(("ops", "pager", "broken"), house)
        audience = Audience((OPS, PAGER, replace(OPS, name="broken"))) if troubled else Audience()
        post.channels["ops"].always = "hang"
        post.channels["broken"].always = Permanent("no such room")
        await supervisor.submit(told(TWO, audience))
        await post.home.until_closed("r2")
        if troubled:
            await until(lambda: post.moments("pager") == BAD, within_s=5.0)
            assert post.titles("ops") == []
        return [(type(event).__name__, event.at) for event in post.home.events("r2")]

    assert play(lambda: story(troubled=True)) == play(lambda: story(troubled=False))


def test_what_cannot_be_said_is_tried_again_then_given_up_on_record() -> None:
    async def story() -> None:
        post, supervisor = await opened(limits=Limits(tries_max=4, last_retry_s=10.0))
        post.channels["ops"].always = Temporary("the service is away")
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await post.home.until_closed("r2")
        assert post.outbox is not None
        trouble = post.outbox.trouble
        lane = "shop/production/notify/ops"
        assert "not delivered yet: the service is away" in trouble()[lane]
        await until(lambda: len(post.outbox.book.given_up) == len(GOOD) if post.outbox else False)
        assert post.channels["ops"].calls == 4 * len(GOOD)
        assert "4 given up, the last: shop/production/web: r2 to" in trouble()[lane]
        assert post.store.content is not None
        given_up = decoded(post.store.content).given_up
        assert {(one.tries, one.why) for one in given_up} == {(4, "the service is away")}

    play(story)


def test_a_service_that_comes_back_hears_everything_in_order_once() -> None:
    async def story() -> None:
        post, supervisor = await opened()
        post.channels["ops"].does = [*(Temporary("away") for _ in range(5)), "hang"]
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await until(lambda: post.moments() == GOOD)
        assert post.outbox is not None
        await until(lambda: post.outbox.trouble() == {} if post.outbox else False)

    play(story)


def test_a_plugin_that_breaks_down_is_given_up_and_its_words_are_not_repeated() -> None:
    async def story() -> None:
        post, supervisor = await opened()
        post.channels["ops"].always = RuntimeError("https://hooks.example.com/hunter2")
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await until(lambda: len(post.outbox.book.given_up) == len(GOOD) if post.outbox else False)
        assert post.store.content is not None
        assert b"broke down: RuntimeError" in post.store.content
        assert b"hunter2" not in post.store.content

    play(story)


# --- the controller dies ---------------------------------------------------------------------------------------------


def test_killed_at_any_moment_nothing_is_lost_and_what_is_said_twice_has_the_same_key() -> None:
    async def story() -> None:
        post, supervisor = await opened(house=failing())
        await supervisor.submit(told(TWO, Audience((OPS,))))
        for _ in range(40):
            await asyncio.sleep(0.31)
            await post.kill()
            await post.begin()
        await until(lambda: post.moments()[-1:] == ["rolled_back"])
        assert post.moments() == BAD
        assert len({thread for _, thread in post.channels["ops"].said}) == 1

    play(story)


class Forgetful(MemoryNotifier):
    """Takes a second, and says what it is told each time: what comes twice can be seen."""

    async def send(self, message: Message, thread: str) -> str:
        await asyncio.sleep(1.0)
        self.said.append((message, thread))
        return thread or "thread-1"


def test_killed_between_sending_and_saving_it_is_said_again_with_the_same_key() -> None:
    async def story() -> None:
        post, supervisor = await opened()
        post.channels["ops"] = Forgetful()
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await until(lambda: len(post.channels["ops"].said) == 1)
        await until(lambda: b"thread-1" in (post.store.content or b""))
        known = decoded(post.store.content or b"")
        await until(lambda: len(post.channels["ops"].said) == 2)
        await post.kill()
        post.store.content = msgspec.json.encode(known)  # as if the second send had never been saved
        await post.begin()
        await until(lambda: post.moments()[-1:] == ["closed"])
        said = post.channels["ops"].said
        keys = [message.key for message, _ in said]
        assert keys.count(keys[1]) == 2
        assert [message.moment for message, _ in said if message.key != keys[1]] == [GOOD[0], *GOOD[2:]]
        assert {thread for _, thread in said[1:]} == {"thread-1"}

    play(story)


def test_a_lost_or_unreadable_file_tells_nothing_old_and_loses_no_open_release() -> None:
    async def story(content: bytes | None) -> None:
        post, supervisor = await opened()
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await until(lambda: post.moments() == GOOD)
        post.home.house.failing[THREE] = 0.9
        await supervisor.submit(told(THREE, Audience((OPS,))))
        await until(lambda: len(post.moments()) == len(GOOD) + 2)
        await post.kill()
        post.store.content = content
        await post.begin()
        await until(lambda: post.moments()[-1] == "rolled_back")
        assert post.moments() == [*GOOD, *BAD]
        assert post.outbox is not None
        assert ("outbox" in post.outbox.trouble()) == (content is not None)

    ahead = msgspec.json.encode(Book(cursor=10_000))
    elsewhere = msgspec.json.encode(Book(cursor=3, head="f" * 64))
    for content in (None, b"", b"{", b"\xff\x00", b'{"version": 99}', b'{"cursor": "x"}', ahead, elsewhere):
        play(partial(story, content))


def test_a_decision_that_waits_is_told_by_whoever_comes_after_a_lost_file() -> None:
    async def story() -> None:
        post, supervisor = await opened(house=House(does={}))
        post.home.house.does["read"] = [Temporary("no signals")] * 10_000
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await post.home.until("r2", "held")
        await post.kill()
        post.store.content, post.channels["ops"].said = None, []
        await post.begin()
        await until(lambda: post.moments() == ["held"])

    play(story)


# --- roles -----------------------------------------------------------------------------------------------------------


ROLES = (
    Role("decider", "the release manager", ("pager",), "the head of shop", ("ops",), escalate_s=15 * MINUTE),
    Role("scribe", "the minutes", ("pager",)),
)


def test_each_role_is_told_once_what_it_must_know_whatever_the_channel_listens_to() -> None:
    async def story() -> None:
        post, supervisor = await opened(("ops", "pager"))
        quiet_pager = replace(PAGER, on=("held",), severity_min="critical")
        post.home.house.does["read"] = [Temporary("no signals")] * 10_000
        await supervisor.submit(told(TWO, Audience((OPS, quiet_pager), (), ROLES)))
        await until(lambda: "held" in post.moments("pager"))
        assert post.moments("pager") == ["started", "held"]
        started, held = (message for message, _ in post.channels["pager"].said)
        assert started.lines[0] == "Decider: the release manager; after 15 min: the head of shop."
        assert "For the decider, the release manager: the decision is yours." in held.lines
        asked_at = asyncio.get_running_loop().time()
        await until(lambda: post.moments("ops").count("held") == 2)
        assert 14 * MINUTE < asyncio.get_running_loop().time() - asked_at < 16 * MINUTE
        assert post.channels["ops"].titles[-1].endswith("since 15 min: the head of shop decides now")
        await asyncio.sleep(3 * 15 * MINUTE)
        assert post.moments("ops").count("held") == 2
        assert post.moments("pager") == ["started", "held"]

    play(story)


def test_a_decision_in_time_does_not_escalate_not_even_over_a_restart() -> None:
    async def story(*, decide: bool) -> list[str]:
        post, supervisor = await opened(("ops", "pager"))
        post.home.house.does["read"] = [Temporary("no signals")] * 10_000
        await supervisor.submit(told(TWO, Audience((PAGER, OPS), (), ROLES)))
        await until(lambda: "held" in post.moments("pager"))
        if decide:
            from headgate.core.machine.events import ReleaseAborted  # noqa: PLC0415

            await supervisor.tell("r2", ReleaseAborted(at=0.0, by="ada"))
        await asyncio.sleep(10 * MINUTE)
        await post.kill()
        await post.begin()
        await asyncio.sleep(10 * MINUTE)
        return post.moments("ops")

    assert play(lambda: story(decide=True)).count("held") == 1
    assert play(lambda: story(decide=False)).count("held") == 2


# --- quiet hours -----------------------------------------------------------------------------------------------------


def test_quiet_hours_keep_back_what_is_not_critical_and_tell_it_as_one() -> None:
    async def story() -> None:
        post, supervisor = await opened(("ops", "pager"), failing(), wall=0.0)
        night = QuietHours(0, 60)  # the first hour of 1970
        audience = Audience((replace(OPS, quiet=night), PAGER))
        await supervisor.submit(told(TWO, audience))
        await until(lambda: post.moments("pager") == BAD)
        await supervisor.submit(told(THREE, audience))
        await post.home.until_closed("r3")
        await post.kill()
        await post.begin()
        await until(lambda: asyncio.get_running_loop().time() > 59 * MINUTE)
        assert post.moments("ops") == []
        await until(lambda: post.moments("ops") != [])
        (digest, thread), *rest = post.channels["ops"].said
        assert rest == []
        assert thread == digest.key
        assert digest.title == "While it was quiet: 8 messages of r2, r3"
        assert digest.severity == "warning"
        assert len(digest.lines) == 8
        assert digest.lines[3].startswith("00:")
        assert digest.lines[3].endswith("was rolled back")

    play(story)


def test_what_is_critical_does_not_wait() -> None:
    async def story() -> None:
        post, supervisor = await opened(wall=0.0)
        post.home.house.does["apply"] = [Permanent("the proxy is gone")] * 50
        await supervisor.submit(told(TWO, Audience((replace(OPS, quiet=QuietHours(0, 60)),))))
        await until(lambda: post.moments() == ["rolling_back"], within_s=30 * MINUTE)
        notice = post.channels["ops"].said[0][0]
        assert (notice.severity, "is tried on" in notice.title) == ("critical", True)

    play(story)


# --- marks -----------------------------------------------------------------------------------------------------------


def test_a_release_leaves_one_mark_which_is_brought_up_to_date() -> None:
    async def story() -> None:
        post, supervisor = await opened()
        marker = post.markers["grafana"] = MemoryMarker(does=[Temporary("away")])
        await supervisor.submit(told(TWO, Audience((), (GRAFANA,))))
        await until(lambda: bool(marker.marks) and marker.marks[-1][0].moment == "ended")
        moments = [mark.moment for mark, _ in marker.marks]
        assert moments[0] == "started"
        assert moments[-1] == "ended"
        assert {reference for _, reference in marker.marks[1:]} == {"mark-r2"}
        last = marker.marks[-1][0]
        assert (last.outcome, last.services[0].after) == ("promoted", TWO.key)
        assert last.parts
        await post.kill()
        await post.begin()
        await asyncio.sleep(10)
        assert [mark.moment for mark, _ in marker.marks] == moments

    play(story)


# --- bounds ----------------------------------------------------------------------------------------------------------


def test_a_lane_that_is_too_full_gives_up_routine_first() -> None:
    async def story() -> None:
        post, supervisor = await opened(house=failing(), limits=Limits(queue_max=2))
        post.channels["ops"].always = Temporary("away")
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await post.home.until_closed("r2")
        await asyncio.sleep(5)
        assert post.outbox is not None
        (lane,) = post.outbox.book.lanes.values()
        assert [one.message.moment for one in lane.queue if one.message] == ["rolling_back", "rolled_back"]
        given_up = [one.key.split("/")[2] for one in post.outbox.book.given_up]
        assert given_up == ["requested", "started"]

    play(story)


def test_a_controller_that_ends_brings_what_it_can_first() -> None:
    async def story() -> None:
        post, supervisor = await opened(limits=Limits(poll_s=60.0))
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await post.home.until_closed("r2")
        assert post.outbox is not None
        await post.outbox.flush()
        assert post.moments() == GOOD
        post.channels["ops"].always = "hang"
        await supervisor.submit(told(THREE, Audience((OPS,))))
        await post.home.until_closed("r3")
        began = asyncio.get_running_loop().time()
        await post.outbox.flush()
        assert asyncio.get_running_loop().time() - began < Limits().flush_s + 0.5
        await post.kill()
        post.channels["ops"].always = None
        await post.begin()
        await until(lambda: post.moments() == [*GOOD, *GOOD])

    play(story)


def test_nothing_of_closed_releases_is_kept() -> None:
    async def story() -> None:
        post, supervisor = await opened()
        for version in (TWO, THREE, ONE, TWO, THREE):
            name = await supervisor.submit(told(version, Audience((OPS,))))
            await post.home.until_closed(name)
        await until(lambda: post.moments() == 5 * GOOD)
        await asyncio.sleep(5)
        assert isinstance(post.outbox, Outbox)
        assert post.outbox.book.releases == {}
        assert post.outbox.book.lanes == {}

    play(story)


def test_posts_are_made_anew_only_when_settings_change() -> None:
    async def story() -> None:
        post, supervisor = await opened()
        made: list[object] = []
        await post.kill()

        def make(lane: Lane) -> MemoryNotifier | MemoryMarker:
            made.append(dict(lane.settings))
            return post.make(lane)

        outbox = Outbox(post.home.ledger, post.store, make, post.now)
        task = asyncio.create_task(outbox.run())
        await supervisor.submit(told(TWO, Audience((replace(OPS, settings={"url": "a"}),))))
        await until(lambda: post.moments() == GOOD)
        assert made == [{"url": "a"}]
        task.cancel()

    play(story)


def test_whoever_has_lost_the_home_says_nothing_more_and_writes_nothing() -> None:
    async def story() -> None:
        post, supervisor = await opened()
        await post.kill()
        ours = [True]
        outbox = Outbox(post.home.ledger, post.store, post.make, post.now, held=lambda: ours[0])
        await outbox.begin()
        task = asyncio.create_task(outbox.run())
        post.channels["ops"].does = ["2.0"]
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await until(lambda: post.channels["ops"].calls == 1)
        kept, ours[0] = post.store.content, False
        await task
        await outbox.flush()
        await post.home.until_closed("r2")
        assert (post.moments(), post.store.content) == ([], kept)

    play(story)


def test_what_cannot_be_told_is_in_the_controllers_health() -> None:
    async def story() -> None:
        post, supervisor = await opened()
        assert post.outbox is not None
        supervisor.elsewhere = post.outbox.trouble
        post.channels["ops"].always = Temporary("away")
        await supervisor.submit(told(TWO, Audience((OPS,))))
        await post.home.until_closed("r2")
        await until(lambda: "shop/production/notify/ops" in str(supervisor.health()["trouble"]))

    play(story)
