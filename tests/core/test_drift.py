"""Declared, recorded and real compared: each kind of difference, and what is none."""

import pytest
from msgspec.structs import replace

from headgate.core.drift import (
    KINDS,
    OF_THE_WORLD,
    Condition,
    Declared,
    Part,
    Pictures,
    Real,
    Recorded,
    Seen,
    condition,
    differences,
    of_part,
)
from headgate.core.model import Listener, ProxyRules, Routing
from tests.core.ride import NEW, OLD, WEB

PLACE = Listener(8000)
STRICT, PREVIEWED = Listener(8000, proxy=ProxyRules(trusted=())), Listener(8000, preview_port=8001)
TWO = (Seen("1", ready=True), Seen("2", ready=True))
REAL = Real(TWO, Routing(WEB, PLACE, OLD), listening=True, status=200)
RECORDED = Recorded(OLD, 2, PLACE)
WELL = Pictures(WEB, Declared(2, PLACE, OLD.configuration), RECORDED, REAL, known=True)

CASES: list[tuple[Pictures, str, str, str, Condition]] = [
    (replace(WELL, declared=None), "undeclared", "is no longer in", "headgate retire -e production web", "runs"),
    (replace(WELL, declared=Declared(3, PLACE)), "size", "asks for 3 instances", "headgate deploy", "runs"),
    (replace(WELL, declared=Declared(2, Listener(9000))), "place", "127.0.0.1:9000", "headgate deploy", "runs"),
    (replace(WELL, declared=Declared(2, STRICT)), "place", "with other `proxy` rules", "headgate deploy", "runs"),
    (replace(WELL, declared=Declared(2, PREVIEWED)), "place", "with another preview", "headgate deploy", "runs"),
    (
        replace(WELL, real=replace(REAL, routing=Routing(WEB, STRICT, OLD))),
        "routing", "127.0.0.1:8000 with other `proxy` rules", "headgate up", "down",
    ),
    (replace(WELL, declared=Declared(2, PLACE, "f" * 64)), "configuration", "another", "headgate deploy", "runs"),
    (replace(WELL, real=replace(REAL, instances=())), "instances", "its processes are gone", "headgate up", "down"),
    (replace(WELL, real=replace(REAL, instances=TWO[:1])), "instances", "1 of 2", "headgate up", "limps"),
    (replace(WELL, real=replace(REAL, instances=(*TWO, *TWO))), "instances", "4 instances run", "headgate up", "limps"),
    (
        replace(WELL, real=replace(REAL, instances=(Seen("1", ready=False, detail="exited"), TWO[1]))),
        "instances", "1 of 2 instances are ready (exited)", "headgate rollback", "limps",
    ),
    (
        replace(WELL, real=replace(REAL, instances=(Seen("1", ready=False), Seen("2", ready=False)))),
        "instances", "none of its 2 instances is ready", "headgate rollback", "down",
    ),
    (
        replace(WELL, real=replace(REAL, instances=(Seen("1", ready=True, restarts=14), TWO[1]))),
        "restarts", "restarted 14 times", "headgate rollback -e production web", "limps",
    ),
    (replace(WELL, real=replace(REAL, routing=None)), "routing", "serves nothing", "headgate up", "down"),
    (
        replace(WELL, real=replace(REAL, routing=Routing(WEB, PLACE, NEW))),
        "routing", str(NEW), "headgate up", "down",
    ),
    (
        replace(WELL, real=replace(REAL, routing=Routing(WEB, Listener(9000), OLD))),
        "routing", "127.0.0.1:9000", "headgate up", "down",
    ),
    (
        replace(WELL, real=replace(REAL, listening=False)),
        "listening", "nothing listens at 127.0.0.1:8000", "headgate up", "down",
    ),
    (
        replace(WELL, real=replace(REAL, instances=(Seen("1", ready=True, exposed=True), TWO[1]))),
        "exposed", "1: listens on all addresses", "headgate deploy", "runs",
    ),
    (replace(WELL, real=replace(REAL, status=503)), "answers", "answers 503", "headgate rollback", "down"),
    (
        replace(WELL, real=replace(REAL, unknown={"instances": "no daemon"})),
        "unknown", "no daemon", "headgate up", "unknown",
    ),
    (Pictures(WEB, Declared(1, PLACE), known=True), "unreleased", "does not run", "headgate deploy", "unknown"),
]  # fmt: skip


def test_what_agrees_has_no_difference() -> None:
    assert differences(WELL) == ()
    assert condition(WELL) == "runs"


@pytest.mark.parametrize(("pictures", "kind", "said", "command", "state"), CASES)
def test_each_difference_is_named_with_what_mends_it(
    pictures: Pictures, kind: str, said: str, command: str, state: Condition
) -> None:
    (found,) = differences(pictures)
    assert (found.subject, found.kind) == (str(WEB), kind)
    assert said in found.sentence
    assert found.command.startswith(command)
    assert condition(pictures) == state


def test_restarts_of_long_ago_are_history() -> None:
    old = replace(REAL, instances=(Seen("1", ready=True, restarts=14, up_s=86_400.0), TWO[1]))
    assert differences(replace(WELL, real=old)) == ()
    new = replace(REAL, instances=(Seen("1", ready=True, restarts=14, up_s=3.0), TWO[1]))
    assert "14 times, 3 s ago at last" in differences(replace(WELL, real=new))[0].sentence


def test_every_kind_has_a_case() -> None:
    assert {kind for _, kind, _, _, _ in CASES} == set(KINDS)
    assert set(OF_THE_WORLD) < set(KINDS)


def test_without_a_project_file_nothing_is_said_of_it() -> None:
    assert differences(replace(WELL, declared=None, known=False)) == ()


def test_what_was_not_asked_is_never_fine() -> None:
    assert condition(replace(WELL, real=None)) == "unknown"
    silent: dict[str, str] = dict.fromkeys(("instances", "routing", "listener"), "no answer")
    found = differences(replace(WELL, real=Real(unknown=silent)))
    assert [one.kind for one in found] == ["unknown"] * 3


def test_what_a_release_moves_is_its_own_affair_unless_nobody_is_served() -> None:
    moving = replace(WELL, recorded=replace(RECORDED, moving="r7"))
    growing = replace(REAL, instances=TWO[:1], routing=Routing(WEB, PLACE, OLD, NEW, 20))
    assert differences(replace(moving, real=growing)) == ()
    (found,) = differences(replace(moving, real=replace(growing, instances=(Seen("1", ready=False),))))
    assert found.command == "headgate abort r7"


def test_sizes_and_places_that_were_not_recorded_are_no_difference() -> None:
    assert differences(replace(WELL, recorded=Recorded(OLD))) == ()


def test_the_gravest_comes_first() -> None:
    bad = replace(WELL, declared=Declared(3, PLACE), real=replace(REAL, status=500, instances=TWO[:1]))
    assert [one.gravity for one in differences(bad)] == ["critical", "warning", "note"]


def test_a_part_that_is_not_well_or_not_known_is_a_difference() -> None:
    assert of_part(Part("proxy", well=True, evidence="it answers")) is None
    dead = of_part(Part("proxy", well=False, evidence="it is silent", mend="headgate up"))
    assert dead is not None
    assert (dead.kind, dead.sentence, dead.command) == ("part", "it is silent", "headgate up")
    asked = of_part(Part("proxy", well=None, evidence="no daemon"))
    assert asked is not None
    assert (asked.kind, asked.sentence) == ("unknown", "could not be asked: no daemon")
