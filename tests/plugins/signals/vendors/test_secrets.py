"""No secret in any message, whichever field it is planted in and whatever the vendor echoes.

The fields are found by their type, in the `Settings` of every vendor on docs/sources.md.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from headgate.core.model import SecretSource, Source
from headgate.ports.errors import PortError
from headgate.ports.registry import create, settings_type
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.fakes.web import MemoryWeb
from tests.planted import forms
from tests.plugins.signals.vendors.test_sources_page import MINE, SIGNALS, VERSION, read

PLANTED = "pl4nted/secret+{}=='\"&<\\>%41 x"


def secret_fields(kind: str) -> list[tuple[str, bool]]:
    """The fields of a plugin's settings that name a secret, and whether each is required."""
    settings = settings_type("signals", kind)
    assert settings is not None
    return [
        (field.name, field.required)
        for field in msgspec.structs.fields(settings)
        if SecretSource in (field.type, *get_args(field.type))
    ]


EXAMPLES = {kind: settings for block in SIGNALS for kind, settings in read(block).items()}
FIELDS = [(kind, field) for kind in MINE for field, _ in secret_fields(kind)]


def planted(kind: str, field: str, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], list[str]]:
    """Settings with secrets in `field` and in what is required; and those secrets."""
    fields = dict(secret_fields(kind))
    names = [name for name in fields if fields[name] or name == field]
    settings = {name: value for name, value in EXAMPLES[kind].items() if name not in fields}
    for name in names:
        monkeypatch.setenv(f"HEADGATE_TEST_{name}", PLANTED.format(name))
        settings[name] = {"kind": "env", "name": f"HEADGATE_TEST_{name}"}
    return settings | ({"user": "headgate"} if field == "password" else {}), [
        PLANTED.format(name) for name in names
    ]


def echo(request: Request) -> bytes:
    return repr((dict(request.headers), request.url, request.secrets, request.body)).encode()


def cut_off(_: Request) -> Answer:
    raise EOFError


TROUBLES: list[Callable[[Request], Answer]] = [
    *(
        lambda request, status=status: Answer(status, {}, echo(request))
        for status in (200, 400, 401, 403, 404, 429, 500, 503)
    ),
    lambda request: Answer(200, {}, msgspec.json.encode({"errors": [echo(request).decode()]})),
    lambda request: Answer(200, {}, msgspec.json.encode({"error": echo(request).decode()})),
    lambda request: Answer(200, {}, msgspec.json.encode({"status": echo(request).decode(), "data": 1})),
    cut_off,
]


def test_every_vendor_has_a_secret() -> None:
    assert {kind for kind, _ in FIELDS} == set(MINE)


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_no_secret_is_told(kind: str, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, secrets = planted(kind, field, monkeypatch)
    told = [msgspec.json.encode(Source(kind, kind, settings)).decode()]
    nothing: Any = None
    for trouble in TROUBLES:
        web = MemoryWeb(trouble)
        wires = Wires(Path(), nothing, nothing, lambda _: (), name=kind, settings=settings, web=web)
        source = create("signals", kind, wires)
        with pytest.raises(PortError) as raised:
            asyncio.run(source.read(VERSION))
        told += [str(raised.value), repr(raised.value), repr(vars(source))]
        told += [repr(look) for look in asyncio.run(source.inspect(VERSION))]
        used = {secret for request in web.asked for secret in request.secrets}
        assert PLANTED.format(field) in used
        secrets += used
    shown = "\n".join(told)
    for secret in secrets:
        assert not [form for form in forms(secret) if form in shown]
