"""What the machine raises; the state is unchanged whenever it does."""


class Illegal(Exception):  # noqa: N818 - the domain's word, as in `except Illegal`
    """The event cannot happen now. The message says what can."""


class Stale(Illegal):
    """An answer to an effect that is no longer pending: late, doubled, or abandoned. It is safe to drop."""
