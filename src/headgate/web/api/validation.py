"""The validation of a submitted release: it can be run, and who submits it may declare all that is in it."""

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus

import msgspec
from msgspec.structs import replace

from headgate.core.home.secrets import (
    DECLARED,
    Declarations,
    send_objection,
    unnamed_objection,
    use_objection,
)
from headgate.core.judge.metrics import kind_of
from headgate.core.machine.events import ReleaseRequested
from headgate.core.model import Intent, ProxyRules, Rollout, Unit
from headgate.core.model.criteria import JudgeSpec
from headgate.core.model.source import OWN
from headgate.core.release.planning import Policies, policies_of
from headgate.core.release.submission import Submission
from headgate.ledger import Ledger
from headgate.ledger.lineage import Unrecorded, request_of
from headgate.ports.errors import PortError
from headgate.ports.keeper import secrets_in
from headgate.web.api.reaching import front_doors, named_hosts, unmarked, unmarked_policies
from headgate.web.http.endpoint import Call
from headgate.web.http.problems import Problem, malformed

INTENTS_MAX = 100
STAGES_MAX = 100
INSTANCES_MAX = 1000
SECONDS_MAX = 366 * 86400.0
NETWORKS_MAX = 200
PATHS_MAX = 50
HEAD_BYTES = range(1024, 8192 * 1024 + 1)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PORT_MAX = 65535
_WHOLE = 100


def require_sound(submission: Submission) -> None:
    """Raises Problem (422) for the first thing that no controller could carry out."""
    if not 1 <= len(submission.intents) <= INTENTS_MAX:
        raise malformed(f"a release has 1 to {INTENTS_MAX} intents", "body.intents")
    units = [intent.unit for intent in submission.intents]
    if len(set(units)) < len(units) or len({(unit.project, unit.environment) for unit in units}) > 1:
        raise malformed(
            "each intent moves another service, all in one environment of one project", "body.intents"
        )
    for index, intent in enumerate(submission.intents):
        for where, why in _wrong(intent):
            raise malformed(why, f"body.intents[{index}].{where}")


def require_declared(call: Call, submission: Submission, last: Mapping[Unit, ReleaseRequested]) -> None:
    """An operator releases versions the way they were released last; another way is for an admin to declare.

    Otherwise a token that may not approve could leave out the step that asks for an approval, or have the controller
    read a file or an address of its choice as a source of signals. `last`: as of `last_promoted`. Raises Problem (403).
    """
    if submission.words.break_glass:
        for intent in submission.intents:
            call.demand("approve", intent.unit.environment)
    for intent in submission.intents:
        if not _as_before(intent, submission.policies, last.get(intent.unit)):
            call.demand("administer", intent.unit.environment)


def last_promoted(submission: Submission, ledger: Ledger) -> dict[Unit, ReleaseRequested]:
    """The request whose release promoted each unit of the submission last; a unit that none promoted has none."""
    found = {intent.unit: _last_promoted(intent.unit, ledger) for intent in submission.intents}
    return {unit: request for unit, request in found.items() if request is not None}


def _last_promoted(unit: Unit, ledger: Ledger) -> ReleaseRequested | None:
    try:
        last = _promoted(unit, ledger)
        return request_of(ledger, last) if last else None
    except Unrecorded:
        return None


def _as_before(intent: Intent, policies: Policies, asked: ReleaseRequested | None) -> bool:
    """Whether the unit was last promoted like this, but for the version; whoever declared it then."""
    if asked is None or unmarked_policies(policies_of(asked.plan)) != unmarked_policies(policies):
        return False
    before = unmarked(next(one for one in asked.intents if one.unit == intent.unit))
    return replace(before, candidate=intent.candidate, label=intent.label) == unmarked(intent)


def _promoted(unit: Unit, ledger: Ledger) -> str:
    """The release that promoted this unit last; empty where none did."""
    page = ledger.summaries(environment=unit.environment, project=unit.project, service=unit.service)
    while page:
        for summary in page:
            if summary.outcome == "promoted":
                return summary.release
        page = ledger.summaries(
            environment=unit.environment,
            project=unit.project,
            service=unit.service,
            before=page[-1].release,
        )
    return ""


def _wrong(intent: Intent) -> Iterator[tuple[str, str]]:
    unit, candidate, listener = intent.unit, intent.candidate, intent.listener
    for name in (unit.project, unit.environment, unit.service):
        if not _NAME.fullmatch(name):
            yield "unit", f"{name[:100]!r} is no name: letters, digits, `.`, `_` and `-`, at most 100"
    if candidate.unit != unit:
        yield "candidate.unit", "the candidate is a version of another unit"
    for digest in (candidate.artifact, candidate.configuration):
        if not _DIGEST.fullmatch(digest):
            yield "candidate", f"{digest[:80]!r} is no SHA-256 (64 hex digits)"
    if intent.candidate.fresh:
        yield "candidate.fresh", "a fresh baseline is started beside a release, and is none itself"
    others = {source.kind for source in intent.sources} - OWN
    if intent.rollout.fresh_baseline and (intent.rollout.strategy != "canary" or others):
        yield "rollout.fresh_baseline", "it is for a canary that the proxy and the service alone measure"
    for port in (listener.port, listener.preview_port):
        if port is not None and not 0 < port <= _PORT_MAX:
            yield "listener", f"{port} is no port"
    yield from _wrong_proxy(listener.proxy)
    if not 1 <= intent.instances <= INSTANCES_MAX:
        yield "instances", f"there may be 1 to {INSTANCES_MAX} instances"
    if intent.measured_by and intent.measured_by not in [source.name for source in intent.sources]:
        yield "measured_by", f"no source is called {intent.measured_by[:100]!r}"
    yield from _wrong_rollout(intent.rollout)
    yield from _wrong_criteria(intent.judge)


def _wrong_proxy(rules: ProxyRules) -> Iterator[tuple[str, str]]:
    where = "listener.proxy"
    if len(rules.trusted) > NETWORKS_MAX or len(rules.paths) > PATHS_MAX:
        yield where, f"there may be {NETWORKS_MAX} networks and {PATHS_MAX} paths"
    for network in rules.trusted:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            yield f"{where}.trusted", f"{network[:100]!r} is no network"
    if rules.head_max_bytes not in HEAD_BYTES:
        yield f"{where}.head_max_bytes", f"it is {HEAD_BYTES.start} to {HEAD_BYTES.stop - 1}"
    if rules.body_max_bytes is not None and rules.body_max_bytes < 1:
        yield f"{where}.body_max_bytes", "it is at least 1, or null"
    for path in rules.paths:
        if not path.prefix.startswith("/"):
            yield f"{where}.paths", f"{path.prefix[:100]!r} does not begin with /"
    limits = (rules.limits, *(path.limits for path in rules.paths))
    times = [time for one in limits for time in (one.answer_s, one.idle_s, one.total_s)]
    for seconds in (*times, rules.client_idle_s, rules.instance_idle_s):
        if seconds is not None and not 0 < seconds <= SECONDS_MAX:
            yield where, f"a time is more than 0 and at most {SECONDS_MAX:g} seconds, or null"


def _wrong_rollout(rollout: Rollout) -> Iterator[tuple[str, str]]:
    if len(rollout.stages) > STAGES_MAX:
        yield "rollout.stages", f"there may be {STAGES_MAX} stages"
    if not 1 <= rollout.batch <= INSTANCES_MAX:
        yield "rollout.batch", f"a batch is 1 to {INSTANCES_MAX} instances"
    for name in ("soak_s", "warm_s", "drain_s"):
        if not 0 <= getattr(rollout, name) <= SECONDS_MAX:
            yield f"rollout.{name}", f"it is 0 to {SECONDS_MAX:g} seconds"
    for index, stage in enumerate(rollout.stages):
        where = f"rollout.stages[{index}]"
        if not 0 <= (stage.weight or 0) <= _WHOLE or not 0 <= stage.mirror <= _WHOLE:
            yield where, "weight and mirror lie in 0..100"
        if not 0 <= stage.bake_s <= SECONDS_MAX or not 0 <= (stage.deadline_s or 0) <= SECONDS_MAX:
            yield where, f"a time is 0 to {SECONDS_MAX:g} seconds"


def _wrong_criteria(judge: JudgeSpec) -> Iterator[tuple[str, str]]:
    for name in ("alpha", "beta"):
        if not 0 < getattr(judge, name) < 1:
            yield f"judge.{name}", "it lies between 0 and 1"
    if not 0 <= judge.deadline_share < 1:
        yield "judge.deadline_share", "it lies in 0..1, without 1"
    if judge.worse <= 1 or judge.worse_by <= 0 or judge.interval_s <= 0 or judge.deadlines < 1:
        yield "judge", "`worse` is over 1, `worse_by` and `interval_s` over 0, `deadlines` at least 1"
    for at, criterion in enumerate(judge.criteria):
        wrong = kind_of(criterion).wrong(criterion)
        if wrong:
            yield f"judge.criteria[{at}]", wrong
    if any(not _plain(number) for number in _numbers(judge)):
        yield "judge", f"its numbers are at least 0, and at most {SECONDS_MAX:g}"


def _numbers(value: object) -> Iterator[float]:
    """Every number in it, however deep."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _numbers(getattr(value, name))
    elif isinstance(value, tuple):
        for one in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _numbers(one)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, int | float):
        yield value


def _plain(number: float) -> bool:
    return math.isfinite(number) and 0 <= number <= SECONDS_MAX


# Which secrets what came in by the front door may name: those that the host's owner declared for it. See decision 20.
#
# What is refused here is refused again whenever a secret is read or sent (`ports.keeper`): a declaration may be gone by
# then, and only then is it known where a request goes.

FILES = {"sslrootcert": ("", "system")}
"""Settings that name a file of the host, with what may be said without naming one."""


def require_declared_secrets(submission: Submission, declarations: Callable[[], Declarations]) -> None:
    """Raises Problem (403) for the first file, variable or secret that the front door may not name."""
    for where, objection in _objections(submission, declarations):
        raise Problem(HTTPStatus.FORBIDDEN, "not declared", objection, where=where)


def require_known_commands(submission: Submission, last: Iterable[ReleaseRequested]) -> None:
    """Raises Problem (403) for a command of the host that the last promoted request of its unit had not."""
    known = {one.unit: (one.before, one.after) for asked in last for one in asked.intents}
    for index, intent in enumerate(submission.intents):
        if (intent.before or intent.after) and known.get(intent.unit) != (intent.before, intent.after):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "not declared",
                "what comes in by the front door may not name a command of the host: release from the host first",
                where=f"body.intents[{index}].{'before' if intent.before else 'after'}",
            )


def _objections(
    submission: Submission, declarations: Callable[[], Declarations]
) -> Iterator[tuple[str, str]]:
    project = submission.intents[0].unit.project
    for where, way in front_doors(submission):
        for key in FILES.keys() & way.settings.keys():
            if way.settings[key] not in FILES[key]:
                yield (
                    f"{where}.{key}",
                    "what comes in by the front door may not name a file of the host: leave it out",
                )
        named = list(secrets_in(way.settings, where))
        for place, source in named:
            objection = unnamed_objection(source)
            if objection or (objection := use_objection(_read(declarations), source.name, way.name, project)):
                yield place, objection
        for place, by, host in named_hosts(submission) if named else ():
            if by is way and host:
                for _, source in named:
                    if source.kind == DECLARED and (
                        said := send_objection(_read(declarations), source.name, host)
                    ):
                        yield place, said


def _read(declarations: Callable[[], Declarations]) -> Declarations:
    """Raises Problem (503) where nobody can say what is declared."""
    try:
        return declarations()
    except PortError as error:
        detail = f"what secrets are declared cannot be read: {error}"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the home is in trouble", detail) from error
