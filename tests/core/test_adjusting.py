"""A version that stays while its size or place changes: adjusted, never compared with itself, undone like any other."""

from msgspec.structs import replace

from headgate.core.machine.effects import AskGates, PrepareVersion, SetRouting, StopVersion, VerifyVersion
from headgate.core.machine.plan import Leg
from headgate.core.machine.steps import Prepare, Promote
from headgate.core.model import Intent, Listener, ProxyRules, Rollout, Routing
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.places import collision
from headgate.core.release.adjusting import adjustments
from headgate.core.release.admission import Known, Words, objections
from headgate.core.release.planning import Place, Policies, leaving, plan, plan_back
from headgate.core.story.view import summarise
from tests.core.ride import API, NEW, OLD, WEB, Ride, plan_of, request

WIDE = Intent(WEB, OLD, Listener(8000), Rollout("canary", warm_s=60.0), JudgeSpec(), instances=3)
BEFORE = {WEB: Place(Listener(8000), 1)}


def drawn(intent: Intent = WIDE) -> Leg:
    return leaving(plan((intent,), {WEB: OLD}, Policies()), BEFORE).legs[0]


def ride(leg: Leg | None = None) -> Ride:
    return Ride(plan_of(leg or drawn()))


def test_another_size_of_what_runs_is_prepared_and_promoted_and_nothing_is_judged() -> None:
    leg = drawn()
    assert (leg.steps, leg.learn, leg.change.fresh) == ((Prepare(3), Promote(judged=False)), False, None)
    assert adjustments(leg) == ("1 -> 3 instances",)


def test_it_ends_promoted_and_what_runs_is_never_stopped() -> None:
    done = ride().succeed(AskGates).succeed(PrepareVersion).succeed(SetRouting)
    assert (done.state.stage, done.state.outcome) == ("closed", "promoted")
    assert not any(isinstance(one.effect, StopVersion) for one in done.issued)
    assert "adjusted" in done.state.reason
    summary = summarise(done.state, done.plan, request(done.plan))
    assert (summary.moves[0].instances, summary.moves[0].adjusts, summary.warm) == (3, True, ())


def test_undone_it_has_its_old_size_again_and_nothing_is_stopped() -> None:
    back = ride().succeed(AskGates).fail(PrepareVersion, "no memory")
    assert back.pending(PrepareVersion)[1] == PrepareVersion(OLD, 1)
    back.succeed(PrepareVersion)
    assert (back.state.stage, back.state.outcome) == ("closed", "rolled_back")
    assert not any(isinstance(one.effect, StopVersion) for one in back.issued)


def test_undone_after_its_promotion_began_it_is_where_it_was_and_is_proven() -> None:
    moved = drawn(replace(WIDE, listener=Listener(9000), instances=1))
    back = ride(moved).succeed(AskGates).succeed(PrepareVersion).fail(SetRouting, "port taken")
    assert back.pending(SetRouting)[1] == SetRouting(Routing(WEB, Listener(8000), OLD))
    back.succeed(SetRouting).succeed(PrepareVersion).succeed(VerifyVersion)
    assert (back.state.stage, back.state.outcome) == ("closed", "rolled_back")


def test_other_rules_of_the_proxy_alone_are_an_adjustment_and_are_undone_with_it() -> None:
    stricter = Listener(8000, proxy=ProxyRules(trusted=(), body_max_bytes=1000))
    leg = drawn(replace(WIDE, listener=stricter, instances=1))
    assert adjustments(leg) == ("other `proxy` rules: trusted, body_max_bytes",)
    back = ride(leg).succeed(AskGates).succeed(PrepareVersion)
    assert back.pending(SetRouting)[1] == SetRouting(Routing(WEB, stricter, OLD))
    back.fail(SetRouting, "Envoy refused it")
    assert back.pending(SetRouting)[1] == SetRouting(Routing(WEB, Listener(8000), OLD))


def test_a_release_that_is_undone_gives_the_old_version_its_own_old_size() -> None:
    """The old one had one instance; that the new one would have three is nothing to it."""
    both = replace(WIDE, candidate=NEW, rollout=Rollout("rolling"))
    leg = leaving(plan((both,), {WEB: OLD}, Policies()), BEFORE).legs[0]
    assert (leg.change.instances, leg.change.size_before) == (3, 1)


def test_what_changes_nothing_at_all_is_refused() -> None:
    same = leaving(plan((replace(WIDE, instances=1),), {WEB: OLD}, Policies()), BEFORE)
    (finding,) = objections((replace(WIDE, instances=1),), same, Known({}, ()), Words())
    assert (finding.check, finding.answer) == ("something changes", "fail")
    wide = leaving(plan((WIDE,), {WEB: OLD}, Policies()), BEFORE)
    assert objections((WIDE,), wide, Known({}, ()), Words()) == ()


def test_an_adjustment_exposes_nobody_so_no_glass_needs_breaking() -> None:
    blind = replace(WIDE, rollout=Rollout("all-at-once"))
    asked = leaving(plan((blind,), {WEB: OLD}, Policies(production=True)), BEFORE)
    assert objections((blind,), asked, Known({}, ()), Words()) == ()


def test_a_rollback_is_no_adjustment() -> None:
    assert len(plan_back((WIDE,), {WEB: OLD}, Policies()).legs[0].steps) > 2


# --- one port, one owner ----------------------------------------------------------------------------------------------


def test_a_port_that_another_unit_has_is_refused_by_name() -> None:
    taken = {API: (Listener(8000),)}
    wide = leaving(plan((WIDE,), {WEB: OLD}, Policies()), BEFORE)
    for declared, said, mend in (
        ((), "is no longer in headgate.yaml", f"headgate retire -e {API.environment} {API.service}"),
        ((API,), "headgate.yaml still declares", "another port"),
        (None, str(API), "headgate retire"),
    ):
        known = Known({}, (), listening=taken, declared=declared)
        (finding,) = objections((WIDE,), wide, known, Words())
        assert finding.answer == "fail"
        assert said in finding.evidence
        assert mend in finding.hint


def test_ports_collide_where_their_addresses_meet() -> None:
    def meets(one: Listener, other: Listener) -> bool:
        return collision(WEB, one, {API: (other,)}) is not None

    assert meets(Listener(8000, preview_port=8001), Listener(8001))
    assert meets(Listener(8000, "0.0.0.0"), Listener(8000))
    assert not meets(Listener(8000, "127.0.0.2"), Listener(8000))
    assert not meets(Listener(8000), Listener(8001))
    assert collision(WEB, Listener(8000), {WEB: (Listener(8000),)}) is None
