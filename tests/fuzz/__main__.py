"""`make fuzz`: every parser of foreign bytes against inputs that nobody meant, some minutes in all.

    make fuzz                                       every target, in turn
    make fuzz ARGS="--minutes 10 --only otlp"       ten minutes, shared by the targets whose name has `otlp` in it
    make fuzz ARGS="--list"                         what there is
    make fuzz ARGS="--replay build/fuzz/NAME/KEY"   one finding again

Each target runs in a process of its own, which a crash or a limit of memory may end. A finding is a file in
`build/fuzz`, made small, with what was raised beside it.
"""

from __future__ import annotations

import argparse
import json
import mmap
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fuzz.campaign import Campaign, Result
from tests.fuzz.judging import Finding, run, weigh
from tests.fuzz.registry import BY_NAME, TARGETS
from tests.fuzz.target import Target

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "build" / "fuzz"
MINUTES = 6.0
MEMORY_MAX_BYTES = 3 << 30
GRACE_S = 120.0
INPUT_MAX = 4 << 20


@dataclass(frozen=True)
class Asked:
    """What the command line says."""

    minutes: float
    only: list[str]
    jobs: int
    seed: int


def main() -> int:
    arguments = _parsed()
    if arguments.list:
        for target in TARGETS:
            print(f"{target.name:28} {', '.join(target.modules)}")
        return 0
    if arguments.replay:
        return replay(arguments.replay)
    if arguments.alone:
        return alone(BY_NAME[arguments.alone], arguments.seconds, arguments.seed)
    return fuzz(Asked(arguments.minutes, arguments.only, arguments.jobs, arguments.seed))


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description="Feed every parser what nobody meant.")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long, all targets together")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="targets with this in their name"
    )
    parser.add_argument("--jobs", type=int, default=1, help="how many targets run side by side")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="which targets there are")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="a finding, once more")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=5.0, help=argparse.SUPPRESS)
    return parser.parse_args()


def fuzz(asked: Asked) -> int:
    """Each target in turn; 1 when anything was found."""
    chosen = [one for one in TARGETS if not asked.only or any(name in one.name for name in asked.only)]
    if not chosen:
        print(f"no target has {' or '.join(asked.only)} in its name: see --list")
        return 2
    seconds = asked.minutes * 60 * asked.jobs / len(chosen)
    print(f"{'target':28}{'inputs':>9}{'s':>6}{'ways':>7}{'ms/MB':>8}{'memory':>8}  findings")
    with ThreadPoolExecutor(asked.jobs) as pool:
        found = sum(pool.map(lambda one: _told(one, seconds, asked.seed), chosen))
    if found:
        print(f"\n{found} findings, in {FOUND.relative_to(ROOT)}")
    return 1 if found else 0


def _told(target: Target, seconds: float, seed: int) -> int:
    """Run one in a process of its own, and say what it came to."""
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        "--alone",
        target.name,
        "--seconds",
        f"{seconds}",
        "--seed",
        f"{seed}",
    ]
    try:
        ran = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + GRACE_S, check=False
        )
        status, said, why = ran.returncode, ran.stdout, ran.stderr
    except subprocess.TimeoutExpired:
        status, said, why = -1, "", f"it did not end within {GRACE_S:g} s of its time"
    if status:
        print(
            f"{target.name:28} died ({status}): {why[-300:].strip()}; {_keep_last(target, why)}", flush=True
        )
        return 1
    result = json.loads(said.splitlines()[-1])
    shown = "; ".join(f"{kind} {where}".strip() for kind, where in result["findings"])
    print(
        f"{target.name:28}{result['executions']:>9}{result['seconds']:>6.0f}{result['edges']:>7}"
        f"{result['ms_per_mb']:>8.0f}{result['memory_times']:>8.1f}  {shown}",
        flush=True,
    )
    return len(result["findings"])


def alone(target: Target, seconds: float, seed: int) -> int:
    """One campaign, in this process; its result is the last line that is printed."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    place = FOUND / target.name
    place.mkdir(parents=True, exist_ok=True)
    with _last(target).open("wb+") as file:
        file.truncate(INPUT_MAX + 8)
        with mmap.mmap(file.fileno(), INPUT_MAX + 8) as kept:

            def before(data: bytes) -> None:
                kept[: 8 + len(data)] = len(data).to_bytes(8, "big") + data

            result = Campaign(target, seed, before).play(seconds)
    _last(target).unlink()
    for finding, data in result.findings:
        _write(target, finding, data)
    _say(result)
    return 0


def _say(result: Result) -> None:
    said = {name: value for name, value in asdict(result).items() if name != "findings"}
    said["findings"] = [(finding.kind, finding.where) for finding, _ in result.findings]
    print(json.dumps(said))


def _last(target: Target) -> Path:
    return FOUND / target.name / ".last"


def _keep_last(target: Target, why: str) -> str:
    """Keep the input that it died of, if it was under way."""
    if not _last(target).exists():
        return "no input was under way"
    content = _last(target).read_bytes()
    data = content[8 : 8 + int.from_bytes(content[:8], "big")]
    _last(target).unlink()
    return _write(target, Finding("death", "", why), data)


def _write(target: Target, finding: Finding, data: bytes) -> str:
    file = FOUND / target.name / finding.key
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    again = f'make fuzz ARGS="--replay {file.relative_to(ROOT)}"'
    file.with_name(f"{file.name}.txt").write_text(
        f"{again}\n\n{data[:2000]!r}\n\n{finding.what}\n", encoding="utf-8"
    )
    return again


def replay(file: Path) -> int:
    """The input in a file against the target that its folder is called after."""
    target, data = BY_NAME[file.absolute().parent.name], file.read_bytes()
    ended = run(target, data)
    peak, heavy = weigh(target, data)
    print(f"{target.name}: {len(data)} bytes, {ended.took_s * 1000:.1f} ms of CPU, {peak} bytes of memory")
    for finding in (ended.finding, heavy):
        if finding is not None:
            print(f"{finding.kind} {finding.where}\n{finding.what}")
    if ended.error is not None and ended.finding is None:
        print(f"refused, as declared: {type(ended.error).__name__}: {ended.error}")
    return 1 if ended.finding or heavy else 0


if __name__ == "__main__":
    sys.exit(main())
