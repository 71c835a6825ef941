"""Which effects a version has seen, so that each acts once and a late one changes nothing. Pure."""

from typing import Literal

import msgspec

from headgate.core.machine.events import EffectId
from headgate.plugins.targets.local.record import Done
from headgate.ports import Permanent


def begin(
    log: tuple[Done, ...], effect: EffectId, kind: Literal["prepare", "stop"]
) -> tuple[Done, ...] | None:
    """The log with `effect` as the newest: it may act. None: it has acted, and others came after it.

    The newest may act again, so that what was interrupted is finished; acting is by state, so nothing is done twice.
    Raises Permanent for an effect that a later one of its release has overtaken before it was finished.
    """
    if log and log[-1].effect == effect:
        return log
    if any(done.effect == effect and done.finished for done in log):
        return None
    if overtaken(log, effect):
        raise Permanent(
            f"effect {effect} is stale: a later one of its release has been applied to this version"
        )
    return (*(done for done in log if done.effect != effect), Done(effect, kind))


def overtaken(log: tuple[Done, ...], effect: EffectId) -> bool:
    """True when another effect came after `effect`: whoever is still at work for it must stop."""
    known = [index for index, done in enumerate(log) if done.effect == effect]
    if known:
        return known[-1] != len(log) - 1
    return any(
        done.effect.release == effect.release and done.effect.sequence > effect.sequence for done in log
    )


def finish(log: tuple[Done, ...], effect: EffectId) -> tuple[Done, ...]:
    """The log with `effect` finished."""
    return tuple(
        msgspec.structs.replace(done, finished=True) if done.effect == effect else done for done in log
    )
