"""Reports by hooks: alerts that fire, branches that moved, and what a hook does about them."""

from typing import Literal

import msgspec

Vendor = Literal["github", "gitlab", "gitea", "bitbucket", "alertmanager"]
"""Who sends. `gitea` is Forgejo, too."""

HookAction = Literal["note", "pause", "abort", "freeze"]
"""What an alert leads to; a Git host's news are noted."""

Severity = Literal["info", "warning", "critical"]


class Scope(msgspec.Struct, frozen=True, order=True):
    """What an alert's labels say about where it fires; empty: they do not say."""

    project: str = ""
    environment: str = ""
    service: str = ""


class Firing(msgspec.Struct, frozen=True):
    """An alert that fires. `key` is the same as long as it does, and another one the next time."""

    key: str
    name: str
    scope: Scope = Scope()


class Push(msgspec.Struct, frozen=True):
    """A branch or tag of a repository stands at `commit` since `by` pushed; an empty commit: it is gone.

    A merge request that was merged is told as such, with the branch that it went into.
    """

    kind: Literal["branch", "tag", "merge"]
    repository: str
    ref: str
    commit: str
    by: str = ""


class Head(msgspec.Struct, frozen=True):
    """Where a branch or tag stands, and since when (seconds since the epoch)."""

    push: Push
    at: float
