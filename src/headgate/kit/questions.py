"""Questions to a source of counts, as the project file writes them: queries in the source's own language."""

import re
from collections.abc import Iterator

import msgspec

from headgate.core.model import Version
from headgate.core.model.window import Pace
from headgate.ports.errors import Permanent

QUERY_MAX = 4096
QUESTIONS_MAX = 40
DELAY_MAX_S, TIMEOUT_MAX_S = 3600.0, 60.0

REQUESTS, ERRORS = "requests", "errors"
_PLACE = re.compile(r"\{(project|environment|service|version|artifact|configuration)(?::(\d{1,2}))?\}")
_URL = re.compile(r"https?://[^\s/@?#]+(/[^\s@?#]*)?")
_HARMLESS = re.compile(r"[\w.-]{1,200}", re.ASCII)
_BOUND = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A share: `good` counts the good cases, `total` all of them."""

    good: str
    total: str


class Questions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every source of counts may be told. `url` is where its API begins.

    Each query counts what happened in a window. In it {project}, {environment}, {service}, {version}, {artifact} and
    {configuration} become those of the version that is read; {artifact:12} is its first 12 characters. `requests`
    counts requests, `errors` those that went badly, `latency` those that took at most so long, by bound (`100ms`,
    `2.5s`), `means` shares by name. Counts are read in windows of `every_s`, each once, `delay_s` after its end: what
    reaches the source later is not counted. `timeout_s` bounds one request.
    """

    url: str
    requests: str = ""
    errors: str = ""
    latency: dict[str, str] = {}
    means: dict[str, Share] = {}
    every_s: float = 10.0
    delay_s: float = 30.0
    timeout_s: float = 5.0

    def __post_init__(self) -> None:
        """Raises ValueError for what can only be wrong together."""
        if self.url and not _URL.fullmatch(self.url):
            raise ValueError("`url` is an address like `https://api.example.com`, without user, `?` and `#`")
        if not self.requests and not self.means:
            raise ValueError("there is nothing to ask: say `requests`, `means` or both")
        if (self.errors or self.latency) and not self.requests:
            raise ValueError("`errors` and `latency` need `requests`: without all, a part says nothing")
        slow = self.delay_s > DELAY_MAX_S or self.timeout_s > TIMEOUT_MAX_S
        if self.every_s < 1 or self.every_s % 1 or self.delay_s < 0 or self.timeout_s <= 0 or slow:
            raise ValueError("`every` is whole seconds, `delay` at most 1h, `timeout` at most 1m")
        for bound in self.latency:
            bound_ms(bound)
        queries = dict(named(self))
        if len(queries) > QUESTIONS_MAX or any(len(query) > QUERY_MAX for query in queries.values()):
            raise ValueError(f"at most {QUESTIONS_MAX} queries of at most {QUERY_MAX} characters are asked")

    @property
    def pace(self) -> Pace:
        """How its windows follow each other."""
        return Pace(int(self.every_s), self.delay_s)


class LogQuestions(Questions, frozen=True, kw_only=True):
    """What every source of log lines may be told: what Questions takes, and `error_lines`, a query for lines of errors.

    They become the mean `new_errors`: lines of kinds that were not logged before the release, over `requests`.
    """

    error_lines: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError where there is nothing to divide by."""
        super().__post_init__()
        if self.error_lines and not self.requests:
            raise ValueError("`error_lines` needs `requests`: new errors are counted per request")
        if len(self.error_lines) > QUERY_MAX:
            raise ValueError(f"`error_lines` is longer than {QUERY_MAX} characters")


def bound_ms(bound: str) -> float:
    """A latency bound (`250ms`, `2.5s`) in milliseconds. Raises ValueError."""
    found = _BOUND.fullmatch(bound)
    if found is None:
        raise ValueError(f"{bound!r} is no bound of a latency: write `250ms` or `2.5s`")
    return float(found[1]) * (1000.0 if found[2] == "s" else 1.0)


def named(questions: Questions) -> Iterator[tuple[str, str]]:
    """Every query with a name of its own: `requests`, `latency 100ms`, `means.orders.good`, ..."""
    if questions.requests:
        yield REQUESTS, questions.requests
    if questions.errors:
        yield ERRORS, questions.errors
    for bound, query in questions.latency.items():
        yield f"latency {bound}", query
    for name, share in questions.means.items():
        yield f"means.{name}.good", share.good
        yield f"means.{name}.total", share.total


def filled(query: str, version: Version) -> str:
    """`query` for one version. Raises Permanent where a name could change the query's meaning."""
    unit = version.unit
    values = {
        "project": unit.project,
        "environment": unit.environment,
        "service": unit.service,
        "version": version.key,
        "artifact": version.artifact,
        "configuration": version.configuration,
    }

    def value(found: re.Match[str]) -> str:
        text = values[found[1]]
        if not _HARMLESS.fullmatch(text):
            raise Permanent(
                f"the {found[1]} {text[:40]!r} cannot stand in a query: it has special characters"
            )
        return text[: int(found[2])] if found[2] else text

    return _PLACE.sub(value, query)
