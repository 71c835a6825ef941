"""Which releases a search finds: every word somewhere in what the history shows of a release."""

from headgate.core.model.summary import Summary

SCANNED_MAX = 2000
"""So many releases are looked through for one page of findings."""
WORDS_MAX = 10


def matches(summary: Summary, text: str, outcome: str) -> bool:
    """Whether it has this outcome (empty: any; `open`: none yet) and every word of `text`."""
    ended = (summary.outcome or "open").replace("_", " ")
    if outcome and ended != outcome:
        return False
    words, said = text.casefold().split()[:WORDS_MAX], _said(summary)
    return all(word in said for word in words)


def _said(summary: Summary) -> str:
    moves = (f"{move.unit} {move.label} {move.after.key}" for move in summary.moves)
    parts = (summary.release, summary.author, summary.reason, summary.phase, *moves)
    return " ".join(parts).casefold()
