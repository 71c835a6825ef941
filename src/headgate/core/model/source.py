"""Sources of signals besides the proxy: declared in the project file, kept in the plan, opened by wiring."""

from typing import Any

import msgspec

from headgate.core.model.identity import Reach

OWN = frozenset({"process", "service"})
"""Kinds of sources that ask the instances themselves, by process or address: they tell a fresh baseline apart."""


class Source(msgspec.Struct, frozen=True):
    """A source of signals that a service declares.

    `name` is what the project file calls it, `kind` the plugin that reads it (`prometheus`), `settings` what stands
    there beside `source`: plain JSON values, already checked against the plugin's own `Settings`. A credential is in
    none of them: where one is needed, the setting says from where it is read (`SecretSource`, as JSON).
    """

    name: str
    kind: str
    settings: dict[str, Any] = {}
    reach: Reach = "private"
