"""What each step of a plan can see, on eighty columns."""

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headgate.cli.foresight import Foreseen
from headgate.cli.render import words
from headgate.cli.render.flow import indented
from headgate.core.judge.planner import Sight, StepForecast, Traffic
from headgate.core.judge.planner.forecast import FACTORS

_DAY_S = 86400.0
_MANY = 10


def foreseen(what: Foreseen) -> RenderableType:
    """One service: its traffic, its steps, the whole way, and what to change."""
    traffic, seen = what.forecast.traffic, what.forecast
    parts: list[RenderableType] = [Text(f"\n{what.unit}: what its steps can see", style="bold")]
    parts.append(Text(f"  at {said(traffic)} ({what.source})", style="dim"))
    if not seen.steps:
        parts.append(Text("  No step compares a new version with the old one under traffic."))
        return Group(*parts)
    parts += [indented(_steps(seen.steps, traffic)), Text(), indented(_whole(seen.whole))]
    parts += [indented(Text(line)) for line in (*advice(what), *proposal(what))]
    return Group(*parts)


def said(traffic: Traffic) -> str:
    """The traffic in words: `200 requests/s, 0.1% of which fail`."""
    bursts = f", in bursts (dispersion {traffic.phi:.1f})" if traffic.phi > 1.05 else ""  # noqa: PLR2004
    return f"{traffic.rate:,.4g} requests/s, {_percent(traffic.base)} of which fail{bursts}"


def _steps(steps: tuple[StepForecast, ...], traffic: Traffic) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for head in ("step", "lasts", "good: passes", "surely seen"):
        table.add_column(head, no_wrap=True)
    factors = [sight.factor for sight in steps[0].sights]
    for factor in factors:
        table.add_column(f"{factor:g}x: after", justify="right", no_wrap=True)
    for step in steps:
        times = [_time(sight.mean_s) + ("*" if sight.simulated else "") for sight in step.sights]
        passes = _time(step.promote_s)
        table.add_row(
            f"{step.weight}%", _time(step.lasts_s), passes, _smallest(step.smallest, traffic), *times
        )
    return table


def _whole(sights: tuple[Sight, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for head in ("the whole way, worse by", "found with", "after", "failed answers until then"):
        table.add_column(head, justify="left", no_wrap=True)
    for sight in sights:
        star = "*" if sight.simulated else ""
        bad = f"{sight.bad_requests:,.0f}" if sight.bad_requests >= _MANY else f"{sight.bad_requests:.1f}"
        after = f"{_time(sight.mean_s)}{star}" if sight.chance >= 0.005 else "-"  # noqa: PLR2004 - 0%
        table.add_row(f"{sight.factor:g}x", f"{100 * sight.chance:.0f}%", after, bad)
    return table


def advice(what: Foreseen) -> tuple[str, ...]:
    """What no step can see, and what would."""
    traffic, lines = what.forecast.traffic, list[str]()
    if any(sight.simulated for sight in (*what.forecast.whole, *_all(what.forecast.steps))):
        lines.append("* simulated: few errors decide.")
    for step in what.forecast.steps:
        if step.doubling_s is None or what.ladder is not None:
            continue
        line = (
            f"At {traffic.rate:,.4g} requests/s a {step.weight}% step for {_time(step.lasts_s)} "
            f"cannot be sure to see a doubling: {_time(step.doubling_s)} would"
        )
        half = step.doubling_half_s
        other = f"; or 50% for {_time(half)}" if half and half < step.doubling_s * 0.9 else ""
        lines.append(f"{line}{other}.")
    return tuple(lines)


def _all(steps: tuple[StepForecast, ...]) -> tuple[Sight, ...]:
    return tuple(sight for step in steps for sight in step.sights)


def proposal(what: Foreseen) -> tuple[str, ...]:
    """The proposed ladder, as the project file has it, and what it saves."""
    if what.ladder is None:
        return ()
    lines = ["", "rollout:", "  steps:"]
    lines += [f"    - {{weight: {s.weight:g}%, bake: {_written(s.seconds)}}}" for s in what.ladder.steps]
    now = f", against {what.harm_now:,.0f} as it is" if math.isfinite(what.harm_now) else ""
    lines += ["", f"A bad version fails about {what.ladder.harm:,.0f} requests on this way{now}."]
    return tuple(lines)


def _written(seconds: float) -> str:
    from headgate.config.quantities import write_duration

    return write_duration(round(seconds))


def _smallest(factor: float | None, traffic: Traffic) -> str:
    if factor is None:
        return "nothing"
    share = _percent(min(factor * traffic.share, 1.0))
    if factor > FACTORS[-1] * _MANY:
        return f"{share} failing"
    return f"{factor:.0f}x ({share})" if factor >= _MANY else f"{factor:.1f}x ({share})"


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.995 else "100%"  # noqa: PLR2004 - rounds to it


def _time(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "never"
    return words.span(seconds) if seconds < 100 * _DAY_S else "never"
