"""Load from the command line: `python -m headgate.lab.load --url http://127.0.0.1:8080 --rate 50 --duration 10s`."""

import argparse
import asyncio
import difflib
import math
import re
import signal
import sys
import threading
from pathlib import Path

import msgspec

from headgate.lab.load.journey import Journey, Step
from headgate.lab.load.load import Load
from headgate.lab.load.results import Counts, Results, Window
from headgate.lab.load.runner import run
from headgate.lab.load.shop import SHOP

JOURNEYS = {"shop": SHOP}
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def main() -> int:
    """The command: exit status 0, or 2 for a load that cannot be."""
    parser = _parser()
    asked = parser.parse_args()
    try:
        load = _load(asked)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    results = asyncio.run(
        run(load, lambda window: _show(window, stream=asked.every is not None), stop.is_set)
    )
    if asked.json or asked.every is not None:
        print(msgspec.json.encode(results).decode(), flush=True)
    else:
        print(_summary(results), flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m headgate.lab.load", description="Send bounded, open-loop load to a loopback address."
    )
    add = parser.add_argument
    add("--url", required=True, help="where to: a loopback address only")
    add("--rate", required=True, type=float, metavar="N", help="journeys that begin in a second, on average")
    add(
        "--duration",
        required=True,
        type=_seconds,
        metavar="TIME",
        help="no journey begins after it, e.g. 10s",
    )
    add(
        "--journeys",
        default="shop",
        metavar="WHAT",
        help="shop, a path such as /catalogue, or a file.json of journeys",
    )
    add(
        "--count",
        type=int,
        metavar="N",
        help="no more journeys than this (default: 1.5 times what the rate gives)",
    )
    add("--concurrency", type=int, default=64, metavar="N", help="no more journeys under way than this (64)")
    add("--seed", type=int, default=0, metavar="N", help="the same seed sends the same journeys (0)")
    add("--timeout", type=_seconds, default=5.0, metavar="TIME", help="give a request up after this (5s)")
    add(
        "--header",
        action="append",
        default=[],
        type=_header,
        metavar="NAME:VALUE",
        help="sent with every request",
    )
    add(
        "--version-header",
        default="x-shop-version",
        metavar="NAME",
        help="the answer's header that names its version",
    )
    add("--json", action="store_true", help="results as one line of JSON")
    add("--every", type=_seconds, metavar="TIME", help="also a line of JSON for each window of this length")
    return parser


def _load(asked: argparse.Namespace) -> Load:
    return Load(
        url=asked.url,
        rate_per_s=asked.rate,
        duration_s=asked.duration,
        count_max=asked.count or max(100, math.ceil(asked.rate * asked.duration * 1.5)),
        concurrency_max=asked.concurrency,
        journeys=_journeys(asked.journeys),
        seed=asked.seed,
        timeout_s=asked.timeout,
        every_s=asked.every or max(1.0, asked.duration / 1000),
        version_header=asked.version_header.lower(),
        headers=tuple(asked.header),
    )


def _journeys(what: str) -> tuple[Journey, ...]:
    if what in JOURNEYS:
        return JOURNEYS[what]
    if what.endswith(".json"):
        return msgspec.json.decode(Path(what).read_bytes(), type=tuple[Journey, ...])
    if what.startswith("/"):
        return (Journey(name="get", steps=(Step(name="page", path=what),)),)
    near = difflib.get_close_matches(what, JOURNEYS, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"--journeys is {', '.join(JOURNEYS)}, a /path or a file.json, not {what!r}{hint}")


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"expected a time such as 500ms, 10s or 2m, not {text!r}")
    return float(found[1]) * SECONDS[found[2]]


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise argparse.ArgumentTypeError(f"expected NAME:VALUE, not {text!r}")
    return name.strip(), value.strip()


def _show(window: Window, *, stream: bool) -> None:
    print(
        f"{window.to_s:7.1f} s  {window.requests_per_s:7.1f}/s  {_line(window.counts)}",
        file=sys.stderr,
        flush=True,
    )
    if stream:
        print(msgspec.json.encode(window).decode(), flush=True)


def _summary(results: Results) -> str:
    total = results.total
    lines = [f"{total.to_s:.1f} s (ended by {results.ended}), {total.requests_per_s:.1f} requests/s"]
    lines.append(f"  {_line(total.counts)}")
    lines += [f"  version {version}: {_line(counts)}" for version, counts in total.versions.items()]
    lines += [
        f"  step {name}: {_line(step.counts)}, {step.unmet} unmet" for name, step in total.steps.items()
    ]
    for name, counts in total.journeys.items():
        endings = f"{counts.completed} completed, {counts.unmet} unmet, {counts.broken} broken"
        lines.append(f"  journey {name}: {counts.started} started, {endings}")
    lines.append(f"  {results.not_started} journeys not started, {results.unfinished} unfinished")
    lines.append(f"  at most {results.late_ms_max:.1f} ms late, {results.cpu_s:.2f} s of CPU")
    return "\n".join(lines)


def _line(counts: Counts) -> str:
    latency = counts.latency
    return (
        f"{counts.requests} requests: {counts.failed} failed, {counts.refused} refused, {counts.resets} reset,"
        f" {counts.connect_errors} not connected, {counts.timeouts} timed out;"
        f" p50 {_ms(latency.p50_ms)}, p99 {_ms(latency.p99_ms)}"
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


if __name__ == "__main__":
    sys.exit(main())
