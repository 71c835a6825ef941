"""On which platform a unit runs: the name of the plugin that runs it there, moves its traffic and measures it."""

from typing import Protocol

from headgate.core.model.identity import Unit

HOST = "host"
"""The platform of whatever does not say otherwise: processes of the machine that Headgate itself runs on."""


class Placed(Protocol):
    """Whatever is on record with the platform of a unit: an intent, a leg, a move of a summary, what a unit runs."""

    @property
    def unit(self) -> Unit:
        """The unit."""
        ...

    @property
    def platform(self) -> str:
        """The platform's name in the registry of plugins."""
        ...
