"""What a promotion waits for, and what it does not."""

from msgspec.structs import replace

from headgate.core.machine.effects import SetRouting, StopVersion
from headgate.core.machine.plan import Plan
from headgate.core.machine.safety import whole
from headgate.core.machine.state import LegState, State
from headgate.core.model import Intent, Listener, Rollout, Routing
from headgate.core.model.criteria import JudgeSpec
from headgate.core.release.planning import Policies, plan, plan_back
from tests.core.ride import NEW, OLD, WEB

WISH = Intent(WEB, NEW, Listener(8000), Rollout("canary"), JudgeSpec(), instances=3)
RUNS = {WEB: OLD}
FORWARD = State(stage="forward", legs=(LegState(),))
PROMOTION = SetRouting(Routing(WEB, Listener(8000), NEW))


def drawn() -> Plan:
    return plan((WISH,), RUNS, Policies())


def test_a_verdict_promotes_a_version_whose_instances_are_all_ready() -> None:
    assert whole(FORWARD, PROMOTION, drawn()) == 3


def test_a_step_waits_for_nobody() -> None:
    exposure = SetRouting(Routing(WEB, Listener(8000), OLD, NEW, 50))
    assert whole(FORWARD, exposure, drawn()) == whole(FORWARD, StopVersion(OLD, 1.0), drawn()) == 0


def test_what_a_person_has_promoted_waits_for_nobody() -> None:
    assert whole(replace(FORWARD, legs=(LegState(overridden=True),)), PROMOTION, drawn()) == 0


def test_users_who_go_back_wait_for_nobody() -> None:
    assert whole(replace(FORWARD, stage="reverting"), PROMOTION, drawn()) == 0
    assert whole(FORWARD, PROMOTION, plan_back((WISH,), RUNS, Policies())) == 0


def test_a_first_release_waits_for_nobody() -> None:
    assert whole(FORWARD, PROMOTION, plan((WISH,), {}, Policies())) == 0
