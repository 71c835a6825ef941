"""The only way a release moves: `step(state, event, plan) -> (state, effects)`.

`machine.transitions` is the specification: which fact is legal at which stage. Everything else is illegal, raises, and
changes nothing. A transition only says where the release has come to; `core.machine.wanted` says what that place
calls for, and what is wanted and not yet pending becomes the effects. So replay, recovery and abandonment need no
code of their own.
"""

from msgspec.structs import replace

from headgate.core.machine.effects import Observe
from headgate.core.machine.events import Answer, AnyEvent, EffectFailed, EffectId
from headgate.core.machine.names import STAGES, VERBS, Illegal, Stale, called
from headgate.core.machine.one_way import begun
from headgate.core.machine.plan import Plan
from headgate.core.machine.state import Pending, State
from headgate.core.machine.transitions import ANSWERED_BY, TRANSITIONS
from headgate.core.machine.wanted import wanted as called_for


def step(state: State, event: AnyEvent, plan: Plan) -> tuple[State, tuple[Pending, ...]]:
    """The state after `event`, and the effects it causes, each with its identity.

    Raises Illegal (or its kind Stale) when the event cannot happen in this state; nothing changes then.
    """
    answered = event.effect if isinstance(event, Answer) else None
    if isinstance(event, Answer):
        _require_pending(state, event)
    transition = TRANSITIONS.get((state.stage, type(event)))
    if transition is None:
        raise Illegal(_refusal(state, event))
    if event.at < state.at:
        message = f"time ran backwards: {event.at} after {state.at}"
        raise Illegal(message)
    return _settle(transition(state, event, plan), event.at, answered, plan)


def _settle(
    after: State, at: float, answered: EffectId | None, plan: Plan
) -> tuple[State, tuple[Pending, ...]]:
    """Number the event, keep what is pending and still wanted, issue what is wanted and not pending."""
    sequence = after.sequence + 1
    fresh = list(called_for(after, plan))
    kept: list[Pending] = []
    for pending in after.pending:
        if pending.id != answered and pending.effect in fresh:
            kept.append(pending)
            fresh.remove(pending.effect)
    issued = tuple([Pending(EffectId(after.release, sequence, n), effect) for n, effect in enumerate(fresh)])
    after = begun(after, [pending.effect for pending in issued], plan, at)
    return replace(after, sequence=sequence, at=at, pending=(*kept, *issued)), issued


def _require_pending(state: State, answer: Answer) -> None:
    """An answer answers one pending effect, with the kind of fact that answers it."""
    try:
        effect = state.answered(answer.effect)
    except KeyError:
        message = f"effect {answer.effect} is not pending: the answer came late, twice, or was abandoned"
        raise Stale(message) from None
    if type(answer) is ANSWERED_BY[type(effect)]:
        return
    failed = isinstance(answer, EffectFailed) and not isinstance(effect, Observe)
    if not failed:
        message = f"{called(type(answer))} does not answer effect {answer.effect}"
        raise Illegal(message)


def _refusal(state: State, event: AnyEvent) -> str:
    """What a person can say instead; nothing else that happens has anybody to choose."""
    refused = f"{called(type(event))} is not possible: the release is {STAGES[state.stage]}"
    verbs = [VERBS[kind] for stage, kind in TRANSITIONS if stage == state.stage and kind in VERBS]
    return f"{refused}; possible: {', '.join(verbs) or 'nothing more'}"
