"""An append that was checked and encoded, and has no place in the chain yet: the same for every ledger."""

import re

import msgspec

from headgate.core.home.facts import AnyHomeEvent
from headgate.core.machine.events import AnyEvent, Judged
from headgate.core.model import Sample
from headgate.core.model.summary import Summary
from headgate.ledger.codec import Codec, Fact, digest_of, encode_sample, encode_summary
from headgate.ledger.store import HOME

_NUMBERED = re.compile(r"r([1-9][0-9]{0,17})")


class Draft(msgspec.Struct, frozen=True):
    """What to write. `sample` is the digest the event names, `sample_body` the bytes to store under it, if given.

    `summary` is None in an entry about the home.
    """

    release: str
    expected: int
    version: int
    body: bytes
    summary: Summary | None = None
    summary_body: bytes = b""
    sample: str | None = None
    sample_at: float = 0.0
    sample_body: bytes | None = None


def sample_of(event: Fact) -> str | None:
    """The digest of the sample an event names, if it names one."""
    return (event.sample or None) if isinstance(event, Judged) else None


def ordinal(release: str) -> int:
    """The number in a name that Headgate gave (`r12` is 12); 0 for any other name."""
    match = _NUMBERED.fullmatch(release)
    return int(match[1]) if match else 0


def drafted(
    codec: Codec, release: str, expected: int, event: AnyEvent, summary: Summary, sample: Sample | None
) -> Draft:
    """Check and encode an append. Raises ValueError for what must never be written."""
    if not release or release == HOME or expected < 0:
        raise ValueError(
            f"a release needs a name and a number of entries from 0 up, not {release!r}, {expected}"
        )
    if summary.release != release:
        raise ValueError(f"the summary is of {summary.release}, the entry of {release}")
    version, body = codec.encode(event)
    named = sample_of(event)
    draft = Draft(release, expected, version, body, summary, encode_summary(summary), named)
    if sample is None:
        return draft
    sample_body = encode_sample(sample)
    if digest_of(sample_body) != named:
        raise ValueError(
            f"{type(event).__name__} names the sample {named or '(none)'}, the one given is {digest_of(sample_body)}"
        )
    return msgspec.structs.replace(draft, sample_at=sample.at, sample_body=sample_body)


def noted(codec: Codec, expected: int, event: AnyHomeEvent) -> Draft:
    """Check and encode a note. Raises ValueError for what must never be written."""
    if expected < 0:
        raise ValueError(f"a number of notes is 0 or more, not {expected}")
    version, body = codec.encode(event)
    return Draft(HOME, expected, version, body)


def missing_sample(draft: Draft) -> ValueError:
    """The event names a sample that nobody has: its verdict could never be replayed."""
    return ValueError(
        f"an entry of {draft.release} names the sample {draft.sample}, which was neither given nor stored"
    )
