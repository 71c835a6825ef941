"""Which effects a unit's routes have seen, so that each acts once and a late one changes nothing. Pure."""

from collections.abc import Sequence

from headgate.core.machine.events import EffectId
from headgate.ports.errors import Permanent

RELEASES_REMEMBERED = 16


class StaleError(Permanent):
    """A later effect of the same release has been applied to the unit."""


def applied_before(effect: EffectId, effects: Sequence[EffectId]) -> bool:
    """True when `effect` is among those applied. Raises StaleError when a later one of its release is."""
    for one in effects:
        if one.release == effect.release and (effect.sequence, effect.n) < (one.sequence, one.n):
            raise StaleError(f"effect {effect} is stale: {one} has been applied to this unit already")
    return effect in effects


def remembered(effects: Sequence[EffectId], effect: EffectId) -> tuple[EffectId, ...]:
    """The newest effect of each release, with `effect` as the newest of all."""
    kept = tuple(one for one in effects if one.release != effect.release)[-RELEASES_REMEMBERED + 1 :]
    return (*kept, effect)
