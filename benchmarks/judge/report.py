"""The figures as a part of docs/judge.md, and two plots beside it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

Rows = Sequence[Mapping[str, float | str]]
DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- figures: python -m benchmarks.judge --docs -->\n", "<!-- end of figures -->\n"
COLOURS = {"headgate": "#0b7285", "oracle (Wald)": "#adb5bd"}
OTHER = "#e8a33d"
FONT = 'font-family="sans-serif" font-size="11"'
WIDTH, LEFT, BAR = 860, 330, 13


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"


def table(rows: Rows) -> str:
    """Rows as a Markdown table."""
    head = f"| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}\n"
    return head + "".join(f"| {' | '.join(_text(value) for value in row.values())} |\n" for row in rows)


def _pivot(rows: Rows) -> Rows:
    """A row per scene: each rule's false rollbacks and mean delay."""
    scenes: dict[str, dict[str, float | str]] = {}
    for row in rows:
        scene = scenes.setdefault(str(row["scene"]), {"scene": row["scene"], "bound": row["bound_min"]})
        missed, delay = float(row["missed_percent"]), row["mean_delay_min"]
        found = (
            "never" if delay == "" else f"{float(delay):.3g}" + (f" (misses {missed:.0f}%)" if missed else "")
        )
        false = row["false_percent"]
        scene[str(row["rule"])] = found + (f"; {float(false):.3g}% false" if false != "" else "")
    names = list(dict.fromkeys(name for scene in scenes.values() for name in scene))
    return [{name: scene.get(name, "") for name in names} for scene in scenes.values()]


def bars(title: str, labels: Sequence[str], values: Sequence[float], colours: Sequence[str]) -> str:
    """Bars on a logarithmic scale; an infinite one reaches the edge."""
    finite = [value for value in values if 0 < value < math.inf]
    low, high = math.log(min(finite)) - 0.4, math.log(max(finite))
    height = 40 + (BAR + 4) * len(labels)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" {FONT}>',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="18" font-size="13" font-weight="bold">{title}</text>',
    ]
    for k, (label, value, colour) in enumerate(zip(labels, values, colours, strict=True)):
        y, room = 30 + (BAR + 4) * k, WIDTH - LEFT - 60
        part = 1.0 if value == math.inf else max(0.0, (math.log(max(value, 1e-9)) - low) / (high - low))
        shown, opacity = ("never", 0.25) if value == math.inf else (f"{value:.3g}", 1)
        bar = f'width="{part * room:.0f}" height="{BAR}" fill="{colour}" opacity="{opacity}"'
        lines += [
            f'<text x="{LEFT - 6}" y="{y + 10}" text-anchor="end">{label}</text>',
            f'<rect x="{LEFT}" y="{y}" {bar}/>',
            f'<text x="{LEFT + part * room + 5:.0f}" y="{y + 10}">{shown}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def _plots(rows: Rows) -> None:
    shown = [
        row for row in rows if row["rule"] in {"headgate", "oracle (Wald)", "Mann-Whitney, every 10 min"}
    ]
    delays = [math.inf if row["mean_delay_min"] == "" else float(row["mean_delay_min"]) for row in shown]
    labels = [f"{row['scene']} · {row['rule']}" for row in shown]
    colours = [COLOURS.get(str(row["rule"]), OTHER) for row in shown]
    (DOCS / "judge-delay.svg").write_text(
        bars("Mean delay to the rollback, minutes (log)", labels, delays, colours), encoding="utf-8"
    )
    worst: dict[str, float] = {}
    for row in rows:
        if row["false_percent"] != "":
            name = str(row["rule"])
            worst[name] = max(worst.get(name, 0.1), float(row["false_percent"]))
    chart = bars(
        "Good versions rolled back within 2 h, %, worst scene (log; 0.1 is none seen)",
        list(worst),
        list(worst.values()),
        [COLOURS.get(name, OTHER) for name in worst],
    )
    (DOCS / "judge-false.svg").write_text(chart, encoding="utf-8")


def write(figures: Mapping[str, Rows]) -> None:
    """Replace the figures in docs/judge.md."""
    parts: list[str] = []
    for title, rows in figures.items():
        among = "rule" in rows[0]
        if among:
            _plots(rows)
        note = "Mean minutes to the rollback of the bad version; share of good versions rolled back.\n\n"
        parts.append(
            f"### {title[0].upper()}{title[1:]}\n\n{note if among else ''}{table(_pivot(rows) if among else rows)}"
        )
    file = DOCS / "judge.md"
    before, _, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    file.write_text(f"{before}{BEGIN}\n{chr(10).join(parts)}\n{END}{after}", encoding="utf-8")
