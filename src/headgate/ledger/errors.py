"""Errors of a ledger: each is a sentence that says what was tried, what was seen and what helps."""


class LedgerError(Exception):
    """Anything a ledger raises. Whatever was to be written was not, not even in part."""


class Conflict(LedgerError):  # noqa: N818 - it is an outcome of a race, not a fault
    """Somebody else appended to this release first: read what they wrote before deciding anew.

    `expected` is the number of entries the caller knew of, `found` the number there are.
    """

    def __init__(self, release: str, expected: int, found: int) -> None:
        super().__init__(
            f"{release} has {found} entries, not {expected}: somebody else wrote to it in the meantime; "
            "read what is new and decide again"
        )
        self.release = release
        self.expected = expected
        self.found = found


class LedgerBusy(LedgerError):  # noqa: N818 - the ledger is busy; trying again may help
    """Another process held the ledger's lock for longer than the bounded wait, or too many appends wait already."""


class LedgerFull(LedgerError):  # noqa: N818 - the ledger is full; appends work again once there is room
    """There was no room to write, or the disk refused."""


class LedgerCorrupt(LedgerError):  # noqa: N818 - the ledger is corrupt; only a person can help
    """What is stored is not what was written."""


class LedgerTooNew(LedgerError):  # noqa: N818 - as above
    """A newer Headgate wrote this; a newer Headgate must read it."""


class LedgerMissing(LedgerError):  # noqa: N818 - as above
    """There is no ledger at this place: nothing was ever released from this home."""


class LedgerReadOnly(LedgerError):  # noqa: N818 - as above
    """The ledger was opened for reading, or its files may not be written."""
