"""How a port fails: with a sentence for people, and as a type that says whether trying again can help."""


class PortError(Exception):
    """What a port raises. The message says what was tried, what was seen, and what to do; it holds no secret."""


class Temporary(PortError):  # noqa: N818 - the two kinds read as adjectives: `except Temporary`
    """Trying again may help; whoever called retries, within bounds."""


class Permanent(PortError):  # noqa: N818 - see Temporary
    """Trying again cannot help until a person changes something."""
