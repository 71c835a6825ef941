"""The home: tokens and freezes as a fold of facts."""

from headgate.core.home.facts import (
    AnyHomeEvent,
    FreezeLifted,
    FreezeSet,
    Home,
    SignedIn,
    TokenIssued,
    TokenRevoked,
    folded,
    frozen,
)
from headgate.core.model import Unit

WEB = Unit("shop", "production", "web")


def freeze(**where: object) -> FreezeSet:
    return FreezeSet(at=1.0, by="ada", freeze="f1", reason="holidays", begins_at=10.0, ends_at=20.0, **where)  # type: ignore[arg-type]


def home(*events: AnyHomeEvent) -> Home:
    return folded(events)


def test_a_freeze_holds_from_its_beginning_until_its_end() -> None:
    stands = home(freeze()).freezes["f1"]
    assert [stands.holds(WEB, at) for at in (9.9, 10.0, 19.9, 20.0)] == [False, True, True, False]


def test_a_freeze_holds_only_where_it_says() -> None:
    for where, holds in (
        ({"environments": ("production",)}, True),
        ({"environments": ("staging",)}, False),
        ({"projects": ("shop",), "services": ("web", "api")}, True),
        ({"projects": ("shop",), "services": ("api",)}, False),
    ):
        assert home(freeze(**where)).freezes["f1"].holds(WEB, 15.0) is holds


def test_a_lifted_freeze_holds_no_longer_and_did_before() -> None:
    stands = home(freeze(), FreezeLifted(at=12.0, by="ada", freeze="f1")).freezes["f1"]
    assert [stands.active(at) for at in (11.0, 12.0, 15.0)] == [True, False, False]


def test_a_token_is_good_until_it_expires_or_is_revoked() -> None:
    issued = TokenIssued(
        at=1.0, by="ada", token="t1", name="ci", digest="0" * 64, role="operator", expires_at=9.0
    )
    assert [home(issued).tokens["t1"].good(at) for at in (8.9, 9.0)] == [True, False]
    assert not home(issued, TokenRevoked(at=2.0, by="ada", token="t1")).tokens["t1"].good(3.0)


def test_what_names_nothing_known_is_counted_and_changes_nothing() -> None:
    strangers = (
        TokenRevoked(at=1.0, by="ada", token="t9"),
        FreezeLifted(at=1.0, by="ada", freeze="f9"),
        SignedIn(at=1.0, by="ada", how="token", role="viewer"),
    )
    assert home(*strangers) == Home(number=3)


def test_who_signs_in_is_known_by_every_name_and_by_none_of_anothers() -> None:
    def signed_in(subject: str, name: str, how: str = "https://one.example") -> SignedIn:
        return SignedIn(at=1.0, by=name, how=how, role="viewer", subject=subject)

    people = (
        signed_in("s1", "ada"),
        signed_in("s1", "countess"),
        signed_in("s1", "ada"),
        signed_in("s2", "ada"),
    )
    other = signed_in("s1", "eve", "https://two.example")
    assert home(*people, other).called == {
        ("https://one.example", "s1"): ("ada", "countess"),
        ("https://one.example", "s2"): ("ada",),
        ("https://two.example", "s1"): ("eve",),
    }


def test_the_units_that_are_frozen_are_named_with_their_freeze() -> None:
    other = Unit("shop", "staging", "web")
    stands = home(freeze(environments=("production",)))
    assert frozen(stands, (WEB, other), 15.0) == {WEB: "f1, by ada: holidays"}
    assert frozen(stands, (WEB, other), 25.0) == {}


def test_a_fold_can_be_carried_on() -> None:
    events = (freeze(), FreezeLifted(at=12.0, by="ada", freeze="f1"))
    assert folded(events[1:], folded(events[:1])) == folded(events)
