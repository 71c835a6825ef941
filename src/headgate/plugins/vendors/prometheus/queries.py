"""From the settings and a version to PromQL: pure builders."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from headgate.core.model import Version
from headgate.plugins.vendors.prometheus.settings import Settings
from headgate.plugins.vendors.prometheus.templates import (
    ENVOY_ERROR_CLASS,
    ENVOY_ERRORS,
    SECOND_MS,
    TEMPLATES,
    Template,
)
from headgate.ports.errors import Permanent

REQUESTS, ERRORS, LATENCY, AGE = "requests", "errors", "latency", "age"
GAUGES = "gauges."
"""Before the name of a gauge, in that of its question."""

_PLACE = re.compile(
    r"\{(project|environment|service|version|artifact|configuration|arm)(?::([1-9][0-9]?))?\}"
)
_HARMLESS = re.compile(r"[\w.-]{1,300}", re.ASCII)
_OPERATOR = re.compile(r"(=~|!=|!~)?(.*)", re.DOTALL)
_SELECTOR = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s*", re.DOTALL)
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!=|!~|=)\s*("(?:[^"\\]|\\.)*")\s*,?')
_MILLISECONDS = re.compile(r"(_milliseconds|_millis|_ms)(_bucket)?$")
_SECONDS = re.compile(r"_seconds(_bucket)?$")


@dataclass(frozen=True)
class Selector:
    """A metric and its matchers, each as it is written (`code=~"5.."`)."""

    metric: str
    matchers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.metric}{{{','.join(self.matchers)}}}" if self.matchers else self.metric


@dataclass(frozen=True)
class Query:
    """One question. `inner` is what was asked for, `text` the PromQL sent: `inner` summed by instance."""

    name: str
    inner: str
    text: str


@dataclass(frozen=True)
class Queries:
    """Every question about one version. `unit_ms` is what one unit of the latency is, in milliseconds."""

    queries: tuple[Query, ...]
    unit_ms: float

    def __iter__(self) -> Iterator[Query]:
        return iter(self.queries)


def queries(settings: Settings, version: Version, arm: str) -> Queries:
    """The questions about `version`; `arm` is its name in Headgate's own proxy. Raises Permanent."""
    places = _places(version, arm)
    template = TEMPLATES[settings.template] if settings.template else None
    asked: dict[str, str] = {}
    if template is not None:
        asked = _of_template(template, settings, places)
    for name, own in ((REQUESTS, settings.requests), (ERRORS, settings.errors), (LATENCY, settings.latency)):
        if own:
            asked[name] = _filled(own, places)
    if LATENCY in asked:
        asked[LATENCY] = _bucketed(asked[LATENCY], native=settings.native)
    found = [
        Query(name, inner, _summed(inner, settings, le=name == LATENCY)) for name, inner in asked.items()
    ]
    if REQUESTS in asked and selector(asked[REQUESTS]) is not None:
        found.append(Query(AGE, asked[REQUESTS], f"max(timestamp({asked[REQUESTS]}))"))
    for name, share in settings.means.items():
        for part, query in (("good", share.good), ("total", share.total)):
            inner = _filled(query, places)
            found.append(Query(f"means.{name}.{part}", inner, _summed(inner, settings)))
    for name, query in settings.gauges.items():
        inner = _filled(query, places)
        found.append(Query(f"{GAUGES}{name}", inner, _summed(inner, settings)))
    return Queries(tuple(found), _unit_ms(settings, template, asked.get(LATENCY, "")))


def selector(query: str) -> Selector | None:
    """The selector that `query` is; None when it is more than that."""
    found = _SELECTOR.fullmatch(query)
    if found is None:
        return None
    matchers: list[str] = []
    at = 0
    text = found[2] or ""
    while text[at:].strip():
        one = _MATCHER.match(text, at)
        if one is None:
            return None
        matchers.append(f"{one[1]}{one[2]}{one[3]}")
        at = one.end()
    return Selector(found[1], tuple(matchers))


def _of_template(template: Template, settings: Settings, places: Mapping[str, str]) -> dict[str, str]:
    labels = {**template.always, **template.match, **settings.match}
    matchers = tuple(_matcher(label, value, places) for label, value in labels.items())
    envoy = not template.errors
    errors = (*matchers, ENVOY_ERROR_CLASS if envoy else template.errors)
    return {
        REQUESTS: str(Selector(template.requests, matchers)),
        ERRORS: str(Selector(ENVOY_ERRORS if envoy else template.requests, errors)),
        LATENCY: str(Selector(template.latency, matchers)),
    }


def _matcher(label: str, written: str, places: Mapping[str, str]) -> str:
    found = _OPERATOR.fullmatch(written)
    operator, value = (found[1] or "=", found[2]) if found else ("=", written)
    regular = operator in {"=~", "!~"}
    text = _filled(value, {name: re.escape(one) if regular else one for name, one in places.items()})
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{label}{operator}"{quoted}"'


def _places(version: Version, arm: str) -> dict[str, str]:
    unit = version.unit
    return {
        "project": unit.project,
        "environment": unit.environment,
        "service": unit.service,
        "version": version.key,
        "artifact": version.artifact,
        "configuration": version.configuration,
        "arm": arm,
    }


def _filled(text: str, places: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        one = places[found[1]]
        if not _HARMLESS.fullmatch(one.replace("\\", "")):
            raise Permanent(f"the {found[1]} {one[:40]!r} cannot stand in a query: it has special characters")
        return one[: int(found[2])] if found[2] else one

    return _PLACE.sub(value, text)


def _bucketed(inner: str, *, native: bool) -> str:
    """A classic histogram's buckets, where its name alone was given."""
    found = selector(inner)
    if native or found is None or found.metric.endswith("_bucket"):
        return inner
    return str(Selector(f"{found.metric}_bucket", found.matchers))


def _summed(inner: str, settings: Settings, *, le: bool = False) -> str:
    labels = f"{settings.instance}, le" if le and not settings.native else settings.instance
    return f"sum by ({labels}) ({inner})"


def _unit_ms(settings: Settings, template: Template | None, latency: str) -> float:
    if settings.unit:
        return SECOND_MS if settings.unit == "s" else 1.0
    if template is not None and not settings.latency:
        return template.unit_ms
    names: Callable[[re.Pattern[str]], bool] = lambda unit: any(  # noqa: E731 - used twice, just here
        unit.search(name) for name in re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", latency)
    )
    if latency and names(_MILLISECONDS):
        return 1.0
    if latency and not names(_SECONDS):
        raise Permanent(
            f"the name of the histogram {latency!r} does not say its unit: say `unit: s` or `unit: ms`"
        )
    return SECOND_MS
