"""Text fit for the ledger, whatever a plugin says."""


def plain(text: str) -> str:
    """`text` without what UTF-8 cannot hold: undecodable bytes of some program's output, say."""
    return text.encode("utf-8", "replace").decode()
