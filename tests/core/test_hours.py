"""Hours of the day in a zone, held against the standard library's own clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.config.models.time_of_day import offsets_of
from headgate.core.machine.effects import AskGates, PrepareVersion, SetRouting, WakeAt
from headgate.core.machine.events import TimeCame, VersionPrepared
from headgate.core.machine.steps import Bake, Expose, Prepare, Promote, Until
from headgate.core.model import Hours
from headgate.core.model.hours import holds, next_start
from headgate.core.story.view import phase
from tests.core.ride import Ride, leg, plan_of

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", "Australia/Lord_Howe")
NIGHT = Hours(22 * 60, 6 * 60, "UTC", ((0, 0),))
HOUR_S = 3600.0


@given(
    zone=st.sampled_from(ZONES),
    minute=st.integers(0, 1439),
    after=st.floats(1_580_000_000, 2_200_000_000),
)
def test_the_next_time_is_what_a_clock_in_the_zone_shows_then(zone: str, minute: int, after: float) -> None:
    hours = Hours(minute, None, zone, offsets_of(zone))
    at = next_start(hours, after)
    assert after < at <= after + 26 * HOUR_S
    shown = datetime.fromtimestamp(at, ZoneInfo(zone))
    skipped = datetime.fromtimestamp(at - 2 * HOUR_S, ZoneInfo(zone)).utcoffset() != shown.utcoffset()
    assert shown.hour * 60 + shown.minute == minute or skipped


@pytest.mark.parametrize(
    ("hour", "within"), [(21.9, False), (22.0, True), (3.0, True), (6.0, False), (12.0, False)]
)
def test_hours_may_reach_over_midnight(hour: float, *, within: bool) -> None:
    assert holds(NIGHT, hour * HOUR_S) is within


def _at(hours: Hours, at: float) -> Ride:
    """A release whose canary waits for these hours from `at` on."""
    ride = Ride(plan_of(leg((Prepare(2), Until(hours), Expose(100), Bake(0.0, 9.0), Promote()))))
    ride.succeed(AskGates)
    id_, effect = ride.pending(PrepareVersion)
    return ride.tell(VersionPrepared(at=at, effect=id_, version=effect.version, instances=effect.instances))


def test_a_release_waits_for_its_time_and_goes_on() -> None:
    ride = _at(NIGHT, 12 * HOUR_S)
    assert phase(ride.state, ride.plan) == "waiting for its time"
    assert ride.pending(WakeAt)[1].at == 22 * HOUR_S
    assert "SetRouting" in ride.succeed(WakeAt).effects()


def test_within_its_hours_it_goes_on_at_once() -> None:
    ride = _at(NIGHT, 23 * HOUR_S)
    assert ride.pending(WakeAt)[1].at == 23 * HOUR_S


def test_hours_that_were_slept_through_are_waited_for_again() -> None:
    ride = _at(NIGHT, 12 * HOUR_S)
    id_, _ = ride.pending(WakeAt)
    ride.tell(TimeCame(at=33 * HOUR_S, effect=id_))
    assert ride.pending(WakeAt)[1].at == (22 + 24) * HOUR_S
    assert "SetRouting" not in ride.effects()
    assert SetRouting not in {type(one.effect) for one in ride.issued}
