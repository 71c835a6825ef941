"""Who is told: from a notice and the audience of its release to one message for each channel that shall have it."""

from collections.abc import Iterator

import msgspec

from headgate.core.model import Audience, Channel, Role
from headgate.core.story.notices import NEEDS, Notice, task
from headgate.outbox.quiet import reaches


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
