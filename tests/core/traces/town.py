"""Five services that call each other, as spans: each with a clock of its own, callers that retry and give up."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from headgate.core.traces import Party, Span

CALLS = {
    "web": ("cart", "payments"),
    "cart": ("pricing", "stock"),
    "payments": ("stock",),
    "pricing": (),
    "stock": (),
}
MS = 1_000_000


@dataclass
class Town:
    """`breaks` says of a version whether a request to it fails, `hangs` whether it answers after all patience."""

    seed: int
    tries: int = 1
    canary_share: float = 0.3
    breaks: Callable[[Party, random.Random], bool] = lambda party, chance: False
    hangs: Callable[[Party, random.Random], bool] = lambda party, chance: False
    skew_ms: int = 0
    silent_proxies: bool = False
    spans: list[Span] = field(default_factory=list)
    broke: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._names = 0
        self._trace = ""
        self._clocks = {name: self._chance.randint(-self.skew_ms, self.skew_ms) * MS for name in CALLS}

    def visit(self) -> bool:
        """One request of a user. True when it was answered well."""
        self._names += 1
        self._trace = f"t{self._names}"
        failed, _, _ = self._serve("web", "", 0)
        return not failed

    def _name(self) -> str:
        self._names += 1
        return f"s{self._names:06}"

    def _serve(self, service: str, parent: str, began_ns: int) -> tuple[bool, int, str]:
        version = "new" if self._chance.random() < self.canary_share else "old"
        party = Party(service, version, "production", f"{service}-{version}-1")
        name = self._name()
        now, failed = began_ns + MS, False
        for callee in CALLS[service]:
            failed_below, now = self._call(party, callee, name, now)
            failed = failed or failed_below
        if self.hangs(party, self._chance):
            now += 5_000 * MS
            self.broke.append(name)
        elif self.breaks(party, self._chance):
            failed = True
            self.broke.append(name)
        now += MS
        clock = self._clocks[service]
        self.spans.append(
            Span(
                self._trace,
                name,
                parent,
                party,
                "entry",
                now + clock,
                now - began_ns,
                failed,
                f"GET /{service}",
            )
        )
        return failed, now, name

    def _call(self, party: Party, callee: str, entry: str, now: int) -> tuple[bool, int]:
        """Try until it works. Patience is 1 s a try at the edge of the town, and longer the higher up."""
        patience = {"web": 3_000, "cart": 2_000, "payments": 2_000}[party.service] * MS
        for _ in range(self.tries):
            attempt, sent = self._name(), now + MS
            parent = f"proxy-{attempt}" if self.silent_proxies else attempt
            failed, answered, _ = self._serve(callee, parent, sent + MS)
            gave_up = answered - sent > patience
            now = sent + patience if gave_up else answered + MS
            bad = failed or gave_up
            ended = now + self._clocks[party.service]
            self.spans.append(
                Span(self._trace, attempt, entry, party, "exit", ended, now - sent, bad, f"GET {callee}/")
            )
            if not bad:
                return False, now
        return True, now

    def traces(self) -> list[list[Span]]:
        by_trace: dict[str, list[Span]] = {}
        for span in self.spans:
            by_trace.setdefault(span.trace, []).append(span)
        for spans in by_trace.values():
            self._chance.shuffle(spans)
        return list(by_trace.values())
