"""Sorting of what is to be told into the lanes of a book: each channel and marker of an environment has one."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import msgspec

from headgate.core.model import Audience, Channel, Marker, Role
from headgate.core.story.notices import NEEDS, Notice, task
from headgate.outbox.book import Book, Lane, Parcel, message_of
from headgate.outbox.courier import give_up
from headgate.outbox.follower import Followed
from headgate.outbox.quiet import digest, quiet, reaches
from headgate.outbox.store import Limits
from headgate.ports.marker import Mark

NOTIFY, MARKERS = "notify", "markers"


class Sorter:
    """Changes the book in memory; `changed` says that it should be saved."""

    def __init__(self, book: Book, limits: Limits, now: Callable[[], float]) -> None:
        self._book = book
        self._limits = limits
        self._now = now
        self.changed = False

    def adopt(self, followed: Followed) -> None:
        """The newest release in an environment says what its channels and markers are."""
        audience = followed.telling.audience
        for channel in audience.channels:
            self._lane(followed, NOTIFY, channel)
        for marker in audience.markers:
            self._lane(followed, MARKERS, marker)

    def tell(self, followed: Followed, notice: Notice) -> None:
        """Queue a notice wherever it is wanted."""
        for channel, meant in routed(notice, followed.telling.audience):
            self._put(followed, channel, meant)

    def escalate(self, followed: Followed, role: Role, notice: Notice) -> None:
        """Queue a decision that has waited too long for whoever stands in."""
        self.changed = True
        for channel, meant in escalated(notice, role, followed.telling.audience):
            self._put(followed, channel, meant)

    def mark(self, followed: Followed, notice: Notice, mark: Mark) -> None:
        """Queue the mark of a release; one that was not brought yet gives way to it, and its tries count on."""
        key = f"{mark.release}/{notice.key}/mark/{followed.stamp}"
        for marker in followed.telling.audience.markers:
            lane = self._lane(followed, MARKERS, marker)
            before = next((one for one in lane.queue if one.release == mark.release), None)
            parcel = Parcel(key, mark.release, self._now(), mark=mark)
            if before is not None and before.mark is not None:
                lane.queue[:] = [one for one in lane.queue if one is not before]
                parcel.since, parcel.tries = before.since, before.tries
                parcel.due_at, parcel.trouble = before.due_at, before.trouble
                if before.mark.moment == "started" and mark.moment == "updated":
                    parcel.mark = replace(mark, moment="started")
            self._queue(_name(followed, MARKERS, marker.name), parcel)

    def end_quiet(self) -> None:
        """Queue what quiet hours kept back, where they are over."""
        now = self._now()
        for name, lane in self._book.lanes.items():
            if not lane.waiting or quiet(lane.quiet, now):
                continue
            messages = [one.message for one in lane.waiting if one.message is not None]
            if len(messages) == 1 and not lane.missed:
                parcel = lane.waiting[0]
            else:
                told = digest(messages, lane.missed, lane.quiet, now)
                parcel = Parcel(told.key, told.release, now, told)
            parcel.since = now
            lane.waiting, lane.missed = [], 0
            self._queue(name, parcel)

    def prune(self, followed: Collection[str]) -> None:
        """Forget closed releases of which nothing is left to be told, and lanes that no release leads to."""
        book = self._book
        busy = {one.release for lane in book.lanes.values() for one in (*lane.queue, *lane.waiting)}
        for release in [one for one in book.releases if one not in busy and one not in followed]:
            del book.releases[release]
            self.changed = True
        if not followed:
            idle = [name for name, lane in book.lanes.items() if not lane.queue and not lane.waiting]
            for name in idle:
                del book.lanes[name]

    def _put(self, followed: Followed, channel: Channel, notice: Notice) -> None:
        lane = self._lane(followed, NOTIFY, channel)
        release = followed.telling.folded.request.release
        message = message_of(notice, release, followed.stamp)
        parcel = Parcel(message.key, release, self._now(), message)
        if notice.severity != "critical" and quiet(lane.quiet, self._now()):
            lane.waiting.append(parcel)
            if len(lane.waiting) > self._limits.quiet_max:
                lane.missed += 1
                del lane.waiting[0]
            self.changed = True
            return
        self._queue(_name(followed, NOTIFY, channel.name), parcel)

    def _queue(self, name: str, parcel: Parcel) -> None:
        """Last in line. Where the line is too long, what matters least and waits longest is given up, on record."""
        self.changed = True
        lane = self._book.lanes[name]
        lane.queue.append(parcel)
        if len(lane.queue) > self._limits.queue_max:
            routine = (
                one for one in lane.queue if one.message is not None and one.message.severity == "info"
            )
            dropped = next(routine, lane.queue[0])
            lane.queue[:] = [one for one in lane.queue if one is not dropped]
            give_up(self._book, name, dropped, self._now(), self._limits)

    def _lane(self, followed: Followed, group: str, way: Channel | Marker) -> Lane:
        name = _name(followed, group, way.name)
        lane = self._book.lanes.get(name)
        plugins = "notifiers" if group == NOTIFY else "markers"
        if lane is None:
            lane = self._book.lanes[name] = Lane(plugins, way.name, way.kind)
        lane.kind, lane.settings, lane.reach = way.kind, way.settings, way.reach
        lane.quiet = way.quiet if isinstance(way, Channel) else None
        return lane


def _name(followed: Followed, group: str, name: str) -> str:
    """`shop/production/notify/ops`."""
    unit = followed.telling.folded.plan.legs[0].unit
    return f"{unit.project}/{unit.environment}/{group}/{name}"


# Who is told: from a notice and the audience of its release to one message for each channel that shall have it.


def routed(notice: Notice, audience: Audience) -> Iterator[tuple[Channel, Notice]]:
    """Each channel that is told, once, with the notice as it is told there: by name to those whose task it makes.

    A channel is told what it listens to; the channels of a role are told what the role must know, besides; and all are
    told that somebody broke the glass.
    """
    for channel in audience.channels:
        meant = tuple(
            role for role in audience.roles if channel.name in role.channels and _needs(role, notice)
        )
        if meant or notice.everybody or _listens(channel, notice):
            yield channel, _addressed(notice, meant)


def escalated(notice: Notice, role: Role, audience: Audience) -> Iterator[tuple[Channel, Notice]]:
    """The channels of whoever stands in for a role: their own, or else the role's."""
    names = role.fallback_channels or role.channels
    for channel in audience.channels:
        if channel.name in names:
            yield channel, notice


def _needs(role: Role, notice: Notice) -> bool:
    routine_pause = notice.moment == "waiting" and notice.severity == "info"
    return notice.moment in NEEDS[role.name] and not routine_pause


def _listens(channel: Channel, notice: Notice) -> bool:
    wanted = notice.moment in channel.on if channel.on else notice.moment != "step"
    return wanted and reaches(notice.severity, channel.severity_min)


def _addressed(notice: Notice, roles: tuple[Role, ...]) -> Notice:
    """Who has which role is said at the start already; after that, each is told what the message asks of them."""
    if not roles or notice.moment == "started":
        return notice
    lines = (*notice.lines, *(task(role) for role in roles))
    return msgspec.structs.replace(notice, lines=lines)
