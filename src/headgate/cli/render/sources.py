"""What sources of signals answered, as lines."""

from collections.abc import Iterator, Sequence

from headgate.cli.ask.sources import Tried
from headgate.cli.render.styles import Paint

QUESTION_MAX = 160


def sources_lines(tried: Sequence[Tried], paint: Paint) -> Iterator[str]:
    """Each source and version, its questions below it, what is wrong below each."""
    for one in tried:
        mark = paint("✓", "green") if one.ok else paint("✗", "bold red")
        head = f"{one.unit.service} in {one.unit.environment}: {one.source} ({one.kind}), {one.arm} {one.version}"
        yield f"{mark} {paint(head, '')}"
        for look in one.looks:
            yield f"    {paint(_short(look.question), 'dim')}"
            yield f"      {paint(look.answer, '')}"
            if look.problem:
                yield f"      {paint('wrong:', 'bold red')} {paint(look.problem, '')}"


def _short(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= QUESTION_MAX else f"{line[: QUESTION_MAX - 1]}…"
