"""Alert rules for Prometheus: those that always hold, and tighter ones that hold only while a release is under way.

Source: Prometheus documentation, "Alerting rules", "Recording rules"; burn rates: `writing.burn`.
"""

from collections.abc import Sequence
from typing import Any

from headgate.cli.write.objectives import LENGTHS, WINDOWS, Objective, quantile_name
from headgate.cli.write.promql import Queries, known, progress
from headgate.core.model import Unit

Rule = dict[str, Any]
RELEASE_WINDOW = "2m"
NORMAL_FOR, RELEASE_FOR = "10m", "1m"
RATIO = "headgate:error_ratio:rate"


def rules(objectives: Sequence[Objective], queries: Queries) -> dict[str, Any]:
    """A rule file: a group for each of these services of one environment, and one for its releases."""
    groups = [
        {"name": f"headgate/{one.unit}", "rules": [*_recorded(one, queries), *_alerts(one, queries)]}
        for one in objectives
    ]
    return {"groups": [*groups, _house(objectives[0].unit)]}


def _recorded(one: Objective, queries: Queries) -> list[Rule]:
    labels = known(one.unit)
    return [
        {"record": f"{RATIO}{window}", "expr": queries.ratio(one.unit, window), "labels": labels}
        for window in LENGTHS
    ]


def _alerts(one: Objective, queries: Queries) -> list[Rule]:
    return [
        *_burning(one),
        *(_slow(one.unit, queries, limit) for limit in one.latency_max_s),
        _failing_release(one),
        *(_slow_release(one.unit, queries, limit) for limit in one.latency_max_s),
        _blind_release(one.unit),
        _silent(one.unit),
    ]


# --- always --------------------------------------------------------------------------------------------------------


def _burning(one: Objective) -> list[Rule]:
    if one.error_ratio_max is None:
        return []
    return [
        _alert(
            "HeadgateErrorBudgetBurn",
            f"{_ratio(one.unit, window.long)} > {window.limit(one.error_ratio_max):g}\n"
            f"and\n{_ratio(one.unit, window.short)} > {window.limit(one.error_ratio_max):g}",
            {"severity": window.severity, "window": window.long, **known(one.unit)},
            f"{one.unit}: {{{{ $value | humanizePercentage }}}} of the requests fail "
            f"(objective {100 * one.error_ratio_max:.4g}% over 30 days)",
            f"At this rate the error budget of 30 days is gone in {30 / window.factor:.3g} days. "
            f"{_what_changed(one.unit)}",
        )
        for window in WINDOWS
    ]


def _slow(unit: Unit, queries: Queries, limit: tuple[float, float]) -> Rule:
    quantile, most_s = limit
    name = quantile_name(quantile)
    return _alert(
        "HeadgateLatencyHigh",
        f"{queries.latency_s(unit, quantile, '5m')} > {most_s:g}",
        {"severity": "ticket", "quantile": name, **known(unit)},
        f"{unit}: {name} is {{{{ $value | humanizeDuration }}}}, over {most_s:g} s",
        _what_changed(unit),
        NORMAL_FOR,
    )


def _silent(unit: Unit) -> Rule:
    """What is not there can switch nothing: that must be known before a release, not after it."""
    return _alert(
        "HeadgateSilent",
        f"absent({progress(unit)})",
        {"severity": "ticket", **known(unit)},
        f"{unit}: Headgate says nothing of its releases",
        "The tighter alerts cannot hold. Does `headgate up` run (`headgate status`), and is its /metrics scraped?",
        NORMAL_FOR,
    )


# --- only while a release is under way -----------------------------------------------------------------------------


def _failing_release(one: Objective) -> Rule:
    now = _ratio(one.unit, RELEASE_WINDOW)
    if one.error_ratio_max is not None:
        expression = f"{now} > {one.error_ratio_max:g}"
    else:  # nothing was promised: worse than the hour before, as `fault` in the criteria says
        factor, by = one.fault
        before = f"{_ratio(one.unit, '1h')} offset 10m"
        expression = f"{now} > {factor:g} * {before}\nand\n{now} - {before} > {by:g}"
    return _alert(
        "HeadgateReleaseErrors",
        _in_release(expression, one.unit),
        {"severity": "page", "during": "release", **known(one.unit)},
        f"{one.unit}: {{{{ $value | humanizePercentage }}}} of the requests fail during a release",
        _undo(one.unit),
        RELEASE_FOR,
    )


def _slow_release(unit: Unit, queries: Queries, limit: tuple[float, float]) -> Rule:
    quantile, most_s = limit
    name = quantile_name(quantile)
    slow = f"({queries.latency_s(unit, quantile, RELEASE_WINDOW)} > {most_s:g})"
    return _alert(
        "HeadgateReleaseLatency",
        f"{slow}\nand on ()\n({progress(unit)} == 1)",
        {"severity": "page", "during": "release", "quantile": name, **known(unit)},
        f"{unit}: {name} is {{{{ $value | humanizeDuration }}}} during a release, over {most_s:g} s",
        _undo(unit),
        RELEASE_FOR,
    )


def _blind_release(unit: Unit) -> Rule:
    matchers = ",".join(f'{name}="{value}"' for name, value in known(unit).items())
    return _alert(
        "HeadgateReleaseBlind",
        _in_release(f"rate(headgate_source_failures_total{{{matchers}}}[{RELEASE_WINDOW}]) > 0", unit),
        {"severity": "ticket", "during": "release", **known(unit)},
        f"{unit}: a source of signals cannot be read during a release",
        f"`headgate status -e {unit.environment} {unit.service}` says which; without it nothing is promoted.",
        RELEASE_FOR,
    )


def _house(unit: Unit) -> dict[str, Any]:
    project, environment = unit.project, unit.environment
    area = {"project": project, "environment": environment}
    chosen = f'{{project="{project}",environment="{environment}"}}'
    held = _alert(
        "HeadgateReleaseHeld",
        f"headgate_releases_held{chosen} > 0",
        {"severity": "page", **area},
        f"{project}/{environment}: a release waits for a person's decision",
        f"`headgate status -e {environment}` says what is asked, and which commands answer.",
        "5m",
    )
    trouble = _alert(
        "HeadgateTrouble",
        "headgate_trouble > 0",
        {"severity": "ticket", **area},
        "Headgate: something stands in the controller's own way",
        "`headgate status` names it: a full disk, a busy ledger, a channel that cannot be told.",
        "5m",
    )
    return {"name": f"headgate/{project}/{environment}", "rules": [held, trouble]}


# --- words ---------------------------------------------------------------------------------------------------------


def _ratio(unit: Unit, window: str) -> str:
    matchers = ",".join(f'{name}="{value}"' for name, value in known(unit).items())
    return f"{RATIO}{window}{{{matchers}}}"


def _in_release(expression: str, unit: Unit) -> str:
    return f"({expression})\nand on (project, environment, service)\n({progress(unit)} == 1)"


def _alert(
    name: str, expression: str, labels: dict[str, str], summary: str, runbook: str, lasts: str = ""
) -> Rule:
    words = {"summary": summary, "runbook": runbook}
    return (
        {"alert": name, "expr": expression}
        | ({"for": lasts} if lasts else {})
        | {
            "labels": labels,
            "annotations": words,
        }
    )


def _what_changed(unit: Unit) -> str:
    place = f"-e {unit.environment} {unit.service}"
    return f"What changed: `headgate history {place}`. To go back: `headgate rollback {place}`."


def _undo(unit: Unit) -> str:
    place = f"-e {unit.environment} {unit.service}"
    return f"See why: `headgate status {place}`. Undo it: `headgate abort -e {unit.environment}`."
