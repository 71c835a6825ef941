"""Foreign text for chat, mail and annotations: systems that read mentions and markup in what is plain text to us.

Names, labels and reasons that others wrote call nobody and link nowhere: whatever is sent out passes here. Terminals
have `cli/render/foreign`, HTML has `web/pages/foreign`; what enters the ledger was cleaned by `core/model/foreign`
before.
"""

import re

_LIVE = re.compile(r"@(?=\w)|<(?=[!@#/A-Za-z])|\](?=\()|!(?=\[)")
_NOTHING = "\u200b"
"""A space of no width, which takes the life out of what it divides."""


def lifeless(text: str) -> str:
    """`text` without mentions (`@all`, `<!here>`), tags and Markdown's links and pictures; it reads the same."""
    return _LIVE.sub(lambda found: f"{found[0]}{_NOTHING}", text)
