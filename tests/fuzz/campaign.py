"""A campaign against one target: seeds, then inputs made of those that went new ways, until its time is over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz import mutation
from tests.fuzz.judging import MEGABYTE, Finding, limit_s, run, weigh
from tests.fuzz.minimising import minimised
from tests.fuzz.target import Target
from tests.fuzz.tracing import Tracer, ending

CORPUS_MAX = 1000
TRACED_MAX = 8 * 1024
GROWN_EVERY, MADE_EVERY, WEIGHED_EVERY = 40, 12, 16
RATE_FROM = 16 * 1024
"""Smaller inputs say nothing of what a megabyte costs."""

SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
ALWAYS = (b"", b"\0", b"{}", b"[]", b"[" * 100_000, b'{"a":' * 20_000, b"9" * 5000, b'"\xff"')
"""What every reader is given."""

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(mutation.VALUES[:-6])
)


@dataclass
class Result:
    """What a campaign came to. Costs are the worst that were seen, of inputs from RATE_FROM bytes on."""

    name: str
    executions: int = 0
    seconds: float = 0.0
    edges: int = 0
    corpus: int = 0
    ms_per_mb: float = 0.0
    memory_times: float = 0.0
    findings: list[tuple[Finding, bytes]] = field(default_factory=list[tuple[Finding, bytes]])


class Campaign:
    """`before` is told of each input before it is parsed: what ends the process is to be found, too."""

    def __init__(
        self,
        target: Target,
        seed: int = 0,
        before: Callable[[bytes], None] | None = None,
        input_max: int | None = None,
    ) -> None:
        self._target = target
        self._input_max = min(target.input_max, input_max or target.input_max)
        self._draw = random.Random(f"{seed} {target.name}")
        self._before = before or (lambda _: None)
        self._tracer = Tracer(target.files)
        self._edges: set[int] = set()
        self._corpus: list[bytes] = []
        self._known: set[str] = set()
        self.result = Result(target.name)

    def play(self, seconds: float, executions: int | None = None) -> Result:
        """Go on for so long, or for so many inputs."""
        began = time.monotonic()
        for data in self._inputs():
            self._take(data)
            took = time.monotonic() - began
            if took >= seconds or (executions is not None and self.result.executions >= executions):
                break
        self.result.seconds += time.monotonic() - began
        self.result.edges, self.result.corpus = len(self._edges), len(self._corpus)
        self.result.findings = [(one, self._minimised(one, data)) for one, data in self.result.findings]
        return self.result

    def _inputs(self) -> Iterator[bytes]:
        target, draw = self._target, self._draw
        yield from target.seeds()
        yield from (data[: self._input_max] for data in ALWAYS)
        made = self._made(_keys(target))
        while True:
            number = self.result.executions
            parent = draw.choice(self._corpus) if self._corpus else b""
            if number % GROWN_EVERY == 0:
                yield mutation.grown(draw, parent, target.words, self._input_max)
            elif number % MADE_EVERY == 0 and (data := next(made)) is not None:
                yield data
            else:
                yield mutation.mutated(draw, parent, self._corpus, target.words, self._input_max)

    def _made(self, keys: list[str]) -> Iterator[bytes | None]:
        """Documents that Hypothesis makes up: JSON with the keys that the target knows."""
        names = st.sampled_from(keys) if keys else st.text(max_size=8)
        documents = st.recursive(
            SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6)
        )
        found: list[bytes] = []

        @settings(database=None, deadline=None, phases=[Phase.generate], suppress_health_check=SLOW)
        @given(documents)
        def make(document: object) -> None:
            found.append(mutation.as_json(document))

        fed: Callable[[bytes], object] = cast("Any", make).hypothesis.fuzz_one_input
        while True:
            fed(self._draw.randbytes(512))
            yield found.pop() if found else None
            found.clear()

    def _take(self, data: bytes) -> None:
        target, result = self._target, self.result
        self._before(data)
        result.executions += 1
        ended = run(target, data)
        if ended.finding is not None:
            self._note(ended.finding, data)
        if len(data) >= RATE_FROM:
            result.ms_per_mb = max(result.ms_per_mb, ended.took_s * 1000 / (len(data) / MEGABYTE))
        fresh = self._fresh(data, ended.error) if ended.took_s < limit_s(target, len(data)) else False
        if fresh or len(data) >= RATE_FROM or result.executions % WEIGHED_EVERY == 0:
            peak, heavy = weigh(target, data)
            if heavy is not None:
                self._note(heavy, data)
            if len(data) >= RATE_FROM:
                result.memory_times = max(result.memory_times, peak / len(data))

    def _fresh(self, data: bytes, error: BaseException | None) -> bool:
        """Whether it went a way that none went before; then it is kept, to be changed further."""
        edges = {ending(error)}
        if len(data) <= TRACED_MAX:
            edges |= self._tracer.edges(lambda: self._quietly(data))
        if edges <= self._edges:
            return False
        self._edges |= edges
        if len(self._corpus) < CORPUS_MAX:
            self._corpus.append(data)
        else:
            self._corpus[self._draw.randrange(CORPUS_MAX)] = data
        return True

    def _quietly(self, data: bytes) -> None:
        try:
            self._target.parse(data)
        except Exception:  # noqa: BLE001 - it was judged before
            return

    def _note(self, finding: Finding, data: bytes) -> None:
        if finding.key not in self._known:
            self._known.add(finding.key)
            self.result.findings.append((finding, data))

    def _minimised(self, finding: Finding, data: bytes) -> bytes:
        def still(shorter: bytes) -> bool:
            if finding.kind == "memory":
                return weigh(self._target, shorter)[1] is not None
            found = run(self._target, shorter).finding
            return found is not None and found.key == finding.key

        return minimised(data, still, 60 if finding.kind in ("slow", "memory", "Hung") else 400)


def _keys(target: Target) -> list[str]:
    """The keys in the JSON among the seeds."""
    found: set[str] = set()
    for seed in target.seeds():
        found |= set(mutation.keys_in(seed))
    return sorted(found)
