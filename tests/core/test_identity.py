"""One person has one identity, however their name is written and by whichever door they come."""

import pytest

from headgate.core.home.facts import SignedIn, TokenIssued, folded
from headgate.core.home.identity import folded_name, is_theirs

ISSUED = TokenIssued(
    at=1.0, by="owner", token="t1", name="grace-ci", digest="", role="operator", person="Grace"
)
CAME = SignedIn(at=2.0, by="grace@example.com", how="https://id", role="approver", subject="42")
ALSO = SignedIn(at=3.0, by="grace (42 at id)", how="https://id", role="approver", subject="42")
HOME = folded([ISSUED, CAME, ALSO])


@pytest.mark.parametrize(
    "spelt",
    [
        "Grace",
        " grace ",
        "GRACE",
        "\uff47race",  # a full-width g
        "gra\u200bce",
        "\u202egrace",
        "gr\u00adace",
        "grace\u00a0",
        "gra\ufe0fce",
        "grace\x00",
    ],
)
def test_however_it_is_spelt(spelt: str) -> None:
    assert folded_name(spelt) == "grace"
    assert is_theirs(folded([]), {spelt}, "grace")
    assert is_theirs(folded([]), {"grace"}, spelt)


@pytest.mark.parametrize("one", ["ada\u2003lovelace", "Ada \t Lovelace", "ada\u3000lovelace"])
def test_one_space_is_as_good_as_another(one: str) -> None:
    assert folded_name(one) == "ada lovelace"


def test_others_are_others() -> None:
    for one, other in (("grace", "ada"), ("grace", "grace2"), ("grace", ""), ("adalovelace", "ada lovelace")):
        assert not is_theirs(HOME, {one}, other)


def test_a_token_is_its_persons() -> None:
    assert is_theirs(HOME, {"grace"}, "grace-ci"), "what the token began"
    assert is_theirs(HOME, {"GRACE-CI", "Grace"}, "grace"), "the Unix user, or another door"
    assert not is_theirs(folded([]), {"grace"}, "grace-ci")


def test_a_subject_of_an_issuer_is_one_person_whatever_they_are_called() -> None:
    assert is_theirs(HOME, {"grace@example.com"}, "Grace (42 at id)")
    more = TokenIssued(
        at=1.0, by="owner", token="t2", name="robot", digest="", role="operator", person="Grace@Example.com"
    )
    assert is_theirs(folded([more], HOME), {"grace (42 at id)"}, "robot"), "from name to name"
