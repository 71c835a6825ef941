"""Tokens, sessions, tickets and limits: what opens a door, and for how long."""

import asyncio
from itertools import pairwise

import pytest

from headgate.ledger import MemoryLedger
from headgate.web.doors import tokens as module
from headgate.web.doors.limits import Limiter, Rate
from headgate.web.doors.sessions import AGE_MAX_S, IDLE_S, SESSIONS_MAX, TICKET_S, Sessions, Tickets
from headgate.web.doors.tokens import Grant, HomeBook, Tokens, TooMany, token_id
from headgate.web.http.who import PERMISSIONS, Who, owner


def tokens(ledger: MemoryLedger | None = None) -> Tokens:
    return Tokens(HomeBook(ledger or MemoryLedger()))


def issue(found: Tokens, grant: Grant | None = None) -> str:
    return asyncio.run(found.issue(grant or Grant("ci", "operator"), "ada", 1.0))


def test_a_token_opens_what_it_was_given_for() -> None:
    found = tokens()
    text = issue(found, Grant("ci", "operator", ("staging",), expires_at=9.0))
    assert found.who(text, 2.0) == Who("ci", "operator", "token", ("staging",))
    assert found.who(text, 9.0) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: text + "x",
        lambda text: text.replace("hg_", "xx_"),
        lambda text: text.rpartition("_")[0] + "_",
        lambda text: "hg_" + "0" * 12 + "_" + text.rpartition("_")[2],
        lambda _: "",
        lambda _: "_" * 50,
        lambda text: text.upper(),
    ],
)
def test_anything_else_opens_nothing(spoil: object) -> None:
    found = tokens()
    assert found.who(spoil(issue(found)), 2.0) is None  # type: ignore[operator]


def test_a_revoked_token_opens_nothing_whoever_reads_the_ledger() -> None:
    ledger = MemoryLedger()
    here, there = tokens(ledger), tokens(ledger)
    text = issue(here)
    assert there.who(text, 2.0) is not None
    assert asyncio.run(there.revoke(token_id(text), "ada", 3.0, "leaked"))
    assert not asyncio.run(here.revoke(token_id(text), "ada", 3.0))
    assert here.who(text, 4.0) is None


def test_no_secret_of_a_token_is_in_the_ledger() -> None:
    ledger = MemoryLedger()
    secret = issue(tokens(ledger)).rpartition("_")[2]
    assert all(secret.encode() not in record.body for record in ledger.records())


def test_there_are_only_so_many_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOKENS_MAX", 2)
    found = tokens()
    first, _ = issue(found), issue(found)
    with pytest.raises(TooMany):
        issue(found)
    asyncio.run(found.revoke(token_id(first), "ada", 1.0))
    issue(found)


def sessions(good: bool = True) -> Sessions:  # noqa: FBT001, FBT002 - a test's switch
    return Sessions(lambda session, _at: session.who if good else None)


def test_a_session_lives_while_it_is_used_and_no_longer_than_its_age() -> None:
    found = sessions()
    name = found.begin(owner(), 0.0)
    at = 0.0
    while at + IDLE_S / 2 < AGE_MAX_S:
        at += IDLE_S / 2
        assert found.find(name, at) is not None
    assert found.find(name, AGE_MAX_S) is None


def test_an_idle_session_is_over() -> None:
    found = sessions()
    assert found.find(found.begin(owner(), 0.0), IDLE_S) is None


def test_a_session_ends_with_its_token_and_when_its_person_signs_out() -> None:
    revoked = sessions(good=False)
    assert revoked.find(revoked.begin(owner(), 0.0, "t1"), 1.0) is None
    found = sessions()
    name = found.begin(owner(), 0.0)
    found.end(name, 1.0)
    assert found.find(name, 1.0) is None


def test_a_name_that_somebody_else_chose_opens_nothing() -> None:
    """Session fixation: names are made here only."""
    assert sessions().find("chosen", 1.0) is None


def test_every_session_has_its_own_name_and_its_own_text_against_forgery() -> None:
    found = sessions()
    names = [found.begin(owner(), 0.0) for _ in range(3)]
    opened = [found.find(name, 1.0) for name in names]
    assert len({*names, *(one.csrf for one in opened if one)}) == 6


def test_there_are_only_so_many_sessions() -> None:
    found = sessions()
    names = [found.begin(owner(f"person {n}"), 0.0) for n in range(SESSIONS_MAX + 1)]
    alive = [found.find(name, 1.0) is not None for name in (names[0], names[1], names[-1])]
    assert alive == [False, True, True]


def test_a_ticket_is_good_once_and_soon() -> None:
    tickets = Tickets()
    text = tickets.issue(owner(), 0.0)
    assert tickets.redeem(text, 1.0) == owner()
    assert tickets.redeem(text, 1.0) is None
    assert tickets.redeem(tickets.issue(owner(), 0.0), TICKET_S) is None


def test_a_limit_lets_a_burst_through_and_then_so_many_a_second() -> None:
    limiter = Limiter(Rate(3, 2))
    assert [limiter.wait_s("a", 0.0) for _ in range(4)] == [0, 0, 0, 1]
    assert limiter.wait_s("b", 0.0) == 0
    assert [limiter.wait_s("a", 1.0) for _ in range(3)] == [0, 0, 1]


def test_each_role_may_all_that_the_one_before_may() -> None:
    roles = [PERMISSIONS[role] for role in ("viewer", "operator", "approver", "admin")]
    assert all(less < more for less, more in pairwise(roles))
    assert not Who("ada", "operator", "token", ("staging",)).may("operate", "production")
