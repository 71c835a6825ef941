"""A world ahead of its ledger: one that was restored, or replaced, knows less than what was done.

Effects are told apart by their release and its sequence. Where the world has carried out what the ledger has never
heard of, the next release would bear a name that is taken: its orders would be stale, or count as done already.
"""

from collections.abc import Callable, Collection, Iterable

from headgate.core.machine.events import EffectId

NAMED_MAX = 3


def ahead(
    remembered: Iterable[EffectId], known: Callable[[str], bool], settled: Collection[str] = ()
) -> tuple[EffectId, ...]:
    """Of the effects that the world has carried out, those of releases that the ledger does not know, oldest first.

    `settled` are releases that a person has spoken of. An effect of a known release may be newer than its last entry:
    what was done in the direction of safety while the ledger could not be written.
    """
    found = {one for one in remembered if one.release not in settled and not known(one.release)}
    return tuple(sorted(found, key=lambda one: (ordinal(one.release), one)))


def in_words(found: tuple[EffectId, ...]) -> str:
    """What is said of effects that the ledger does not know; empty where there are none."""
    if not found:
        return ""
    named = ", ".join(str(one) for one in found[:NAMED_MAX])
    more = f" and {len(found) - NAMED_MAX} more" if len(found) > NAMED_MAX else ""
    return (
        f"the world is ahead of the ledger: the proxy has carried out {named}{more}, of which the ledger knows "
        "nothing; it was restored from before, or is another home's. Nothing is begun or carried on until that is "
        "settled: put the newer ledger back, or say that this one counts (`headgate ledger reconcile`)"
    )


def ordinal(release: str) -> int:
    """The number of a release in the order of their names; 0 for a name of another kind."""
    digits = release.removeprefix("r")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < len(release) else 0
