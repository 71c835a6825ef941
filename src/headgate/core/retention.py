"""Which artifacts may go: the newest stay, and so does everything that something may still need."""

from collections.abc import Iterable


def collectable(artifacts: Iterable[str], keep: int, needed: frozenset[str]) -> tuple[str, ...]:
    """The digests that may be removed, oldest first.

    `artifacts` are all digests, newest first; the newest `keep` (0 or more) of them stay whatever they are. `needed`
    stays at any age: what runs, is warm or in flight, and whatever a rollback that is still legal would start again.
    """
    if keep < 0:
        raise ValueError(f"the number of artifacts to keep must be 0 or more, not {keep}")
    old = list(dict.fromkeys(artifacts))[keep:]
    return tuple(digest for digest in reversed(old) if digest not in needed)
