"""A Grafana dashboard of an environment: its releases, then each service's traffic, errors and latency by version.

Source: Grafana documentation, "Dashboard JSON model" (schema version 39), "Annotations", "Prometheus query editor".
"""

import zlib
from collections.abc import Sequence
from typing import Any

from headgate.cli.write.objectives import Objective, quantile_name
from headgate.cli.write.promql import Queries

Panel = dict[str, Any]
SCHEMA = 39
COLUMNS, HEIGHT = 24, 8
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WINDOW = "$__rate_interval"
QUANTILE = 0.99
GREEN, ORANGE, RED = "green", "orange", "red"


def dashboard(
    project: str, environment: str, objectives: Sequence[Objective], queries: Queries
) -> dict[str, Any]:
    """The JSON model, to be imported as it is: the data source is asked for by a variable."""
    rows = [("Releases", _releases(project, environment, [one.unit.service for one in objectives]))]
    rows += [(one.unit.service, _service(one, queries)) for one in objectives]
    return {
        "uid": f"headgate-{zlib.crc32(f'{project}/{environment}'.encode()):08x}",
        "title": f"Headgate: {project} in {environment}",
        "tags": ["headgate", project, environment],
        "schemaVersion": SCHEMA,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source_variable()]},
        "annotations": {"list": _annotations(project, environment)},
        "panels": _laid_out(rows),
    }


def _laid_out(rows: Sequence[tuple[str, list[Panel]]]) -> list[Panel]:
    """Rows one below the other; the panels of a row side by side, equally wide."""
    panels: list[Panel] = []
    y = 0
    for title, found in rows:
        place: Panel = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        row: Panel = {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": place}
        panels.append(row)
        width = COLUMNS // len(found)
        panels += [
            panel | {"gridPos": {"x": width * number, "y": y + 1, "w": width, "h": HEIGHT}}
            for number, panel in enumerate(found)
        ]
        y += 1 + HEIGHT
    return [panel | {"id": number} for number, panel in enumerate(panels, 1)]


def _releases(project: str, environment: str, services: Sequence[str]) -> list[Panel]:
    area = f'project="{project}",environment="{environment}"'
    chosen = f'{area},service=~"{"|".join(services)}"'
    outcomes = f"sum by (outcome) (increase(headgate_releases_total{{{area}}}[$__range]))"
    restored = f"histogram_quantile(0.9, sum by (le) (increase(headgate_restore_seconds_bucket{{{area}}}[$__range])))"
    detected = f"histogram_quantile(0.9, sum by (le) (increase(headgate_detection_seconds_bucket{{{area}}}[$__range])))"
    return [
        _panel(
            "state-timeline",
            "Phase",
            "none",
            (f"headgate_release_phase{{{chosen}}} == 1", "{{service}} {{phase}}"),
        ),
        _panel(
            "timeseries",
            "Share of the new version",
            "percentunit",
            (f"headgate_canary_weight_ratio{{{chosen}}}", "{{service}}"),
            most=1,
        ),
        _panel("stat", "Outcomes", "none", (outcomes, "{{outcome}}")),
        _panel(
            "stat",
            "Bad releases: found, undone (9 of 10)",
            "s",
            (detected, "found after"),
            (restored, "undone after"),
        ),
    ]


def _service(one: Objective, queries: Queries) -> list[Panel]:
    unit, by = one.unit, f"{{{{{queries.version}}}}}"
    latency = dict(one.latency_max_s)
    quantile = QUANTILE if QUANTILE in latency or not latency else max(latency)
    name = quantile_name(quantile)
    return [
        _panel("timeseries", "Traffic", "reqps", (queries.version_rate(unit, WINDOW), by)),
        _panel(
            "timeseries",
            "Errors",
            "percentunit",
            (queries.version_ratio(unit, WINDOW), by),
            limit=one.error_ratio_max,
        ),
        _panel(
            "timeseries",
            f"Latency {name}",
            "s",
            (queries.version_latency_s(unit, quantile, WINDOW), by),
            limit=latency.get(quantile),
        ),
    ]


def _panel(
    kind: str,
    title: str,
    unit: str,
    *targets: tuple[str, str],
    limit: float | None = None,
    most: float | None = None,
) -> Panel:
    steps: list[dict[str, Any]] = [{"color": GREEN, "value": None}]
    if limit is not None:
        steps.append({"color": RED, "value": limit})
    defaults: dict[str, Any] = {
        "unit": unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
        "custom": {"thresholdsStyle": {"mode": "line" if limit is not None else "off"}},
    }
    if most is not None:
        defaults["max"] = most
    return {
        "type": kind,
        "title": title,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
            for place, (expression, legend) in enumerate(targets)
        ],
    }


def _source_variable() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _annotations(project: str, environment: str) -> list[dict[str, Any]]:
    """Releases as their marks (the marker `grafana`), and as Headgate's own metric has them."""
    chosen = f'{{project="{project}",environment="{environment}"}}'
    marks = {
        "name": "Releases",
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "iconColor": ORANGE,
        "target": {
            "type": "tags",
            "tags": ["headgate", f"project:{project}", f"environment:{environment}"],
            "matchAny": False,
            "limit": 100,
        },
    }
    metric = {
        "name": "Releases (without the marker)",
        "datasource": SOURCE,
        "enable": False,
        "iconColor": ORANGE,
        "expr": f"headgate_release_in_progress{chosen} == 1",
        "titleFormat": "release",
        "tagKeys": "service",
        "step": "15s",
    }
    return [marks, metric]
