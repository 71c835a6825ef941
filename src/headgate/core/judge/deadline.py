"""At a step's deadline: one exact test on a declared share of alpha.

Looking all the time costs evidence. Where little is expected (a handful of errors), a part of alpha is better spent on
one look at the end: given all errors of the step, the canary's are binomial (Przyborowski & Wilenski 1940), and their
tail is exact. With the rest of alpha the e-process has been watching; the chance of either is at most their sum. The
step's counts may be added up because its weight did not change.
"""

import math

import msgspec

from headgate.core.judge.evidence.comparison import Comparison, phi_of
from headgate.core.judge.evidence.counts import binomial_tail
from headgate.core.judge.evidence.risk import deadline_alpha
from headgate.core.judge.judge import JudgeState, decided
from headgate.core.judge.metrics.errors import error_rule, judged_errors
from headgate.core.judge.words import percent
from headgate.core.model.criteria import ErrorRatio, JudgeSpec
from headgate.core.model.verdict import Verdict


def step_p_value(null: float, c: Comparison, phi: float) -> float:
    """How likely so many of the step's errors would be the canary's, if it were `null` times as bad as stable.

    Errors that come in bursts of `phi` count as so many fewer, rounded in stable's favour.
    """
    bad, rest = math.floor(c.canary_x / phi + 1e-9), math.ceil(c.stable_x / phi - 1e-9)
    if not c.canary_n or not c.stable_n or not bad:
        return 1.0
    return binomial_tail(bad + rest, bad, null * c.canary_n / (null * c.canary_n + c.stable_n))


def at_deadline(spec: JudgeSpec, state: JudgeState) -> tuple[JudgeState, Verdict]:
    """The verdict at a step's deadline. To be asked once per step, after its last sample; it spends the declared share.

    Where the test does not find the canary worse, the verdict is what it would have been without it.
    """
    if state.failed is not None:
        return state, state.failed
    verdict, alpha = decided(spec, state), deadline_alpha(spec, state.deadlines)
    state = msgspec.structs.replace(state, deadlines=state.deadlines + 1)
    errors = judged_errors(spec, state.metrics)
    if errors is None or alpha <= 0 or verdict.kind == "fail":
        return state, verdict
    verdict = _tested(spec, errors[0], errors[1].comparison, verdict, alpha)
    return (msgspec.structs.replace(state, failed=verdict) if verdict.kind == "fail" else state), verdict


def _tested(spec: JudgeSpec, criterion: ErrorRatio, c: Comparison, verdict: Verdict, alpha: float) -> Verdict:
    p_value = step_p_value(criterion.factor, c, phi_of(error_rule(spec, criterion).rule, c))
    if criterion.weight <= 0 or p_value > alpha:
        return verdict
    arms = f"{c.canary_x:g} of {c.canary_n} against {c.stable_x:g} of {c.stable_n} on stable"
    allowed = f"by chance in {percent(p_value)} of steps, {percent(alpha)} allowed at the deadline"
    reason = f"errors {arms} in this step: {allowed}"
    metrics = tuple(
        msgspec.structs.replace(e, kind="fail") if e.metric == "error_ratio" else e for e in verdict.metrics
    )
    return msgspec.structs.replace(verdict, kind="fail", reason=reason, metrics=metrics)
