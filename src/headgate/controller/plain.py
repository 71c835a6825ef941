"""Text fit for the ledger, whatever a plugin says."""

from headgate.ports.redaction import KNOWN


def plain(text: str) -> str:
    """`text` without secrets that are known here, and without what UTF-8 cannot hold: some program's bytes, say."""
    return KNOWN.clean(text).encode("utf-8", "replace").decode()
