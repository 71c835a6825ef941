"""The figures as a part of docs/judge.md, and plots beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.judge.contest import ALLOWED, DECLARED_NAME, ORACLE, OURS
from benchmarks.judge.plots import bars, dots
from benchmarks.judge.rivals import RULES

Rows = Sequence[Mapping[str, float | str]]
DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- figures: python -m benchmarks.judge --docs -->\n", "<!-- end of figures -->\n"
COLOURS = {
    OURS: "#0b7285",
    ORACLE: "#adb5bd",
    "Mann-Whitney": "#e8a33d",
    "Mann-Whitney, tolerance": "#d9480f",
    "fixed threshold, failure limit": "#7048e8",
    "cumulative failed checks": "#c2255c",
    "z-test, every minute": "#2f9e44",
    "absolute + relative": "#1971c2",
}
OTHER = "#e8a33d"
CONTEST_NOTE = (
    "Mean minutes to the rollback of the bad version; then the share of good versions rolled back within two hours and "
    f"within ten. Rules that roll back {ALLOWED:g}% of good ones or more in the ten hours are no rivals."
)


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def table(rows: Rows) -> str:
    """Rows as a Markdown table."""
    head = f"| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}\n"
    return head + "".join(f"| {' | '.join(_text(value) for value in row.values())} |\n" for row in rows)


def _scenes(rows: Rows) -> dict[str, list[Mapping[str, float | str]]]:
    scenes: dict[str, list[Mapping[str, float | str]]] = {}
    for row in rows:
        scenes.setdefault(str(row["scene"]), []).append(row)
    return scenes


def _cell(row: Mapping[str, float | str]) -> str:
    missed, delay, false = float(row["missed_percent"]), row["mean_delay_min"], row["false_percent"]
    found = "never" if delay == "" else f"{float(delay):.3g}" + (f" (misses {missed:.0f}%)" if missed else "")
    wrong = "" if false == "" else f"; {float(row['false in 2 h, %']):.3g}/{float(false):.3g}% false"
    return f"{found}{wrong}"


def _pivot(rows: Rows) -> Rows:
    """A row per scene: each rule's mean delay and false rollbacks."""
    names = list(dict.fromkeys(str(row["rule"]) for row in rows))
    found: list[dict[str, float | str]] = []
    for scene, here in _scenes(rows).items():
        cells = {str(row["rule"]): _cell(row) for row in here}
        found.append(
            {"scene": scene, "bound": here[0]["bound_min"], **{name: cells.get(name, "") for name in names}}
        )
    return found


def _keeps(row: Mapping[str, float | str]) -> bool:
    return row["rule"] not in RULES or float(row["false_percent"]) < ALLOWED


def _plots(rows: Rows) -> None:
    delays = {
        scene: {
            str(row["rule"]): float(row["mean_delay_min"])
            for row in here
            if row["mean_delay_min"] != "" and _keeps(row) and float(row["missed_percent"]) < ALLOWED
        }
        for scene, here in _scenes(rows).items()
    }
    title = "Minutes until a bad version is found, of the rules that roll back under 5% of good ones (log)"
    (DOCS / "judge-delay.svg").write_text(dots(title, delays, COLOURS), encoding="utf-8")
    worst: dict[str, float] = {}
    for row in rows:
        if row["false_percent"] != "":
            name = str(row["rule"])
            worst[name] = max(worst.get(name, 0.0), float(row["false_percent"]))
    title = "Good versions rolled back within ten hours, %, in each rule's worst scene (log)"
    chart = bars(title, worst, COLOURS | {DECLARED_NAME: COLOURS[OURS]}, OTHER, 0.1)
    (DOCS / "judge-false.svg").write_text(chart, encoding="utf-8")


def _planner_plot(rows: Rows) -> None:
    told = {
        str(row["service and fault"]): {
            "foretold": float(row["foretold, s"]),
            "judged": float(row["judged, s"]),
        }
        for row in rows
        if row["judged, s"] != ""
    }
    colours = {"foretold": COLOURS[OURS], "judged": OTHER}
    chart = dots("Seconds until a fault is found: foretold, and judged (log)", told, colours)
    (DOCS / "judge-planner.svg").write_text(chart, encoding="utf-8")


def write(figures: Mapping[str, Rows], stamps: Mapping[str, str]) -> None:
    """Replace the figures in docs/judge.md. `stamps` say when each table was measured, with which judge."""
    parts: list[str] = []
    for title, rows in figures.items():
        note = ""
        if "rule" in rows[0]:
            _plots(rows)
            rows, note = _pivot(rows), f"{CONTEST_NOTE}\n\n"  # noqa: PLW2901
        if "foretold, s" in rows[0]:
            _planner_plot(rows)
        parts.append(
            f"### {title[0].upper()}{title[1:]}\n\n{note}{table(rows)}\nMeasured {stamps.get(title, '')}.\n"
        )
    file = DOCS / "judge.md"
    before, _, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    file.write_text(f"{before}{BEGIN}\n{chr(10).join(parts)}\n{END}{after}", encoding="utf-8")
