"""How a port fails: with a sentence for people, and as a type that says whether trying again can help."""

from headgate.ports.redaction import KNOWN


class PortError(Exception):
    """What a port raises. The message says what was tried, what was seen, and what to do; it holds no secret.

    What a library says of its trouble may hold one that was read here, in some form: it is struck out of every message.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(KNOWN.clean(message))


class Temporary(PortError):  # noqa: N818 - the two kinds read as adjectives: `except Temporary`
    """Trying again may help; whoever called retries, within bounds."""


class Permanent(PortError):  # noqa: N818 - see Temporary
    """Trying again cannot help until a person changes something."""


class NotApplied(Permanent):
    """Nothing was changed, and that is known: it was refused before anything was asked of the world."""
