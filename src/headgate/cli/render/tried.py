"""Answers of channels that were tried."""

from collections.abc import Iterator, Sequence

from headgate.outbox.trial import Tried


def tried_lines(tried: Sequence[Tried]) -> Iterator[str]:
    """A line for each channel: what it answered, and when it listens."""
    width = max(len(one.channel) for one in tried)
    for one in tried:
        said = f"said it, in {one.took_s:.1f} s" if one.ok else f"did not: {one.why}"
        yield f"{one.channel:<{width}}  {one.plugin}: {said}"
        for note in one.notes:
            yield f"{'':<{width}}  {note}"
