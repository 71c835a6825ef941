"""Checks across values: names that must exist, ports that clash, orders that cannot be kept."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from headgate.config.models import Environment, Journey, Project, Service
from headgate.config.models.complaint import Complaint, listed
from headgate.config.models.criteria import PROCESS, SERVICE
from headgate.config.problems import closest
from headgate.config.quantities import write_duration
from headgate.config.salvage import Sound
from headgate.kit.novelty import NEW_ERRORS
from headgate.ports.target import GAUGES

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def check(parts: Sound) -> Iterator[Complaint]:
    """Everything that is wrong between the sound parts of a project."""
    for name, environment in parts.project.environments.items():
        at = ("environments", name, "services")
        for service_name, service in environment.services.items():
            unit = (name, service_name)
            for of_service, keys in _OF_SERVICE:
                if parts.whole(unit, *keys):
                    yield from _moved(of_service(service), (*at, service_name))
            if parts.whole(unit, "rollout") and environment.production:
                yield from _moved(_careless(name, service), (*at, service_name))
            if parts.whole(unit, "needs"):
                names = parts.names.get(name, frozenset())
                yield from _moved(_needs(service_name, service, names), (*at, service_name))
            common = parts.project.services.get(service_name)
            if common is not None and parts.whole(unit, "artifact"):
                yield from _moved(_own_artifact(common, service), (*at, service_name))
        channels = parts.channels.get(name, frozenset())
        yield from _moved(_channels(environment, channels), ("environments", name, "roles"))
        whole = environment.services.items()
        yield from _moved(
            _cycles({key: service for key, service in whole if parts.whole((name, key), "needs")}), at
        )
        yield from _moved(
            _clashes({key: service for key, service in whole if parts.whole((name, key), "listen")}), at
        )


def notes(project: Project) -> tuple[str, ...]:
    """What is no error and yet worth a look: sentences.

    Two environments may well use one port, on two hosts; a variable may well be called TOKEN_TTL.
    """
    found: list[str] = []
    taken: dict[tuple[str, int], str] = {}
    for name, environment in project.environments.items():
        for service_name, service in environment.services.items():
            unit = f"{name}/{service_name}"
            for _, port in _ports(service):
                other = taken.setdefault((service.listen.host, port), unit)
                if not other.startswith(f"{name}/"):
                    found.append(
                        f"{other} and {unit} both listen on port {port}: on one host, only one of them can run."
                    )
            found += [
                f"{unit}: `{variable}` in `env` sounds like a secret, and `env` is stored in the open: see `secrets`."
                for variable in service.env
                if re.search(r"(?i)(passw(or)?d|secret|token|api_?key|private_?key)$", variable)
            ]
    return tuple(dict.fromkeys(found))


def _moved(complaints: Iterable[Complaint], at: tuple[str | int, ...]) -> Iterator[Complaint]:
    for found in complaints:
        yield Complaint((*at, *found.loc), found.what, found.expected, found.hint, found.key)


def _channels(environment: Environment, known: frozenset[str]) -> Iterator[Complaint]:
    """Whoever has a role is told by channels that there are."""
    for role, one in environment.roles.items():
        for key, names in (("channels", one.channels), ("fallback_channels", one.fallback_channels)):
            for index, channel in enumerate(names):
                if channel not in known:
                    yield _unknown("channel", channel, known, (role, key, index))


def _careless(name: str, service: Service) -> Iterator[Complaint]:
    if service.rollout.strategy == "all-at-once":
        yield Complaint(
            ("rollout", "strategy"),
            f"`all-at-once` is refused in the production environment `{name}`",
            "`canary`, `blue-green` or `rolling`",
            'in an emergency, `headgate deploy --break-glass "reason"` moves everybody at once, on the record',
        )


def _batch(service: Service) -> Iterator[Complaint]:
    if service.rollout.batch > service.instances:
        what = f"a batch of {service.rollout.batch} is more than the {service.instances} instances there are"
        yield Complaint(("rollout", "batch"), what, f"at most {service.instances}")


def _business(service: Service) -> Iterator[Complaint]:
    scraped = any(signal.source is None for signal in service.criteria.business.values())
    if scraped and service.metrics is None:
        what = "business signals are read from the service's own metrics, and it has no `metrics`"
        yield Complaint(
            ("criteria", "business"), what, "", "say where they are: `metrics: /metrics`", key=True
        )


def _sources(service: Service) -> Iterator[Complaint]:
    """Whoever is said to measure must be declared, and give what is asked of it."""
    asked: list[tuple[tuple[str, ...], str | None]] = [
        (("criteria", "measured_by"), service.criteria.measured_by)
    ]
    asked += [
        (("criteria", "business", name, "from"), one.source)
        for name, one in service.criteria.business.items()
    ]
    for at, source in asked:
        if source is not None and source not in service.signals:
            yield _unknown("source", source, service.signals, at)
            continue
        settings = service.signals[source].settings if source is not None else {}
        means, name = settings.get("means"), at[-2]
        if name == NEW_ERRORS and settings.get("error_lines"):
            continue  # a source of log lines gives it besides
        if at[-1] == "from" and isinstance(means, dict) and name not in means:
            yield _unknown(f"mean of `{source}`", str(name), cast("dict[str, object]", means), at[:-1])


def _gauges(service: Service) -> Iterator[Complaint]:
    """Each gauge must come from somewhere that gives it."""
    for name, one in service.criteria.saturation.items():
        at = ("criteria", "saturation", name)
        if one.source in (PROCESS, SERVICE) and one.source in service.signals:
            what = f"`{one.source}` is what gauges come from without a source, and here a source is called so"
            yield Complaint((*at, "from"), what, "another name for the source in `signals`")
        elif one.source == PROCESS:
            if name not in GAUGES:
                yield _unknown("gauge of a process", name, dict.fromkeys(GAUGES, ""), at)
        elif one.source == SERVICE:
            if service.metrics is None:
                what = "this gauge is read from the service's own metrics, and it has no `metrics`"
                yield Complaint((*at, "from"), what, "", "say where they are: `metrics: /metrics`", key=True)
        elif one.source not in service.signals:
            yield _unknown("source", one.source, [PROCESS, SERVICE, *service.signals], (*at, "from"))
        else:
            gauges = service.signals[one.source].settings.get("gauges")
            if isinstance(gauges, dict | list | tuple) and name not in gauges:
                known = [str(one) for one in cast("Iterable[object]", gauges)]
                yield _unknown(f"gauge of `{one.source}`", name, known, at)


def _fresh(service: Service) -> Iterator[Complaint]:
    """The proxy and the service itself are asked by address. Elsewhere, instances are told apart by their version."""
    name = next(iter(service.signals), None)
    if service.rollout.fresh_baseline and name is not None:
        yield Complaint(
            ("rollout", "fresh_baseline"),
            f"`{name}` cannot tell a fresh baseline from the old version: they are the same version",
            "no `signals` beside it, so that the proxy and the service's own `metrics` are what is judged",
            key=True,
        )


def _means(service: Service) -> Iterator[Complaint]:
    """Two sources that give one name would be mixed up."""
    taken = {name: "`business`" for name, one in service.criteria.business.items() if one.source is None}
    for source, declared in service.signals.items():
        means = declared.settings.get("means")
        for name in cast("dict[str, object]", means) if isinstance(means, dict) else ():
            other = taken.setdefault(name, f"`{source}`")
            if other != f"`{source}`":
                what = f"the mean `{name}` comes from {other} already"
                yield Complaint(("signals", source, "means", name), what, "a name of its own", key=True)


def _places(service: Service) -> Iterator[Complaint]:
    """Each path has one owner: a folder cannot be shared, and a part of it be something else."""
    paths = (("shared", service.shared), ("writable", service.writable))
    named = [(key, index, path) for key, found in paths for index, path in enumerate(found)]
    for number, (key, index, path) in enumerate(named):
        for _, _, other in named[:number]:
            inner, outer = sorted((path, other), key=len, reverse=True)
            if path == other or (outer in service.shared and inner.startswith(f"{outer}/")):
                what = f"`{path}` is named already" if path == other else f"`{inner}` lies in `{outer}`"
                yield Complaint((key, index), what, "each path once, and none inside a shared one")
                break


def _placeholders(service: Service) -> Iterator[Complaint]:
    """Braces may be meant as they are; near `{port}` they are a slip."""
    for placeholder in (found for word in service.run for found in _PLACEHOLDER.findall(word)):
        if placeholder != "port" and closest(placeholder, ["port"]):
            yield Complaint(("run",), f"`{{{placeholder}}}` is not filled in", "", "did you mean `{port}`?")


def _smoke_names(service: Service) -> Iterator[Complaint]:
    for index, step in enumerate(service.rollout.steps):
        if step.smoke is None:
            continue
        at = ("rollout", "steps", index, "smoke")
        if not service.smoke:
            yield Complaint(at, "the service has no smoke tests", "", "describe one under `smoke`")
            continue
        for position, name in enumerate(step.smoke):
            if name not in service.smoke:
                yield _unknown("smoke test", name, service.smoke, (*at, position))


def _bakes(service: Service) -> Iterator[Complaint]:
    interval_s = service.criteria.interval
    for index, step in enumerate(service.rollout.steps):
        if step.bake is not None and step.bake < interval_s:
            what = f"a bake of {write_duration(step.bake)} is shorter than one measurement"
            expected = f"at least {write_duration(interval_s)}, the `interval` of the criteria"
            yield Complaint(("rollout", "steps", index, "bake"), what, expected)


def _variables(service: Service) -> Iterator[Complaint]:
    for section, names in (("env", service.env), ("secrets", service.secrets)):
        if "PORT" in names:
            hint = "`{port}` and PORT hold the instance's own port; the public one is `listen`"
            yield Complaint((section, "PORT"), "PORT is set by Headgate", "another name", hint, key=True)
    for name in service.secrets.keys() & service.env.keys():
        yield Complaint(
            ("env", name), f"`{name}` is one of the `secrets` as well", "one of the two", "", key=True
        )


def _journeys(service: Service) -> Iterator[Complaint]:
    for name, journey in service.smoke.items():
        yield from _moved(_saved(journey), ("smoke", name))


def _saved(journey: Journey) -> Iterator[Complaint]:
    """A `{name}` in a path must have been saved before; in a body, braces are only suspicious near such a name."""
    known: set[str] = set()
    for index, request in enumerate(journey.requests):
        method, path = request.target
        body = request.body if isinstance(request.body, str) else ""
        for key, text in ((method, path), ("body", body)):
            for name in _PLACEHOLDER.findall(text):
                near = closest(name, known)
                if name not in known and (key != "body" or near):
                    hint = f"did you mean `{{{near}}}`?" if near else "an earlier request can `save` it"
                    what = f"`{{{name}}}` was not saved by an earlier request"
                    yield Complaint(("requests", index, key), what, "", hint)
        known |= request.save.keys()


def _needs(service_name: str, service: Service, names: frozenset[str]) -> Iterator[Complaint]:
    for index, needed in enumerate(service.needs):
        at = ("needs", index)
        if needed == service_name:
            yield Complaint(at, f"`{needed}` needs itself", "another service")
        elif needed not in names:
            yield _unknown("service", needed, names - {service_name}, at)


def _cycles(services: Mapping[str, Service]) -> Iterator[Complaint]:
    """Each ring of needs once, at the service whose name comes first."""
    for start in sorted(services):
        ring = _ring(start, services)
        if ring and min(ring) == start:
            path = " needs ".join(f"`{name}`" for name in (*ring, start))
            index = services[start].needs.index(ring[1])
            yield Complaint(
                (start, "needs", index), f"the needs go in a circle: {path}", "an order to release them in"
            )


def _ring(start: str, services: Mapping[str, Service]) -> tuple[str, ...]:
    """A way from `start` back to it over other services, if there is one."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        for needed in services[way[-1]].needs:
            if needed == start and len(way) > 1:
                return way
            if needed in services and needed not in seen:
                seen.add(needed)
                ways.append((*way, needed))
    return ()


def _ports(service: Service) -> Iterator[tuple[str, int]]:
    yield "port", service.listen.port
    if service.listen.preview is not None:
        yield "preview", service.listen.preview


def _clashes(services: Mapping[str, Service]) -> Iterator[Complaint]:
    taken: dict[int, tuple[str, str]] = {}
    for name, service in services.items():
        host = service.listen.host
        for key, port in _ports(service):
            other, other_host = taken.setdefault(port, (name, host))
            if other != name and (other_host == host or "0.0.0.0" in (other_host, host)):  # noqa: S104 - compared
                yield Complaint(
                    (name, "listen", key), f"port {port} is taken by `{other}`", "a port of its own"
                )


def _own_artifact(common: Service, service: Service) -> Iterator[Complaint]:
    if service.artifact != common.artifact:
        what = "an environment cannot have an artifact of its own: it is built once, promoted unchanged"
        hint = "what differs between environments belongs in `env`, `files` or `secrets`"
        yield Complaint(("artifact",), what, "", hint, key=True)


def _unknown(noun: str, name: str, names: Iterable[str], loc: tuple[str | int, ...]) -> Complaint:
    known = sorted(names)
    near = closest(name, known)
    hint = f"did you mean `{near}`?" if near else ""
    return Complaint(loc, f"there is no {noun} `{name}`", listed(known), hint)


# What is asked of every service, and the keys each question reads.
_OF_SERVICE: tuple[tuple[Callable[[Service], Iterator[Complaint]], tuple[str, ...]], ...] = (
    (_smoke_names, ("smoke", "rollout")),
    (_bakes, ("rollout", "criteria")),
    (_variables, ("env", "secrets")),
    (_batch, ("rollout", "instances")),
    (_business, ("criteria", "metrics")),
    (_sources, ("criteria", "signals")),
    (_means, ("criteria", "signals")),
    (_gauges, ("criteria", "signals", "metrics")),
    (_fresh, ("rollout", "signals")),
    (_placeholders, ("run",)),
    (_places, ("shared", "writable")),
    (_journeys, ("smoke",)),
)
