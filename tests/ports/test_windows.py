"""Counters from counts: every window once, a failed one again, and unknown until then."""

import asyncio
from collections.abc import Callable, Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.core.model import Arm, Unit, Version
from headgate.core.model.sample import since
from headgate.core.model.window import Window
from headgate.kit.novelty import LOOKBACK_S, NEW_ERRORS, Lines
from headgate.kit.questions import LogQuestions, Questions, Share
from headgate.kit.windows import CATCH_UP_S, VERSIONS_MAX, ErrorLines, WindowedSignals
from headgate.ports.errors import Permanent, PortError, Temporary

T0 = 1_700_000_000.0
UNIT = Unit("shop", "production", "web")
ONE, TWO = (Version(UNIT, digit * 64, digit * 64) for digit in "12")
URL = "http://vendor.example"
RATE = 3
"""Requests a second, each version."""


class Vendor:
    """Counts RATE requests a second; `trouble` and `gone` break it."""

    def __init__(self) -> None:
        self.now = T0
        self.windows: list[Window] = []
        self.trouble: PortError | None = None
        self.gone = False
        self.hanging: asyncio.Event | None = None
        self.logged: dict[str, tuple[str, ...]] = {}

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        if self.hanging is not None:
            await self.hanging.wait()
        if self.trouble is not None:
            raise self.trouble
        self.windows.append(window)
        rates = {
            "requests": RATE,
            "errors": 1,
            "latency 100ms": 2,
            "means.paid.total": 2,
            "means.paid.good": 1,
        }
        old = 9 if window.length_s > CATCH_UP_S and ONE.key in questions["requests"] else 1
        return {name: None if self.gone else rates[name] * window.length_s * old for name in questions}

    async def lines(self, query: str, window: Window, most: int) -> Lines:
        key = query.rsplit(maxsplit=1)[-1] + ("" if window.length_s < LOOKBACK_S else " before")
        texts = self.logged.get(key, ())
        return Lines(float(len(texts)), texts[:most])


ASKED = Questions(
    url=URL,
    requests="all {version}",
    errors="bad {version}",
    latency={"100ms": "quick {version}"},
    means={"paid": Share(good="paid {version}", total="carts {version}")},
)


def signals_of(vendor: Vendor, questions: Questions = ASKED) -> WindowedSignals:
    return WindowedSignals("Vendor", vendor, questions, lambda: vendor.now)


def read(signals: WindowedSignals, version: Version = ONE) -> Arm | None:
    try:
        return asyncio.run(signals.read(version))
    except Temporary:
        return None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-400, 900), st.sampled_from(["", "", "fails", "gone"])), max_size=30))
def test_every_finished_window_counts_once_whatever_clock_and_vendor_do(
    steps: list[tuple[float, str]],
) -> None:
    vendor = Vendor()
    signals = signals_of(vendor)
    assert read(signals) == Arm()
    start = vendor.windows.pop().end
    before, counted = Arm(), 0
    for step, state in steps:
        vendor.now += step
        vendor.trouble = Temporary("down") if state == "fails" else None
        vendor.gone = state == "gone"
        asked = len(vendor.windows)
        after = read(signals)
        if state:
            assert after is None or (after == before and len(vendor.windows) == asked)
            del vendor.windows[asked:]
        if after is not None:
            counted += since(before, after).requests
            assert after.requests >= before.requests or after == Arm()  # began anew after a long pause
            before = after
    ends = [start, *(window.end for window in vendor.windows)]
    assert all(window.start >= end for window, end in zip(vendor.windows, ends, strict=False))
    in_one_go = [window for window in vendor.windows if window.start in ends]
    assert counted <= RATE * sum(window.length_s for window in vendor.windows)
    if len(in_one_go) == len(vendor.windows):  # it never began anew: not one window is missing
        assert counted == RATE * (ends[-1] - start)


def test_a_failed_window_is_asked_again_and_unknown_until_then() -> None:
    vendor = Vendor()
    signals = signals_of(vendor)
    read(signals)
    vendor.now, vendor.trouble = T0 + 10, Temporary("down")
    with pytest.raises(Temporary, match="down"):
        asyncio.run(signals.read(ONE))
    vendor.now, vendor.trouble = T0 + 20, None
    arm = read(signals)
    assert arm is not None
    assert arm.requests == 20 * RATE
    assert arm.latency_ms is not None
    assert (arm.errors, arm.latency_ms.count, arm.means["paid"].n) == (20, (40,), 40)


def test_a_source_in_trouble_is_not_asked_at_every_reading() -> None:
    vendor = Vendor()
    signals = signals_of(vendor)
    vendor.trouble = Permanent("401")
    with pytest.raises(Permanent, match="401"):
        asyncio.run(signals.read(ONE))
    vendor.trouble = None
    with pytest.raises(Permanent, match="401"):
        asyncio.run(signals.read(ONE))
    vendor.now += 6
    assert asyncio.run(signals.read(ONE)) == Arm()


def test_nothing_is_asked_until_a_window_has_ended() -> None:
    vendor = Vendor()
    signals = signals_of(vendor)
    for _ in range(20):
        vendor.now += 0.5
        read(signals)
    assert len(vendor.windows) == 2


def test_no_series_is_unknown_and_what_it_hid_is_counted_later() -> None:
    vendor = Vendor()
    signals = signals_of(vendor)
    vendor.gone = True
    assert read(signals) == Arm()  # counting begins: there is nothing yet
    vendor.now = T0 + 10
    with pytest.raises(Temporary, match=r"no `requests` of web@.* between"):
        asyncio.run(signals.read(ONE))
    vendor.now, vendor.gone = T0 + 30, False
    arm = read(signals)
    assert arm is not None
    assert arm.requests == 30 * RATE


def test_after_a_long_pause_counting_begins_anew() -> None:
    vendor = Vendor()
    signals = signals_of(vendor)
    read(signals)
    vendor.now += 100
    read(signals)
    vendor.now += CATCH_UP_S + 60
    assert read(signals) == Arm()
    assert vendor.windows[-1].length_s == 10


def test_a_clock_that_went_back_is_said() -> None:
    vendor = Vendor()
    signals = signals_of(vendor)
    read(signals)
    vendor.now -= 120
    with pytest.raises(Temporary, match=r"the clock went back 1[123]0 s"):
        asyncio.run(signals.read(ONE))


def test_a_slow_answer_is_waited_for_by_the_next_reading() -> None:
    vendor = Vendor()
    signals = signals_of(vendor)

    async def story() -> None:
        await signals.read(ONE)
        vendor.now += 10
        vendor.hanging = asyncio.Event()
        waiting = asyncio.ensure_future(signals.read(ONE))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        next_one = asyncio.ensure_future(signals.read(ONE))
        await asyncio.sleep(0)
        vendor.hanging.set()
        assert (await next_one).requests == 10 * RATE
        assert len(vendor.windows) == 2

    asyncio.run(story())


def test_versions_are_bounded() -> None:
    vendor = Vendor()
    signals = signals_of(vendor)
    for n in range(VERSIONS_MAX + 5):
        read(signals, Version(UNIT, f"{n:064x}", "0" * 64))
    assert len(signals._watches) == VERSIONS_MAX


def test_inspection_shows_each_question_and_what_is_wrong_with_it() -> None:
    vendor = Vendor()
    signals = signals_of(vendor)
    looks = asyncio.run(signals.inspect(ONE))
    assert [look.question.partition(":")[0] for look in looks] == [
        "requests",
        "errors",
        "latency 100ms",
        "means.paid.good",
        "means.paid.total",
    ]
    assert looks[0].question == f"requests: all {ONE.key}"
    assert looks[0].answer.startswith("900 between ")
    assert not any(look.problem for look in looks)
    vendor.gone = True
    assert all("no series" in look.problem for look in asyncio.run(signals.inspect(ONE)))
    vendor.gone, vendor.trouble = False, Permanent("401: no")
    assert all(look.problem == "401: no" for look in asyncio.run(signals.inspect(ONE)))


def logs_of(vendor: Vendor) -> WindowedSignals:
    asked = LogQuestions(url=URL, requests="all {version}", error_lines="crashes {version}")
    return WindowedSignals("Logs", vendor, asked, lambda: vendor.now, ErrorLines(vendor, asked.error_lines))


def new_errors(signals: WindowedSignals, vendor: Vendor) -> list[tuple[float, int]]:
    for version in (ONE, TWO):
        read(signals, version)
    vendor.now += 10
    arms = [read(signals, version) for version in (ONE, TWO)]
    means = [arm.means[NEW_ERRORS] for arm in arms if arm is not None]
    return [(mean.sum, mean.n) for mean in means]


def test_new_kinds_of_errors_are_those_the_incumbent_had_not_logged_before() -> None:
    vendor = Vendor()
    vendor.logged = {
        f"{ONE.key} before": ("timeout after 3 s", "user 'a' unknown"),
        ONE.key: ("timeout after 9 s", "user 'b' unknown", "disk full on /dev/sda"),
        TWO.key: ("timeout after 1 s", "no such column 'x'", "no such column 'y'"),
    }
    assert new_errors(logs_of(vendor), vendor) == [(1.0, 30), (2.0, 30)]


def test_an_earlier_attempt_of_the_same_version_makes_its_errors_no_better() -> None:
    vendor = Vendor()
    vendor.logged = {f"{TWO.key} before": ("no such column 'x'",), TWO.key: ("no such column 'x'",) * 4}
    assert new_errors(logs_of(vendor), vendor) == [(0.0, 30), (4.0, 30)]


def test_new_errors_are_at_most_one_a_request() -> None:
    vendor = Vendor()
    vendor.logged = {TWO.key: tuple(f"panic {n}" for n in range(500))}
    assert new_errors(logs_of(vendor), vendor)[1] == (30.0, 30)


def test_without_a_version_to_compare_with_there_are_no_new_errors() -> None:
    vendor = Vendor()
    vendor.logged = {TWO.key: ("panic",)}
    signals = logs_of(vendor)
    read(signals, TWO)
    vendor.now += 10
    arm = read(signals, TWO)
    assert arm is not None
    assert arm.means == {}


WRONG: list[tuple[Callable[[], Questions], str]] = [
    (lambda: Questions(url=URL), "nothing to ask"),
    (lambda: Questions(url="https://me:pw@vendor.example", requests="r"), "without user"),
    (lambda: Questions(url="vendor.example", requests="r"), "is an address like"),
    (lambda: Questions(url=URL, means={"a": Share("x", "y")}, errors="e"), "need `requests`"),
    (lambda: Questions(url=URL, requests="r", latency={"100": "q"}), "no bound of a latency"),
    (lambda: Questions(url=URL, requests="r", every_s=0), "whole seconds"),
    (lambda: Questions(url=URL, requests="r" * 5000), "at most 4096 characters"),
    (lambda: LogQuestions(url=URL, means={"a": Share("x", "y")}, error_lines="e"), "needs `requests`"),
]


@pytest.mark.parametrize(("make", "why"), WRONG, ids=[why for _, why in WRONG])
def test_settings_that_cannot_be_meant_are_refused(make: Callable[[], Questions], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        make()


def test_a_name_cannot_change_a_query() -> None:
    odd = msgspec.structs.replace(ONE, unit=Unit("shop", "production", "web'} or {x='"))
    signals = signals_of(Vendor(), Questions(url=URL, requests="count {service}"))
    with pytest.raises(Permanent, match="special characters"):
        asyncio.run(signals.read(odd))
