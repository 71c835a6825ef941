"""Markers: they write a release into other systems, as the line in a graph that says what changed, and when."""

import re
from dataclasses import dataclass
from typing import Literal, Protocol

from headgate.core.model.summary import Outcome
from headgate.core.story.timeline import TimelinePart

MarkMoment = Literal["started", "updated", "ended"]

TEXT_MAX = 1000
"""Characters of a reason that a mark shows: systems limit a text to a few thousand in all."""


@dataclass(frozen=True)
class MarkedService:
    """A service in a release. `before` and `after` are version keys, `label` what people call the new one."""

    name: str
    before: str
    after: str
    label: str = ""
    commit: str = ""

    @property
    def shown(self) -> str:
        """The new version as people call it: `v2 (1f0c...-9a3b...)`, or its key alone."""
        return f"{self.label} ({self.after})" if self.label else self.after


@dataclass(frozen=True)
class Mark:
    """A release as its mark shows it now. Times are seconds since the epoch; `ended_at` is None while it goes on.

    `parts` are what `core.story.timeline.parts` makes of its events; a mark at its end needs them to be shown as a
    trace. `head` is the place and hash of the ledger's newest entry: whoever rewrites the ledger cannot rewrite it
    here, too.
    """

    moment: MarkMoment
    release: str
    project: str
    environment: str
    services: tuple[MarkedService, ...]
    author: str
    reason: str
    phase: str
    outcome: Outcome | None
    started_at: float
    at: float
    ended_at: float | None = None
    link: str = ""
    head: str = ""
    parts: tuple[TimelinePart, ...] = ()

    @property
    def name(self) -> str:
        """What it is called wherever releases of several homes meet: `shop/production/r7`."""
        return f"{self.project}/{self.environment}/{self.release}"

    @property
    def state(self) -> str:
        """Its outcome, or its phase while it has none: `promoted`, `rolled back`, `baking`, `held`."""
        return self.outcome.replace("_", " ") if self.outcome else self.phase

    @property
    def good(self) -> bool:
        """True when it ended as it was meant to."""
        return self.outcome == "promoted"

    @property
    def title(self) -> str:
        """One line: `r7 web v2 -> production: rolled back`."""
        what = ", ".join(f"{one.name} {lifeless(one.label) or one.after}" for one in self.services)
        return f"{self.release} {what} -> {self.environment}: {self.state}"

    @property
    def text(self) -> str:
        """Some lines: from what to what, by whom, why, and where to read more."""
        lines = [f"{one.name}: {one.before or 'nothing'} -> {lifeless(one.shown)}" for one in self.services]
        lines.append(f"by {lifeless(self.author)}")
        if self.reason:
            lines.append(lifeless(self.reason[:TEXT_MAX]))
        if self.link:
            lines.append(self.link)
        if self.head:
            lines.append(f"ledger {self.head}")
        return "\n".join(lines)


class Marker(Protocol):
    """One system that keeps marks."""

    async def mark(self, mark: Mark, reference: str) -> str:
        """Write or update the release's mark. `reference` is what this returned before, empty for the first.

        Idempotent: the same mark twice is one mark, where the system allows it. Returns the reference to update by.
        Raises Temporary or Permanent.
        """
        ...


# Foreign text for chat, mail and annotations: systems that read mentions and markup in what is plain text to us.
#
# Names, labels and reasons that others wrote call nobody and link nowhere: whatever is sent out passes here. Terminals
# have `cli/render/foreign`, HTML has `web/pages/foreign`; what enters the ledger was cleaned by `core/model/foreign`
# before.

_LIVE = re.compile(r"@(?=\w)|<(?=[!@#/A-Za-z])|\](?=\()|!(?=\[)")
_NOTHING = "\u200b"
"""A space of no width, which takes the life out of what it divides."""


def lifeless(text: str) -> str:
    """`text` without mentions (`@all`, `<!here>`), tags and Markdown's links and pictures; it reads the same."""
    return _LIVE.sub(lambda found: f"{found[0]}{_NOTHING}", text)
