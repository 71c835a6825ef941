"""One interval of a release judged: while nobody is exposed, at a step's deadline, and where the judge breaks down.

The controller judges live and recovers by it, `core.again.replay` judges again by it: the same words each time.
"""

import msgspec

from headgate.core.judge.deadline import at_deadline
from headgate.core.judge.judge import JudgeState, observe, read, stable_is_dead
from headgate.core.judge.learning import unlearnt
from headgate.core.judge.verdict.screening import sample_defect, sample_gap
from headgate.core.machine.state import UNEXPOSED
from headgate.core.model import Sample, Verdict
from headgate.core.model.criteria import JudgeSpec

LEARNING = "no traffic reaches the canary: stable alone is watched"
DEAD = "it fails most of its requests, and nothing waits for it"


def judge(
    spec: JudgeSpec, state: JudgeState, sample: Sample, exposure: int, *, deadline: bool = False
) -> tuple[JudgeState, Verdict]:
    """One more interval, under the exposure with this index; `deadline`: the exact test is made too.

    A judge that breaks down remembers nothing of it, and that is no data.
    """
    try:
        after, verdict = observe(spec, state, sample, exposure)
        if exposure == UNEXPOSED:
            return after, _unexposed(spec, after, sample, verdict)
        return _tested(spec, after, verdict) if deadline else (after, verdict)
    except Exception as error:  # noqa: BLE001 - a fault in the judge must neither pass nor blind the release
        return state, Verdict("no_data", f"the judge broke down: {type(error).__name__}: {error}")


def _tested(spec: JudgeSpec, state: JudgeState, verdict: Verdict) -> tuple[JudgeState, Verdict]:
    """The exact test only ever adds a failure: what kept the last interval from passing still does."""
    after, tested = at_deadline(spec, state)
    return after, tested if tested.kind == "fail" else verdict


def _unexposed(spec: JudgeSpec, state: JudgeState, sample: Sample, verdict: Verdict) -> Verdict:
    """The canary is silent because nobody is sent to it: what can be told is how stable is, and that is no pass."""
    if verdict.kind == "fail":
        return verdict
    gap = sample_defect(sample) or sample_gap(sample)
    if gap or sample.stable is None:
        unread = gap or "stable could not be read"
        return msgspec.structs.replace(verdict, kind="no_data", reason=f"in this interval: {unread}")
    dead = stable_is_dead(state)
    external = next((r.external for r in read(spec, state) if r.weight > 0 and r.external and not dead), "")
    missing = unlearnt(spec, state)
    learning = f"{LEARNING}; {missing}" if missing else f"{LEARNING}; {DEAD}" if dead else LEARNING
    kind, reason = ("hold_external", external) if external else ("watch", learning)
    return msgspec.structs.replace(verdict, kind=kind, reason=reason, shared=False, learnt=not missing)
