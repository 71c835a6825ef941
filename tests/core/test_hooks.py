"""What a hook's news lead to: decisions over what is known."""

import pytest
from msgspec.structs import replace

from headgate.core.home.facts import (
    AnyHomeEvent,
    FreezeSet,
    Hook,
    HookAdded,
    HookReceived,
    HookRemoved,
    folded,
)
from headgate.core.home.hooks import SCOPES_MAX, Alert, Where, at_least, decide, holds, moves, own, where
from headgate.core.model import Firing, Push, Scope, Severity, Unit, Version
from headgate.core.model.summary import Move, Summary

ADDED = HookAdded(
    at=1.0,
    by="ada",
    hook="pager",
    vendor="alertmanager",
    does="pause",
    digest="0" * 64,
    environments=("production", "staging"),
)


def alert(key: str, scope: Scope = Scope(), *, firing: bool = True, severity: str = "critical") -> Alert:  # noqa: B008 - frozen
    return Alert(key, key.upper(), firing, severity, scope)


def received(number: int = 1, **given: object) -> HookReceived:
    event = HookReceived(at=float(number), by="hook pager", hook="pager", event="push", digest=f"b{number}")
    return replace(event, **given)


def hook(*events: AnyHomeEvent) -> Hook:
    return folded((ADDED, *events)).hooks["pager"]


# --- severity -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "declared", "counts"),
    [
        ("critical", "critical", True),
        ("Page", "critical", True),
        ("warning", "critical", False),
        ("ticket", "warning", True),
        ("error", "warning", True),
        ("none", "info", False),
        ("", "info", False),
        ("dreadful", "info", False),
    ],
)
def test_an_alert_counts_from_the_declared_severity_on(
    severity: str, declared: Severity, *, counts: bool
) -> None:
    assert at_least(severity, declared) is counts


# --- what is new --------------------------------------------------------------------------------------------------


def test_an_alert_leads_to_something_once_while_it_fires() -> None:
    first = decide(hook(), [alert("a"), alert("a")])
    assert (first.fired, first.begin) == ((Firing("a", "A"),), {Scope(): "alert A"})
    known = hook(received(fired=first.fired))
    again = decide(known, [alert("a"), alert("b")])
    assert (again.fired, again.begin) == ((Firing("b", "B"),), {Scope(): "alert B"})


def test_a_place_is_over_when_its_last_alert_is() -> None:
    web = Scope(environment="production", service="web")
    known = hook(received(fired=(Firing("a", "A", web), Firing("b", "B", web), Firing("c", "C"))))
    assert decide(known, [alert("a", web, firing=False)]).end == ()
    assert decide(known, [alert(key, web, firing=False) for key in "ab"]).end == (web,)
    moved = decide(known, [alert("a", web, firing=False), alert("b", web, firing=False), alert("d", web)])
    assert (moved.end, moved.resolved) == ((), ("a", "b"))


def test_what_was_never_told_of_is_not_over() -> None:
    decision = decide(hook(), [alert("a", firing=False)])
    assert (decision.resolved, decision.end, decision.passed_over) == ((), (), 0)


def test_what_concerns_others_is_counted_and_passed_over() -> None:
    strange = [alert("a", Scope(environment="test")), alert("b", severity="info")]
    decision = decide(hook(), strange)
    assert (decision.fired, decision.begin, decision.passed_over) == ((), {}, 2)


def test_reasons_name_a_few_and_count_the_rest() -> None:
    assert decide(hook(), [alert(key) for key in "abcde"]).begin == {Scope(): "alerts A, B, C and 2 more"}


def test_more_places_than_can_be_told_apart_are_all_places() -> None:
    def many(number: int) -> list[Scope]:
        scopes = [Scope(service=f"s{n}") for n in range(number)]
        return list(decide(hook(), [alert(scope.service, scope) for scope in scopes]).begin)

    assert len(many(SCOPES_MAX)) == SCOPES_MAX
    assert many(SCOPES_MAX + 1) == [Scope()]


# --- where --------------------------------------------------------------------------------------------------------


def test_labels_narrow_the_hooks_own_place() -> None:
    assert where(ADDED, Scope()) == Where(("production", "staging"), (), ())
    assert where(ADDED, Scope("shop", "staging", "web")) == Where(("staging",), ("shop",), ("web",))


@pytest.mark.parametrize(
    ("scope", "there"),
    [
        (Scope(), True),
        (Scope("shop", "production", "web"), True),
        (Scope(service="api"), False),
        (Scope(environment="staging"), False),
        (Scope(project="other"), False),
    ],
)
def test_a_release_is_moved_only_where_it_fires(scope: Scope, *, there: bool) -> None:
    version = Version(Unit("shop", "production", "web"), "1" * 64, "1" * 64)
    summary = Summary(
        "r1", 1, "shop", "production", (Move(version.unit, None, version),), "ada", 1.0, 1.0, "baking"
    )
    assert moves(ADDED, scope, summary) is there


def test_a_freeze_is_the_hooks_own_by_its_author_and_its_place() -> None:
    frozen = FreezeSet(
        at=1.0, by="hook pager", freeze="f1", reason="", begins_at=1.0, environments=("staging",)
    )
    assert own(frozen, ADDED)
    assert holds(frozen, where(ADDED, Scope(environment="staging")))
    assert not holds(frozen, where(ADDED, Scope()))


# --- what is known ------------------------------------------------------------------------------------------------


def test_a_delivery_is_known_by_its_name_and_by_its_body() -> None:
    known = hook(received(delivery="d1"))
    assert [
        known.knows("d1", "x"),
        known.knows("d2", "b1"),
        known.knows("d2", "b2"),
        known.knows("", "b2"),
    ] == [
        True,
        True,
        False,
        False,
    ]


def test_what_is_known_is_bounded_and_the_last_thousand_are_in_it() -> None:
    known = hook(*(received(n, delivery=f"d{n}") for n in range(1500)))
    assert (known.received, known.last_at) == (1500, 1499.0)
    assert [known.knows(f"d{n}", "") for n in (499, 500, 1499)] == [False, True, True]


def test_branches_move_and_go() -> None:
    def push(number: int, commit: str, kind: str = "branch") -> HookReceived:
        return received(number, pushes=(Push(kind, "acme/shop", "main", commit),))  # type: ignore[arg-type]

    assert [
        head.push.commit for head in hook(push(1, "aa"), push(2, "bb"), push(3, "cc", "merge")).heads.values()
    ] == ["bb"]
    assert hook(push(1, "aa"), push(2, "")).heads == {}


def test_a_hook_that_is_removed_is_forgotten_and_hears_nothing() -> None:
    home = folded((ADDED, received(), HookRemoved(at=2.0, by="ada", hook="pager"), received(2)))
    assert (home.hooks, home.number) == ({}, 4)
    assert hook(HookRemoved(at=2.0, by="ada", hook="pager"), ADDED).seen == ()
