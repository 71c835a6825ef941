"""The keeper of secrets: the owner may read any, what came in by the front door only those declared for it.

A plugin's settings name its secrets (`SecretSource`). `settings_of` binds each to the keeper that the plugin was wired
with, and `read_secret` asks that keeper: no plugin can forget to. What is sent with such a secret goes only to the
hosts that its declaration names (`Confined`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import msgspec

from headgate.core.home.secrets import (
    DECLARED,
    Declarations,
    send_objection,
    unnamed_objection,
    use_objection,
)
from headgate.core.model import SecretSource
from headgate.ports.errors import Permanent
from headgate.ports.web import Answer, Request, Web

T = TypeVar("T")


def nothing_declared() -> Declarations:
    """For a home whose owner has declared no secret."""
    return {}


@dataclass(frozen=True)
class Keeper:
    """For `user`, a source, a channel or a marker. `public`: it came in by the front door.

    `declarations` reads what the home's owner has declared, anew each time; it raises Permanent.
    """

    declarations: Callable[[], Declarations] = nothing_declared
    user: str = ""
    public: bool = False

    def narrowed(self, user: str, *, public: bool) -> "Keeper":
        """The same for somebody."""
        return replace(self, user=user, public=public)

    def place(self, source: SecretSource) -> SecretSource:
        """Where the secret is read. Raises Permanent where it may not be, or is not declared (any more)."""
        if self.public and (objection := unnamed_objection(source)):
            raise Permanent(objection)
        if source.kind != DECLARED:
            return source
        declarations = self.declarations()
        objection = use_objection(declarations, source.name, self.user)
        if objection and (self.public or source.name not in declarations):
            raise Permanent(objection)
        return declarations[source.name].source

    def require_to(self, secrets: tuple[str, ...], host: str) -> None:
        """Raises Permanent where one of these may not be sent to `host`."""
        for name in secrets if self.public else ():
            if objection := send_objection(self.declarations(), name, host):
                raise Permanent(objection)


class Kept(SecretSource, frozen=True):
    """A secret's place with the keeper that says whether it may be read."""

    keeper: Keeper = Keeper()


@dataclass(frozen=True)
class Confined:
    """The web (`ports.Web`) for a plugin that sends these declared secrets: only to where each may be sent."""

    web: Web
    keeper: Keeper
    secrets: tuple[str, ...]

    async def ask(self, request: Request) -> Answer:
        """See ports.Web. Raises Permanent before anything is sent elsewhere."""
        self.keeper.require_to(self.secrets, urlsplit(request.url).hostname or "")
        return await self.web.ask(request)


def bound(settings: T, keeper: Keeper) -> T:
    """The settings with every secret in them bound to `keeper`."""
    return cast("T", _bound(settings, keeper))


def _bound(value: object, keeper: Keeper) -> object:
    if isinstance(value, SecretSource):
        return Kept(value.kind, value.name, keeper)
    if isinstance(value, msgspec.Struct):
        changed = {name: _bound(getattr(value, name), keeper) for name in value.__struct_fields__}
        differs = any(changed[name] is not getattr(value, name) for name in changed)
        return msgspec.structs.replace(value, **changed) if differs else value
    if isinstance(value, dict):
        found = cast("dict[Any, object]", value)
        made = {name: _bound(one, keeper) for name, one in found.items()}
        return made if any(made[name] is not one for name, one in found.items()) else found
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        done = tuple(_bound(one, keeper) for one in items)
        return done if any(new is not old for new, old in zip(done, items, strict=True)) else items
    return value


def secrets_in(value: object, where: str = "") -> Iterator[tuple[str, SecretSource]]:
    """Every secret that plain JSON names, with its place: whatever the plugin that these settings are for."""
    if isinstance(value, Mapping):
        found = cast("Mapping[str, object]", value)
        if set(found) == {"kind", "name"} and found["kind"] in ("file", "env", DECLARED):
            yield where, msgspec.convert(dict(found), SecretSource)
            return
        for key, one in found.items():
            yield from secrets_in(one, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list | tuple):
        for index, one in enumerate(cast("list[object]", value)):
            yield from secrets_in(one, f"{where}[{index}]")
