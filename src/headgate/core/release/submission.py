"""A submission to a controller: the releases asked for, with the rules of their environment and the reasons."""

import msgspec

from headgate.core.model import Intent, Unit
from headgate.core.release.admission import Words
from headgate.core.release.planning import Policies


class Submission(msgspec.Struct, frozen=True):
    """What a person asks for. `rollback_to` names the earlier release whose versions are wanted back.

    `declared` are all the units that the project file names, so that what is in the way can be said to be wanted or
    not; None: nobody says.
    """

    intents: tuple[Intent, ...]
    policies: Policies
    author: str
    reason: str = ""
    words: Words = Words()
    rollback_to: str | None = None
    declared: tuple[Unit, ...] | None = None
