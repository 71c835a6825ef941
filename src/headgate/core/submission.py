"""What a person asks of a controller: releases to begin, with the rules of the environment and their reasons."""

import msgspec

from headgate.core.admission import Words
from headgate.core.model import Intent
from headgate.core.planning import Policies


class Submission(msgspec.Struct, frozen=True):
    """What a person asks for. `rollback_to` names the earlier release whose versions are wanted back."""

    intents: tuple[Intent, ...]
    policies: Policies
    author: str
    reason: str = ""
    words: Words = Words()
    rollback_to: str | None = None
