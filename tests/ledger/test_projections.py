from __future__ import annotations

import msgspec

from headgate.core.model import Unit, Version
from headgate.core.model.summary import Move, Outcome, Summary
from headgate.ledger.projections import (
    NONE_RETIRED,
    Running,
    attempts,
    fleet,
    rolled_back,
    rolled_back_versions,
)
from headgate.testing.ledger import UNIT, a_summary, a_version

A, B, C = (a_version(letter) for letter in "abc")
OTHER = Unit("shop", "production", "pay")


def release(
    name: str,
    after: Version,
    outcome: Outcome | None,
    *,
    before: Version | None = None,
    warm: tuple[Version, ...] = (),
) -> Summary:
    move = Move(after.unit, before, after)
    summary = a_summary(name, 1, closed=outcome is not None and not warm, unit=after.unit)
    return msgspec.structs.replace(summary, moves=(move,), outcome=outcome, warm=warm)


def test_nothing_runs_before_a_first_promotion() -> None:
    assert fleet([], NONE_RETIRED) == {}
    assert fleet([release("r1", A, None)], NONE_RETIRED) == {UNIT: Running(UNIT, in_flight="r1")}
    assert fleet([release("r1", A, "rolled_back")], NONE_RETIRED) == {UNIT: Running(UNIT)}


def test_attempts_are_counted_since_the_last_promotion() -> None:
    history = [
        release("r7", A, "refused", before=B),
        release("r6", A, "rolled_back", before=B),
        release("r5", C, "aborted", before=B),
        release("r4", C, "rolled_back", before=B),
        release("r3", B, "promoted", before=A),
        release("r2", B, "rolled_back", before=A),
        release("r1", A, "promoted"),
    ]
    assert attempts(history) == {A: 1, C: 2}
    assert attempts([release("r8", C, "promoted"), *history]) == {A: 1}


def test_only_promotion_moves_stable() -> None:
    history = [
        release("r6", C, None, before=B),
        release("r5", C, None, before=B),
        release("r4", C, "refused", before=B),
        release("r3", C, "rolled_back", before=B),
        release("r2", B, "promoted", before=A, warm=(A,)),
        release("r1", A, "promoted"),
    ]
    expected = Running(UNIT, B, "r2", warm=(A,), in_flight="r5", waiting=("r6",))
    assert fleet(history, NONE_RETIRED) == {UNIT: expected}
    assert fleet([release("r7", A, "promoted", before=B), *history[2:]], NONE_RETIRED)[UNIT].stable == A


def test_each_unit_for_itself() -> None:
    pay = a_version("d", OTHER)
    both = msgspec.structs.replace(
        release("r1", A, "promoted"), moves=(Move(UNIT, None, A), Move(OTHER, None, pay)), warm=(pay,)
    )
    running = fleet([release("r2", B, None, before=A), both], NONE_RETIRED)
    assert list(running) == [OTHER, UNIT]
    assert running[OTHER] == Running(OTHER, pay, "r1")
    assert running[UNIT] == Running(UNIT, A, "r1", in_flight="r2")


def test_what_was_rolled_back_stays_so_until_promoted() -> None:
    sent_back = release("r2", B, "rolled_back", before=A)
    assert rolled_back([sent_back, release("r1", A, "promoted")]) == {(UNIT, B.artifact)}
    assert rolled_back([release("r3", B, "aborted"), sent_back]) == {(UNIT, B.artifact)}
    assert rolled_back([release("r3", B, "promoted", before=A), sent_back]) == frozenset()
    assert rolled_back([sent_back, release("r1", B, "promoted")]) == {(UNIT, B.artifact)}


def test_a_bad_configuration_is_not_the_artifacts_fault() -> None:
    reconfigured = msgspec.structs.replace(A, configuration="e" * 64)
    history = [release("r2", reconfigured, "rolled_back", before=A), release("r1", A, "promoted")]
    assert rolled_back(history) == frozenset()
    assert rolled_back_versions(history) == {reconfigured}


def test_a_retired_unit_runs_nothing_until_another_release_brings_it_back() -> None:
    first = release("r1", A, "promoted")
    assert fleet([first], {UNIT: "r1"}) == {}
    assert fleet([first], {UNIT: "r0"})[UNIT].stable == A
    moving = release("r2", A, None)
    assert fleet([moving, first], {UNIT: "r1"}) == {UNIT: Running(UNIT, in_flight="r2")}
    again = release("r2", A, "promoted")
    assert fleet([again, first], {UNIT: "r1"})[UNIT].release == "r2"


def test_a_release_that_only_adjusted_speaks_against_no_version() -> None:
    undone = release("r2", A, "rolled_back", before=A)
    assert rolled_back_versions([undone]) == frozenset()
    assert attempts([undone]) == {}
