"""`headgate judge`."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from headgate.cli import options
from headgate.cli.ask.judge import read_spec, spec_of
from headgate.cli.errors import Unable
from headgate.cli.screen import say
from headgate.ports.errors import UNREADABLE

if TYPE_CHECKING:
    from headgate.judge import Judge

CHUNK_BYTES = 64 * 1024
LINE_MAX_BYTES = 8 * 1024 * 1024
SHOWN = '{"at": 15, "stable": {"requests": 950}, "canary": {"requests": 50, "errors": 9}}'


def _dispersion(context: click.Context, parameter: click.Parameter, value: str | None) -> float | str | None:
    if value is None or value == "auto":
        return value
    try:
        return float(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is neither `auto` nor a number", context, parameter) from error


@options.verb(
    "judge",
    "my-metrics | headgate judge",
    "headgate judge --alpha 0.001 --no-promote intervals.ndjson",
    f"echo '{SHOWN}' | headgate judge",
)
@click.option("--spec", "spec_file", type=click.Path(path_type=Path), help="Criteria in YAML or JSON.")
@click.option("--alpha", type=float, help="The share of good canaries that may fail (0.01).")
@click.option("--beta", type=float, help="The share of bad canaries that may pass (0.05).")
@click.option("--margin", type=float, help="The canary may have so many times stable's errors (1.25).")
@click.option("--worse", type=float, help="To pass, so many times stable's errors are ruled out (2).")
@click.option(
    "--worse-by", type=float, help="... or so much more than stable's, whichever is more (0.05: 5%)."
)
@click.option(
    "--dispersion",
    metavar="auto|NUMBER",
    callback=_dispersion,
    help="How burstily errors come; auto: learnt.",
)
@click.option("--horizon", metavar="DURATION", callback=options.seconds, help="How long it goes on (24h).")
@click.option(
    "--promote/--no-promote", "promote", default=None, help="Say `pass` (default), or keep watching."
)
@click.option(
    "--serve", "port", type=click.IntRange(0, 65535), help="Answer on this port instead, over HTTP."
)
@options.as_json
@click.argument("source", type=click.File("rb"), default="-", metavar="[FILE|-]")
def command(spec_file: Path | None, source: IO[bytes], port: int | None, **flags: float | str | None) -> None:
    """Judge a canary from its numbers alone: one interval in JSON a line in, one verdict a line out.

    Per arm: requests, errors, and, where there are any, latency_ms {le, count} (cumulative), instances [{requests,
    errors}], means {NAME: {sum, n}}. Beside them: at (seconds) and weight (percent). A verdict is watch, pass, fail,
    hold_external, inconclusive or no_data; after pass or fail it stays.

    With --serve it listens on localhost: POST /intervals/NAME takes intervals, GET /verdict/NAME answers Argo Rollouts'
    web metric ({$.verdict}), POST /flagger/HOOK Flagger's webhooks (confirm-rollout, rollout, confirm-promotion,
    rollback), POST /judge Kayenta's remote judge, DELETE /verdict/NAME begins anew.
    """
    from headgate.judge import Judge

    del flags["as_json"]  # it writes JSON in any case
    said = read_spec(spec_file) | {name: value for name, value in flags.items() if value is not None}
    spec = spec_of(said)

    def new() -> Judge:
        return Judge(spec, latency_optional="latency" not in said)

    if port is None:
        _judged(new(), source)
    else:
        _serve(new, port)


def _serve(new: "Callable[[], Judge]", port: int) -> None:
    import asyncio

    from headgate.web.judge_server import serve

    asyncio.run(serve(new, port, lambda taken: say(f"judging on http://127.0.0.1:{taken}")))


def _judged(judge: "Judge", source: IO[bytes]) -> None:
    import msgspec

    from headgate.judge import Interval, answer

    decode, encode = msgspec.json.Decoder(Interval).decode, msgspec.json.Encoder().encode
    sys.stdout.flush()
    out, number = sys.stdout.buffer, 0
    for lines in _arriving(source):
        try:
            for line in lines:
                number += 1
                if not line or line.isspace():
                    continue
                interval = decode(line)
                out.write(encode(answer(interval.at, judge.observe(interval))) + b"\n")
        except UNREADABLE as error:
            raise Unable(f"line {number}: {error}", f"a line is like {SHOWN}") from error
        finally:
            out.flush()


def _arriving(source: IO[bytes]) -> Iterator[list[bytes]]:
    """The lines that have arrived, as soon as they have: many at once from a file, one by one from a slow pipe."""
    read = getattr(source, "read1", source.read)  # what is there, without waiting for more
    rest = b""
    while chunk := read(CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LINE_MAX_BYTES:
            raise Unable(f"a line of more than {LINE_MAX_BYTES} bytes", f"a line is like {SHOWN}")
        if lines:
            yield lines
    yield [rest]
