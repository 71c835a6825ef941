"""Roles and permissions in one table: everything that lets somebody in reads it."""

from dataclasses import dataclass, field
from typing import Literal

from headgate.core.home.facts import AccessRole
from headgate.core.model.foreign import clean_name

Permission = Literal["read", "operate", "approve", "administer"]

PERMISSIONS: dict[AccessRole, frozenset[Permission]] = {
    "viewer": frozenset({"read"}),
    "operator": frozenset({"read", "operate"}),
    "approver": frozenset({"read", "operate", "approve"}),
    "admin": frozenset({"read", "operate", "approve", "administer"}),
}
"""`operate` begins, pauses, resumes, aborts and undoes; `approve` lets waiting steps go on and overrides the judge."""

Door = Literal["socket", "token", "session", "hook"]


@dataclass(frozen=True)
class Who:
    """Somebody who asks. `environments` empty: all of them. `door` is how they came in, `token` the id of theirs.

    `also` are other names of the same person: they give no right, and what was done under one is their own doing.
    `session` is the digest that their session is kept by, if they came by one.
    """

    name: str
    role: AccessRole
    door: Door
    environments: tuple[str, ...] = ()
    token: str = field(default="", compare=False)
    also: frozenset[str] = field(default=frozenset(), compare=False)
    session: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """The name goes on record: cleaned, while what it was still tells whose doing something is."""
        shown = clean_name(self.name)
        if shown != self.name:
            object.__setattr__(self, "also", self.also | {self.name})
            object.__setattr__(self, "name", shown)

    def may(self, permission: Permission, environment: str | None = None) -> bool:
        """Whether they may do this, there. None: anywhere at all (what is not bound to an environment)."""
        if permission not in PERMISSIONS[self.role]:
            return False
        return environment is None or not self.environments or environment in self.environments

    @property
    def names(self) -> frozenset[str]:
        """Everything they are called (`core.home.identity` says what is their own doing)."""
        return self.also | {self.name}


NOBODY = Who("nobody", "viewer", "hook")
"""Who sends to a hook, before it is known who that is."""

OWNER = "owner"
"""Who opens the unix socket: only the owner of the home can, and so may do anything."""


def owner(name: str = OWNER) -> Who:
    """Whoever came by the unix socket."""
    return Who(name, "admin", "socket")
