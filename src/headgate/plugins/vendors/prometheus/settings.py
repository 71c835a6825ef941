"""What the project file says of a Prometheus."""

import re
from typing import Literal

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.questions import QUERY_MAX, QUESTIONS_MAX, Share
from headgate.plugins.vendors.prometheus.templates import TEMPLATES, TemplateName

_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RATES = re.compile(
    r"\b(rate|irate|increase|delta|idelta|deriv|histogram_quantile|\w+_over_time|resets|changes)\s*\("
)
_URL = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
_EVERY_MIN_S = 0.1
_LABELS_MAX = 30


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked is a `template`, or queries of one's own, or both: a query takes the place of the template's.

    `match` adds labels to the template's, or replaces them: a value, or one that begins with =~, != or !~. In matchers
    and queries {project}, {environment}, {service}, {version}, {artifact}, {configuration} and {arm} (the version's
    name in Headgate's own proxy) become those of the version that is read; {artifact:12} is its first 12 characters.

    `gauges` are shown as they are, one value for each instance (of several series of one instance, the sum).
    `requests`, `errors` and `means` give counters as they are, never rates; `latency` is a histogram: its name with its
    matchers, classic or (`native: true`) native. `unit` says in what it counts, where its name does not.
    `instance` is the label that tells one counting process from another.

    Everything is read as it was at one instant: the last whole `every_s`, less `delay_s` (where samples arrive late).
    Samples older than `stale_after_s` are no data. `tenant` is Mimir's, Cortex's or Loki's X-Scope-OrgID. `token` is a
    bearer token; `user` and `password` are HTTP's basic authentication. `timeout_s` bounds one request.
    """

    url: str
    template: TemplateName | None = None
    match: dict[str, str] = {}
    requests: str = ""
    errors: str = ""
    latency: str = ""
    native: bool = False
    unit: Literal["s", "ms"] | None = None
    means: dict[str, Share] = {}
    gauges: dict[str, str] = {}
    instance: str = "instance"
    every_s: float = 5.0
    delay_s: float = 0.0
    stale_after_s: float = 120.0
    timeout_s: float = 1.5
    tenant: str = ""
    token: SecretSource | None = None
    user: str = ""
    password: SecretSource | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for what can only be wrong together."""
        for wrong, what in (
            (not _URL.fullmatch(self.url), "`url` is the server's address, like `http://prometheus:9090`"),
            (
                "@" in self.url.partition("//")[2].partition("/")[0],
                "`url` holds no password: say `user` and `password`",
            ),
            (
                not (self.template or self.requests or self.means or self.gauges),
                "say a `template`, `requests`, `means` or `gauges`",
            ),
            (self.errors and not self.counts, "`errors` need `requests`: without all, a part says nothing"),
            (self.latency and not self.counts, "`latency` needs `requests`"),
            (self.match and not self.template, "`match` belongs to a `template`; queries have their own"),
            (bool(self.user) != (self.password is not None), "`user` and `password` belong together"),
            (self.token and self.user, "say `token`, or `user` and `password`, not both"),
            (not _LABEL.fullmatch(self.instance), f"`instance` is a label, and {self.instance!r} is none"),
            (self.every_s < _EVERY_MIN_S, "`every` is at least 100ms"),
            (not 0 <= self.delay_s <= 3600, "`delay` is at most 1h"),  # noqa: PLR2004 - a bound
            (self.stale_after_s < self.every_s, "`stale_after` is at least `every`"),
            (not 0 < self.timeout_s <= 60, "`timeout` is at most 1m"),  # noqa: PLR2004 - a bound
        ):
            if wrong:
                raise ValueError(what)
        self._refuse_labels()
        self._refuse_queries()

    @property
    def counts(self) -> bool:
        """Whether requests are counted at all."""
        return bool(self.template or self.requests)

    def _refuse_labels(self) -> None:
        missing = (
            [label for label in TEMPLATES[self.template].ask if label not in self.match]
            if self.template
            else []
        )
        if missing:
            raise ValueError(
                f"the template `{self.template}` cannot know the labels: say `match: {{{missing[0]}: ...}}`"
            )
        wrong = next((label for label in self.match if not _LABEL.fullmatch(label)), None)
        if wrong is not None or len(self.match) > _LABELS_MAX:
            raise ValueError(
                f"`match` holds up to {_LABELS_MAX} labels" + (f", and {wrong!r} is none" if wrong else "")
            )

    def _refuse_queries(self) -> None:
        shares = [query for share in self.means.values() for query in (share.good, share.total)]
        queries = [self.requests, self.errors, self.latency, *shares]
        asked = [*queries, *self.gauges.values()]
        if len(asked) > QUESTIONS_MAX or any(len(query) > QUERY_MAX for query in asked):
            raise ValueError(f"at most {QUESTIONS_MAX} queries of at most {QUERY_MAX} characters are asked")
        rate = next((found for query in queries if (found := _RATES.search(query))), None)
        if rate:
            raise ValueError(f"a query gives counters as they are, and `{rate[1]}()` does not: leave it out")
