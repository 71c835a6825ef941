"""What is written down beside a tree: where it came from first, and every label it was given."""

from collections.abc import Sequence
from difflib import get_close_matches

import msgspec

from headgate.ports import Artifact, Permanent, Provenance

_SHOWN = 5
_PREFIX_MIN = 6
_HEX = frozenset("0123456789abcdef")


class Record(msgspec.Struct, frozen=True):
    """One artifact. `labels` maps each label ("" where a build had none) to when it was last given (epoch seconds)."""

    digest: str
    size_bytes: int
    files: int
    provenance: Provenance
    labels: dict[str, float]

    def again(self, provenance: Provenance) -> "Record":
        """The same content came in once more: the first provenance stays, the label is added."""
        at = max(self.labels.get(provenance.label, provenance.built_at), provenance.built_at)
        return msgspec.structs.replace(self, labels={**self.labels, provenance.label: at})

    @property
    def newest_at(self) -> float:
        """When it last came in, in seconds since the epoch."""
        return max(self.labels.values(), default=self.provenance.built_at)

    def artifact(self) -> Artifact:
        """What the port shows: the first provenance, with the label that was given last."""
        named = [label for label in self.labels if label]
        label = max(named, key=lambda label: (self.labels[label], label), default="")
        provenance = msgspec.structs.replace(self.provenance, label=label)
        return Artifact(self.digest, self.size_bytes, self.files, provenance)

    def __str__(self) -> str:
        """Digest and labels, as an error shows them."""
        named = ", ".join(label for label in self.labels if label)
        return f"{self.digest[:12]}{f' ({named})' if named else ''}"


def is_digest(name: str) -> bool:
    """True for a full digest: 64 lower-case hex digits."""
    return len(name) == 64 and _HEX.issuperset(name)  # noqa: PLR2004 - SHA-256


def chosen(name: str, records: Sequence[Record]) -> Record:
    """The one that `name` means: a digest, the beginning of one, or a label. `records` are newest first.

    Raises Permanent with the candidates when several are meant, with the newest ones when none is.
    """
    labelled = [record for record in records if name and name in record.labels]
    newest = max(labelled, key=lambda record: record.labels[name], default=None)
    found = {record.digest: record for record in records if _begins(record.digest, name)}
    if newest is not None and not (is_digest(name) and found):
        found[newest.digest] = newest
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise Permanent(f"{name!r} may mean any of {_shown(tuple(found.values()))}: give more of the digest")
    raise Permanent(_nothing(name, records))


def _begins(digest: str, name: str) -> bool:
    return len(name) >= _PREFIX_MIN and digest.startswith(name.lower())


def _shown(records: Sequence[Record]) -> str:
    more = f" and {len(records) - _SHOWN} more" if len(records) > _SHOWN else ""
    return ", ".join(str(record) for record in records[:_SHOWN]) + more


def _nothing(name: str, records: Sequence[Record]) -> str:
    if not records:
        return f"there is no artifact {name!r}, nor any other: `headgate build` makes one"
    short = (
        f" (a digest is recognised by its first {_PREFIX_MIN} digits or more)"
        if _HEX.issuperset(name)
        else ""
    )
    near = get_close_matches(name, {label for record in records for label in record.labels if label}, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f"there is no artifact {name!r}{short}.{meant} The newest: {_shown(records[:_SHOWN])}"
