"""What each step of a plan can see, on eighty columns."""

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headgate.cli.ask.forecast import ServiceForecast
from headgate.cli.render import words
from headgate.cli.render.layout import indented
from headgate.core.judge.planner import Forecast, Sight, SignalForecast, StepForecast, Traffic
from headgate.core.judge.planner.forecast import FACTORS, HALF, SURE

_MANY = 10
_NAME, _SURE, _TIME, _BAD = 19, 7, 9, 5
"""Widths of the columns."""
_BURSTY = 1.05
_THOUSAND, _MILLION = 1e4, 1e7


def forecast_of(what: ServiceForecast) -> RenderableType:
    """One service: its traffic, what each step and the whole way can see, and what to do."""
    seen = what.forecast
    parts: list[RenderableType] = [Text(f"\n{what.unit}: what its steps can see", style="bold")]
    parts.append(Text(f"  at {said(seen.workload.errors)} ({what.source})", style="dim"))
    if not seen.steps:
        parts.append(Text("  No step compares a new version with the old one under traffic."))
        if what.learning_s is not None:
            alone = (
                f"  The old one is watched alone for about {time_of(what.learning_s)} before the switch, and"
            )
            parts.append(
                Text(f"{alone}\n  the new one is held to that: undone when it fails many more of its users.")
            )
        return Group(*parts)
    if not seen.whole:
        parts.append(Text("  Nothing it is judged by can be foretold without its traffic."))
    else:
        parts += [Text(), *(indented(block) for block in _blocks(seen)), Text()]
    parts += [indented(Text(line, style="dim")) for line in _notes(seen)]
    parts += [indented(Text(line)) for line in proposal(what)]
    *said_before, last = what_to_do(what) or ("",)
    parts += [indented(Text(line)) for line in said_before]
    parts.append(indented(Text(last, style="bold")))
    return Group(*parts)


def said(traffic: Traffic) -> str:
    """The traffic in words: `200 requests/s, 0.1% of which fail`."""
    bursts = f", in bursts (dispersion {traffic.phi:.1f})" if traffic.phi > _BURSTY else ""
    return f"{traffic.rate:,.4g} requests/s, {_percent(traffic.base)} of which fail{bursts}"


def _blocks(seen: Forecast) -> list[RenderableType]:
    """A block for each step and for the whole way; in it, a line for each signal."""
    parts: list[RenderableType] = [_table((), 0.0, head=True)]
    for step in seen.steps:
        good = f"a good version passes after {time_of(step.promote_s)}"
        parts.append(
            Text.assemble((f"{step.weight}% for {time_of(step.lasts_s)}", "bold"), (f"   {good}", "dim"))
        )
        parts.append(_table(step.signals, step.lasts_s))
    if len(seen.steps) > 1:
        parts.append(Text(f"all steps, {time_of(seen.total_s)}", style="bold"))
        parts.append(_table(seen.whole, seen.total_s))
    return parts


def _table(signals: tuple[SignalForecast, ...], within_s: float, *, head: bool = False) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False, header_style="dim", show_header=head)
    table.add_column("", width=_NAME, no_wrap=True)
    table.add_column("surely", justify="right", width=_SURE, no_wrap=True)
    for factor in FACTORS:
        table.add_column(f"{factor:g}x after", justify="right", width=_TIME, no_wrap=True)
        table.add_column("bad", justify="right", width=_BAD, no_wrap=True, style="dim")
    for signal in signals:
        cells = [cell for factor in FACTORS for cell in _cells(signal, factor, within_s)]
        table.add_row(f"  {signal.signal}", _smallest(signal), *cells)
    return table


def _cells(signal: SignalForecast, factor: float, within_s: float) -> tuple[RenderableType, RenderableType]:
    """The time until it is found (dim where the step is over by then), and the bad answers until then."""
    sight = next((one for one in signal.sights if one.factor == factor), None)
    if sight is None:
        return "-", "-"
    if factor <= signal.allowed:
        return Text("allowed", style="dim"), ""
    late = sight.mean_s > within_s
    return Text(_after(sight), style="dim" if late else "green" if sight.chance >= SURE else ""), _bad(sight)


def _after(sight: Sight) -> str:
    return time_of(sight.mean_s) + ("*" if sight.simulated else "")


def _bad(sight: Sight) -> str:
    bad = sight.bad_requests
    if bad >= _MILLION:
        return f"{bad / 1e6:,.0f}M"
    if bad >= _THOUSAND:
        return f"{bad / 1e3:,.0f}k"
    return f"{bad:,.0f}" if bad >= _MANY else f"{bad:.1f}"


def _notes(seen: Forecast) -> tuple[str, ...]:
    """What the signs in the table mean, and what is not in it."""
    signals = (*seen.whole, *(signal for step in seen.steps for signal in step.signals))
    what = "surely: the smallest fault found with 90%; 2x after: how long one twice as bad hides; bad: its bad answers"
    lines = [f"{what} until then, or until the step ends."]
    if any(sight.simulated for signal in signals for sight in signal.sights):
        lines.append("* simulated: few errors decide.")
    if not seen.workload.slow and any(signal.signal.startswith("latency_") for signal in seen.whole):
        lines.append("Latency as if stable just met its quantile; with releases measured, as it really is.")
    if seen.unknown:
        lines.append(f"Not foretold, since nothing is known of it: {', '.join(seen.unknown)}.")
    return tuple(lines)


def _smallest(signal: SignalForecast) -> str:
    factor = signal.smallest
    if factor is None:
        return "nothing"
    share = min(factor * max(signal.base, 0.0), 1.0)
    if factor > FACTORS[-1] * _MANY:
        return f"{_percent(share)} bad"
    return f"{factor:.0f}x" if factor >= _MANY else f"{factor:.1f}x"


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.995 else "100%"  # noqa: PLR2004 - rounds to it


# What to do about a plan that cannot see enough: sentences, and the steps as the project file has them.

_DAY_S = 86400.0
_NEVER_S = 100 * _DAY_S
_CLEARLY = 0.9
"""So much less is worth a word."""


def time_of(seconds: float) -> str:
    """A length of time, without a part that says nothing; `never` where nobody would wait for it."""
    return words.span(seconds).removesuffix(" 00s").removesuffix(" 00m") if seconds < _NEVER_S else "never"


def what_to_do(what: ServiceForecast) -> tuple[str, ...]:
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


def _blind(what: ServiceForecast) -> tuple[str, ...]:
    """The first step that cannot be sure to see a doubling of the first signal, and what could."""
    for step in what.forecast.steps:
        signal = step.signals[0]
        if signal.doubling_s is not None and what.ladder is None:
            return (_blind_sentence(what, step, signal),)
    return ()


def _blind_sentence(what: ServiceForecast, step: StepForecast, signal: SignalForecast) -> str:
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


def proposal(what: ServiceForecast) -> tuple[str, ...]:
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
