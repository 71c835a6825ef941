"""Who is meant: a unit is a service in an environment, a version is what it runs."""

from typing import Literal

import msgspec


class Unit(msgspec.Struct, frozen=True, order=True):
    """A service in an environment of a project: the thing that traffic is sent to and that a release moves."""

    project: str
    environment: str
    service: str

    def __str__(self) -> str:
        """`project/environment/service`, the form people read and files are keyed by."""
        return f"{self.project}/{self.environment}/{self.service}"


class Version(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """What a unit runs: an artifact's digest *and* the hash of its configuration; changing either is a new version.

    `artifact` and `configuration` are full SHA-256 digests in lower-case hex (64 characters). `fresh`: a second run of
    the same, started with a canary so that it can be compared with what is as new as itself; it is never released.
    """

    unit: Unit
    artifact: str
    configuration: str
    fresh: bool = False

    @property
    def key(self) -> str:
        """A short name, unique in practice, fit for files and proxy clusters: `<artifact:12>-<configuration:8>`.

        That of a fresh one ends with `-fresh`.
        """
        return f"{self.artifact[:12]}-{self.configuration[:8]}{'-fresh' if self.fresh else ''}"

    def __str__(self) -> str:
        """`service@key`."""
        return f"{self.unit.service}@{self.key}"


# By which door something that connects out was declared, and so how far it may reach.

Reach = Literal["private", "public"]
"""`private`: the owner of the host declared it, who can reach what is near the host anyway. `public`: it came in by the
front door, and reaches what everybody can, and what the home allows by name. It is set at intake, never by who asks."""
