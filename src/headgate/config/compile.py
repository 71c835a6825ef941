"""A checked project to the core's nouns: how a service runs, and how a new version of it is released."""

import json
from collections.abc import Iterable
from pathlib import Path

from headgate.config.listening import listener_of
from headgate.config.models import (
    Criteria,
    Environment,
    HttpAnswer,
    Journey,
    Probe,
    Project,
    Request,
    Service,
    Step,
)
from headgate.config.models import Rollout as RolloutModel
from headgate.config.models.audience import Channel as ChannelModel
from headgate.config.models.commands import Command as CommandSection
from headgate.config.models.complaint import listed
from headgate.config.problems import ConfigError, Problem, closest
from headgate.core.model import (
    Audience,
    Channel,
    Command,
    CommandCheck,
    Configuration,
    HttpCheck,
    Intent,
    JsonExpectation,
    LogRotation,
    Marker,
    Match,
    OneWay,
    Probes,
    QuietHours,
    Role,
    Rollout,
    SecretSource,
    SmokeTest,
    Source,
    Stage,
    Sticky,
    StopPolicy,
    TcpCheck,
    Unit,
    Version,
)
from headgate.core.model import Probe as CoreProbe
from headgate.core.model.criteria import JudgeSpec, MeanCriterion
from headgate.core.release.planning import Policies

FILES_MAX_BYTES = 1024 * 1024
ANSWERED = MeanCriterion("answered", margin=0.05, weight=0.5)
"""Of every service: the share of requests that clients waited for. A version that hangs makes them give up, and gives
neither errors nor latencies to judge it by."""

DEFAULT_STAGES = tuple(Stage(weight=weight, bake_s=60.0) for weight in (5, 25, 50))


def configuration(project: Project, environment: str, service: str, root: Path) -> Configuration:
    """How `service` runs in `environment`; its `files` are read from below `root`. Raises ConfigError."""
    found = service_of(project, environment, service)
    return Configuration(
        argv=found.run,
        env=dict(found.env),
        secrets={
            name: SecretSource("file", secret.file) if secret.file else SecretSource("env", secret.env or "")
            for name, secret in found.secrets.items()
        },
        files=_files(project, environment, service, root),
        probes=Probes(
            *(
                _probe(probe)
                for probe in (found.probes.startup, found.probes.readiness, found.probes.liveness)
            )
        ),
        smoke=tuple(_smoke(name, journey) for name, journey in found.smoke.items()),
        stop=StopPolicy(found.stop.signal, found.stop.grace),
        logs=LogRotation(found.logs.size, found.logs.keep),
        memory_max_bytes=found.memory,
        metrics_path=found.metrics or "",
        listener=listener_of(found),
        business={
            name: (signal.good, signal.of)
            for name, signal in found.criteria.business.items()
            if signal.good and signal.of
        },
        shared=found.shared,
        writable=found.writable,
    )


def intent(project: Project, environment: str, service: str, version: Version, label: str = "") -> Intent:
    """Move `service` in `environment` to `version`, as the project file says. Raises ConfigError for unknown names."""
    found = service_of(project, environment, service)
    return Intent(
        unit=Unit(project.project, environment, service),
        candidate=version,
        listener=listener_of(found),
        rollout=_rollout(found.rollout, found.stop.drain),
        judge=_judge(found.criteria),
        instances=found.instances,
        label=label,
        sources=(
            *(Source(name, one.kind, one.settings) for name, one in found.signals.items()),
            *found.criteria.sources,
        ),
        measured_by=found.criteria.measured_by or "",
        one_way=OneWay(found.rollback.one_way, found.rollback.after) if found.rollback.one_way else None,
        platform=found.platform or environment_of(project, environment).platform,
        before=tuple(_command(one) for one in found.before),
        after=tuple(_command(one) for one in found.after),
    )


def _command(found: CommandSection) -> Command:
    return Command(
        found.name, found.apply, found.check or (), found.undo or (), found.one_way or "", found.timeout
    )


def policies(project: Project, environment: str) -> Policies:
    """The rules for a plan in `environment`. Raises ConfigError for an unknown name."""
    found = environment_of(project, environment)
    return Policies(
        gates=found.gates,
        on_inconclusive=found.on_inconclusive,
        on_no_data=found.on_no_data,
        concurrency=found.concurrency,
        production=found.production,
        audience=_audience(found),
    )


def _audience(found: Environment) -> Audience:
    return Audience(
        channels=tuple(_channel(name, channel) for name, channel in found.notify.items()),
        markers=tuple(Marker(name, one.kind, one.settings) for name, one in found.markers.items()),
        roles=tuple(
            Role(name, one.who, one.channels, one.fallback, one.fallback_channels, one.escalate)
            for name, one in found.roles.items()
        ),
    )


def _channel(name: str, channel: ChannelModel) -> Channel:
    quiet = channel.quiet
    hours = QuietHours(quiet.start, quiet.until, quiet.zone, quiet.days) if quiet else None
    return Channel(name, channel.to.kind, channel.to.settings, channel.on, channel.severity, hours)


def environment_of(project: Project, name: str) -> Environment:
    """The environment called `name`. Raises ConfigError, naming the nearest one, when there is none."""
    if name not in project.environments:
        raise ConfigError([_unknown(project, "environment", name, project.environments, ("environments",))])
    return project.environments[name]


def service_of(project: Project, environment: str, name: str) -> Service:
    """The service called `name`, as `environment` has it. Raises ConfigError, naming the nearest one."""
    services = environment_of(project, environment).services
    if name not in services:
        loc = ("environments", environment, "services")
        raise ConfigError([_unknown(project, "service", name, services, loc)])
    return services[name]


def _unknown(project: Project, noun: str, name: str, names: Iterable[str], loc: tuple[str, ...]) -> Problem:
    known = sorted(names)
    near = closest(name, known)
    hint = f"did you mean `{near}`?" if near else ""
    return project.source.problem_at(loc, f"there is no {noun} `{name}`", listed(known), hint, key=True)


def _files(project: Project, environment: str, service: str, root: Path) -> dict[str, str]:
    contents: dict[str, str] = {}
    problems: list[Problem] = []
    left = FILES_MAX_BYTES
    for target, name in project.environments[environment].services[service].files.items():
        try:
            contents[target] = _content(root, name, left)
            left -= len(contents[target].encode())
        except _UnreadableError as error:
            loc = ("environments", environment, "services", service, "files", target)
            problems.append(project.source.problem_at(loc, str(error), error.expected))
    if problems:
        raise ConfigError(problems)
    return contents


class _UnreadableError(Exception):
    def __init__(self, what: str, expected: str = "") -> None:
        super().__init__(what)
        self.expected = expected


def _content(root: Path, name: str, left: int) -> str:
    path = root / name
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            raise _UnreadableError(f"`{name}` leads out of the project's folder", "a file inside it")
        with path.open("rb") as file:
            data = file.read(left + 1)
        if len(data) > left:
            raise _UnreadableError(
                f"with `{name}`, the files are too large", f"at most {FILES_MAX_BYTES // 1024}KiB in all"
            )
        return data.decode("utf-8")
    except FileNotFoundError:
        raise _UnreadableError(f"there is no file `{name}`", f"a path from {root}") from None
    except UnicodeDecodeError:
        raise _UnreadableError(f"`{name}` is not text", "a file in UTF-8") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "its name is not possible"
        raise _UnreadableError(f"`{name}` cannot be read: {reason}") from None


def _probe(probe: Probe | None) -> CoreProbe | None:
    if probe is None:
        return None
    check: HttpCheck | TcpCheck | CommandCheck
    if probe.http is not None:
        check = _http(probe.http)
    else:
        check = TcpCheck() if probe.command is None else CommandCheck(probe.command)
    return CoreProbe(check, probe.delay, probe.every, probe.timeout, probe.failures, probe.successes)


def _http(answer: HttpAnswer) -> HttpCheck:
    return HttpCheck(
        path=answer.path,
        method=answer.method,
        headers=dict(answer.headers),
        status=answer.status,
        contains=answer.contains,
        json=tuple(JsonExpectation(path, value) for path, value in answer.expect_json.items()),
    )


def _smoke(name: str, journey: Journey) -> SmokeTest:
    return SmokeTest(name, tuple(_request(one) for one in journey.requests), journey.command, journey.timeout)


def _request(request: Request) -> HttpCheck:
    method, path = request.target
    headers = dict(request.headers)
    body = request.body if isinstance(request.body, str) else json.dumps(request.body, separators=(",", ":"))
    if not isinstance(request.body, str) and not any(name.lower() == "content-type" for name in headers):
        headers["content-type"] = "application/json"
    return HttpCheck(
        path=path,
        method=method.upper(),
        headers=headers,
        body=body,
        status=request.status,
        contains=request.contains,
        json=tuple(JsonExpectation(where, value) for where, value in request.expect_json.items()),
        save=dict(request.save),
    )


def _rollout(rollout: RolloutModel, drain_s: float) -> Rollout:
    stages = tuple(_stage(step) for step in rollout.steps)
    sticky = rollout.sticky
    return Rollout(
        strategy=rollout.strategy,
        stages=stages or (DEFAULT_STAGES if rollout.strategy == "canary" else ()),
        batch=rollout.batch,
        soak_s=rollout.soak,
        warm_s=rollout.warm,
        drain_s=drain_s,
        sticky=_sticky(sticky.cookie, sticky.header, sticky.ttl) if sticky else None,
        fresh_baseline=rollout.fresh_baseline,
    )


def _sticky(cookie: str | None, header: str | None, ttl_s: float) -> Sticky:
    return Sticky("cookie", cookie, max(1, round(ttl_s))) if cookie else Sticky("header", header or "")


def _stage(step: Step) -> Stage:
    match = step.match
    headers = [Match("header", name, value) for name, value in match.header.items()] if match else []
    cookies = [Match("cookie", name, value) for name, value in match.cookie.items()] if match else []
    return Stage(
        weight=step.weight,
        matches=(*headers, *cookies),
        mirror=step.mirror or 0,
        bake_s=step.bake or 0.0,
        deadline_s=step.deadline,
        smoke=step.smoke,
        pause=step.pause,
        until=step.until,
    )


def _judge(criteria: Criteria) -> JudgeSpec:
    return JudgeSpec(
        criteria=(*criteria.asked, ANSWERED),
        alpha=criteria.false_rollbacks,
        requests_min=criteria.requests_min,
        interval_s=criteria.interval,
        no_data_after_s=criteria.no_data_after,
        dispersion=criteria.dispersion,
        beta=criteria.false_passes,
        worse=criteria.fault.factor,
        worse_by=criteria.fault.by,
        split_factor_max=criteria.split,
        external=True,
        exchangeable=criteria.exchangeable,
        deadline_share=criteria.deadline_share,
    )
