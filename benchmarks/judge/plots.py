"""Two kinds of plots as small SVG files: bars on a logarithmic scale, and dots along one line per scene."""

import math
from collections.abc import Mapping, Sequence

FONT = 'font-family="sans-serif" font-size="11"'
WIDTH, LEFT, RIGHT, LINE = 880, 320, 50, 17
INK, GRID = "#343a40", "#dee2e6"


def _frame(title: str, lines: int, body: Sequence[str], foot: int = 0) -> str:
    height = 46 + LINE * lines + foot
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {FONT} fill="{INK}">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="18" font-size="13" font-weight="bold">{title}</text>',
        *body,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _at(value: float, low: float, high: float) -> float:
    part = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return LEFT + min(max(part, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)


def _ticks(low: float, high: float, lines: int) -> list[str]:
    """A thin line and its figure at every power of ten and at three times it."""
    found: list[str] = []
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for value in (10.0**power, 3 * 10.0**power):
            if low <= value <= high:
                x = _at(value, low, high)
                found.append(
                    f'<line x1="{x:.0f}" x2="{x:.0f}" y1="38" y2="{40 + LINE * lines}" stroke="{GRID}"/>'
                )
                found.append(f'<text x="{x:.0f}" y="34" text-anchor="middle" fill="#868e96">{value:g}</text>')
    return found


def dots(title: str, scenes: Mapping[str, Mapping[str, float]], colours: Mapping[str, str]) -> str:
    """A line for each scene, a dot for each name that has a finite value there; the first name is drawn last."""
    values = [value for found in scenes.values() for value in found.values() if math.isfinite(value)]
    low, high = min(values) / 1.2, max(values) * 1.2
    body = _ticks(low, high, len(scenes))
    for k, (scene, found) in enumerate(scenes.items()):
        y = 40 + LINE * k + 9
        body.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{scene}</text>')
        body.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="{GRID}"/>')
        for name in reversed(list(colours)):
            if math.isfinite(found.get(name, math.inf)):
                radius = 5 if name == next(iter(colours)) else 4
                x = _at(found[name], low, high)
                body.append(f'<circle cx="{x:.1f}" cy="{y}" r="{radius}" fill="{colours[name]}"/>')
    shown = [name for name in colours if any(name in found for found in scenes.values())]
    x, y = 8, 46 + LINE * len(scenes) + 10
    for name in shown:
        if x + 26 + 6 * len(name) > WIDTH:
            x, y = 8, y + LINE
        body.append(f'<circle cx="{x + 4}" cy="{y - 4}" r="4" fill="{colours[name]}"/>')
        body.append(f'<text x="{x + 12}" y="{y}">{name}</text>')
        x += 26 + 6 * len(name)
    foot = y - 46 - LINE * len(scenes) + 10
    return _frame(title, len(scenes), body, foot=foot)


def bars(
    title: str, values: Mapping[str, float], colours: Mapping[str, str], other: str, least: float
) -> str:
    """A bar for each value, on a logarithmic scale that begins at `least`."""
    high = max(*values.values(), 10 * least)
    body = _ticks(least, high, len(values))
    for k, (name, value) in enumerate(values.items()):
        y, x = 40 + LINE * k, _at(max(value, least), least, high)
        body.append(f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{name}</text>')
        body.append(
            f'<rect x="{LEFT}" y="{y + 2}" width="{max(x - LEFT, 1):.0f}" height="13" '
            f'fill="{colours.get(name, other)}"/>'
        )
        body.append(f'<text x="{max(x, LEFT) + 5:.0f}" y="{y + 12}">{value:.3g}</text>')
    return _frame(title, len(values), body)
