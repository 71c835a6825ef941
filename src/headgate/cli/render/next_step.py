"""What to do about a plan that cannot see enough: sentences, and the steps as the project file has them."""

import math

from headgate.cli.ask.forecast import Foreseen
from headgate.cli.render import words
from headgate.core.judge.planner import SignalForecast, StepForecast
from headgate.core.judge.planner.forecast import HALF, SURE

_DAY_S = 86400.0
_NEVER_S = 100 * _DAY_S
_CLEARLY = 0.9
"""So much less is worth a word."""


def time_of(seconds: float) -> str:
    """A length of time, without a part that says nothing; `never` where nobody would wait for it."""
    return words.span(seconds).removesuffix(" 00s").removesuffix(" 00m") if seconds < _NEVER_S else "never"


def what_to_do(what: Foreseen) -> tuple[str, ...]:
    """What the first blind step cannot see, and one sentence of what to do."""
    seen = what.forecast
    if not seen.whole or not seen.whole[0].sights:
        return ()
    whole, last = seen.whole[0], seen.steps[-1]
    noun, double = _noun(whole), whole.sights[0]
    if whole.allowed >= double.factor:
        return (f"Your criteria let {noun} rise up to {whole.allowed:.3g} times.",)
    if what.ladder is not None and not what.ladder.enough:
        return (
            f"Give it more time: a good version takes {time_of(last.promote_s)} to prove itself at {last.weight}%.",
        )
    if double.chance >= SURE:
        return (f"Nothing to change: {noun} that double are seen on this way ({_share(double.chance)}).",)
    last_s = last.lasts_s + double.q90_s - seen.total_s
    half_s = last.signals[0].doubling_half_s or math.inf
    if min(last_s, half_s) > _DAY_S:
        surely = f"; what is surely seen is {whole.smallest:.1f} times as many" if whole.smallest else ""
        return (
            f"No step of a day sees {noun} double at this traffic{surely}. Watch by hand for less than that.",
        )
    if half_s < last_s * _CLEARLY and last.weight < HALF:
        return (
            *_blind(what),
            f"What to do: add a step of 50% for {time_of(half_s)}; then {noun} that double are seen.",
        )
    change = f"bake the last step ({last.weight}%) {time_of(last_s)} instead of {time_of(last.lasts_s)}"
    return (*_blind(what), f"What to do: {change}; then {noun} that double are seen.")


def _blind(what: Foreseen) -> tuple[str, ...]:
    """The first step that cannot be sure to see a doubling of the first signal, and what could."""
    for step in what.forecast.steps:
        signal = step.signals[0]
        if signal.doubling_s is not None and what.ladder is None:
            return (_blind_sentence(what, step, signal),)
    return ()


def _blind_sentence(what: Foreseen, step: StepForecast, signal: SignalForecast) -> str:
    rate, needed, half = (
        what.forecast.workload.errors.rate,
        signal.doubling_s or math.inf,
        signal.doubling_half_s,
    )
    line = (
        f"At {rate:,.4g} requests/s a {step.weight}% step for {time_of(step.lasts_s)} cannot be sure to see "
        f"{_noun(signal)} double: {time_of(needed)} would"
    )
    other = f"; or 50% for {time_of(half)}" if half and half < needed * _CLEARLY else ""
    return f"{line}{other}."


def _noun(signal: SignalForecast) -> str:
    if signal.signal == "errors":
        return "errors"
    return "slow requests" if signal.signal.startswith("latency_") else f"bad cases of {signal.signal}"


def _share(chance: float) -> str:
    return f"{min(100 * chance, 99):.0f}%"


def proposal(what: Foreseen) -> tuple[str, ...]:
    """The proposed ladder, as the project file has it, what it saves, and what that rests on."""
    ladder = what.ladder
    if ladder is None:
        return ()
    lines = ["rollout:", "  steps:"]
    lines += [f"    - {{weight: {s.weight:g}%, bake: {_written(s.seconds)}}}" for s in ladder.steps]
    now = f", against {what.harm_now:,.0f} as it is" if math.isfinite(what.harm_now) else ""
    times = [f"{factor:,.4g}" for factor in ladder.faults]
    bad = f"{', '.join(times[:-1])} or {times[-1]}" if len(times) > 1 else times[0]
    lines += ["", f"A bad version fails about {ladder.harm:,.0f} requests on this way{now}."]
    lines.append(
        f"Assumed: one that is bad is {bad} times worse than stable, each as likely; a fault that no step finds goes "
        f"on for {time_of(ladder.missed_s)} under all of the traffic."
    )
    return (*lines, "")


def _written(seconds: float) -> str:
    from headgate.config.quantities import write_duration

    return write_duration(round(seconds))
