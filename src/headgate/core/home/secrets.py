"""Secrets that the host's owner has declared for others to use: by name, for whom, and to where they may be sent.

Whoever comes in by the front door names no file and no variable of the host: the controller would read it for them and
send it where they say. They name a declaration, which says what it is for; the rest follows from it. See decision 20.
"""

from collections.abc import Mapping

import msgspec

from headgate.core.model import SecretSource

DECLARED = "secret"
"""The kind of a `SecretSource` that names a declaration."""


class Declaration(msgspec.Struct, frozen=True):
    """`source` is where it is read. It is for sources, channels and markers called so (`used_by`) in these `projects`.

    `to` are the hosts that it may be sent to (`api.example.com`, `db.internal`); none: it is sent nowhere, which is
    enough for a secret that is an address itself.
    """

    source: SecretSource
    projects: tuple[str, ...]
    used_by: tuple[str, ...]
    to: tuple[str, ...] = ()


Declarations = Mapping[str, Declaration]


def use_objection(declarations: Declarations, name: str, user: str, project: str | None = None) -> str:
    """Why `user` may not use the secret `name`; empty: they may. `project` None: that is not asked here."""
    declared = declarations.get(name)
    add = f"`headgate secret add {name} --file PATH --project {project or 'PROJECT'} --used-by {user} --to HOST`"
    if declared is None:
        return f"no secret is called {name!r} on this host; its owner may declare it: {add}"
    if user not in declared.used_by:
        return f"the secret {name!r} is not for {user!r}; the owner of the host may declare it anew: {add}"
    if project is not None and project not in declared.projects:
        return f"the secret {name!r} is not for the project {project!r}; the owner of the host may declare it: {add}"
    return ""


def send_objection(declarations: Declarations, name: str, host: str) -> str:
    """Why the secret `name` may not be sent to `host`; empty: it may."""
    declared = declarations.get(name)
    if declared is not None and plain_host(host) in map(plain_host, declared.to):
        return ""
    known = ", ".join(declared.to) if declared is not None else ""
    return (
        f"the secret {name!r} may not be sent to {host!r} (but to {known or 'nowhere'}); the owner of the host says "
        f"where to: `headgate secret add {name} ... --to {host}`"
    )


def unnamed_objection(source: SecretSource) -> str:
    """Why this cannot come in by the front door; empty: it names a declaration."""
    if source.kind == DECLARED:
        return ""
    what = "a file" if source.kind == "file" else "an environment variable"
    return (
        f"what comes in by the front door may not name {what} of the host; name a secret that its owner has declared: "
        '`{"kind": "secret", "name": NAME}` (`headgate secret add NAME --file PATH --project PROJECT --used-by WHO '
        "--to HOST`)"
    )


def plain_host(host: str) -> str:
    """A host's name as it is compared."""
    return host.strip().lower().removesuffix(".").removeprefix("[").removesuffix("]")
