"""Changes to a home's freezes, barriers, tokens and hooks: by the controller where one runs, else written here."""

import asyncio
from typing import Any

import msgspec

from headgate.cli.ask.client import Client, NoController, refusal
from headgate.cli.session import Session, person
from headgate.homes import hooks_of, socket_of


def keep(
    session: Session, name: str, path: str, body: object = None, params: dict[str, str] | None = None
) -> dict[str, Any]:
    """What the endpoint `name` of the API, at `METHOD PATH`, answers. `params` are those that `path` has already.

    Raises Unable for what is refused, LedgerError.
    """
    method, _, place = path.partition(" ")
    try:
        return Client(socket_of(session.home)).ask(method, place, body)
    except NoController:
        return asyncio.run(_kept_here(session, name, body, params or {}))


async def _kept_here(session: Session, name: str, body: object, params: dict[str, str]) -> dict[str, Any]:
    """The same endpoint, in this process."""
    from headgate import wiring
    from headgate.web.api.barriers import BarrierKeeping
    from headgate.web.api.home import HomeKeeping
    from headgate.web.api.hooks import HookKeeping
    from headgate.web.doors.tokens import HomeBook
    from headgate.web.hooks.vault import FileVault
    from headgate.web.http.endpoint import Call
    from headgate.web.http.problems import Problem
    from headgate.web.http.who import owner

    ledger = wiring.open_ledger(session.home, write=True)
    try:
        book = HomeBook(ledger)
        hooks = HookKeeping(book, FileVault(hooks_of(session.home)))
        kept = BarrierKeeping(book, ledger)
        known = (*HomeKeeping(book).endpoints(), *hooks.endpoints(), *kept.endpoints())
        endpoint = next(one for one in known if one.name == name)
        asked = msgspec.convert(body, endpoint.body) if endpoint.body else None
        reply = await endpoint.handler(Call(owner(person()), params, None, asked))
    except Problem as problem:
        document = problem.document
        raise refusal(document.status, document.title, document.detail) from problem
    except msgspec.ValidationError as error:
        raise refusal(422, "malformed request", str(error)) from error
    finally:
        ledger.close()
    return msgspec.convert(msgspec.to_builtins(reply.content), dict[str, Any])
