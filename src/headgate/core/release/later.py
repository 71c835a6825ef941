"""Keys of a project file that change nothing that runs: rules for the next release, each with the reason.

A key takes effect at once where it is part of a version (its configuration) or surrounds one
(`core.release.adjusting`). The rest is said here, so that nobody waits for what does not come. Each field of an
intent and of the policies has its place: a test walks them, and every key of the project file.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from headgate.core.model import Intent
from headgate.core.release.planning import Policies

AT_ONCE = frozenset({"unit", "candidate", "listener", "instances", "platform"})
"""The fields of an intent that a deploy carries out, or refuses to (`platform`), and what they are of."""

ONLY_SAID = frozenset({"label"})
"""What people call it."""


class Rule(NamedTuple):
    """The key of the project file, and from when on it counts."""

    key: str
    reason: str


OF_A_SERVICE: dict[str, Rule] = {
    "rollout": Rule("rollout, stop.drain", "the next version gets its traffic by it"),
    "judge": Rule("criteria", "the next version is judged by it; what runs was judged before"),
    "sources": Rule("signals", "the next version is measured by them"),
    "one_way": Rule("rollback", "it is about the change that the next version brings"),
    "before": Rule("before", "they are run before the next version starts"),
    "after": Rule("after", "they are run once the next version has all the traffic"),
    "measured_by": Rule("criteria.measured_by", "the next version is measured by it"),
}
"""By the field of an intent."""

OF_AN_ENVIRONMENT: dict[str, Rule] = {
    "production": Rule("production", "it is asked when the next release begins"),
    "gates": Rule("gates", "they are asked when the next release begins"),
    "on_inconclusive": Rule("on_inconclusive", "the next release decides by it"),
    "on_no_data": Rule("on_no_data", "the next release decides by it"),
    "concurrency": Rule("concurrency", "it is asked when the next release begins"),
    "audience": Rule("notify, markers, roles", "they are told of the next release"),
}
"""By the field of the policies."""

AT_EACH_DEPLOY: dict[str, Rule] = {
    "artifact": Rule("artifact", "what it builds is what counts: the same bytes are the same version"),
    "needs": Rule("needs", "it orders the services of a deploy, and changes nothing that runs"),
    "criteria.business.source": Rule(
        "criteria.business.from",
        "it is checked against `signals`, where the source that has the name gives it",
    ),
}
"""What is read at each deploy and kept nowhere, so that nobody can say whether it is as it was."""


class Asked(NamedTuple):
    """What a release is asked to be: the intent, and the rules of its environment."""

    intent: Intent
    policies: Policies


def later(now: Asked, then: Asked, each_deploy: Collection[str] = ()) -> tuple[str, ...]:
    """What is asked otherwise `now` than `then`, when the running version was released, and takes effect later.

    `each_deploy` are the keys of AT_EACH_DEPLOY that the service has.
    """
    return tuple(_later(now, then, each_deploy))


def without_glass(then: Asked, now: Asked) -> Asked:
    """What was asked for in an emergency went at once whatever the file said: that is no difference."""
    rollout = replace(then.intent.rollout, strategy=now.intent.rollout.strategy)
    return then._replace(intent=replace(then.intent, rollout=rollout))


def _later(now: Asked, then: Asked, each_deploy: Collection[str]) -> Iterator[str]:
    for field, rule in OF_A_SERVICE.items():
        if getattr(now.intent, field) != getattr(then.intent, field):
            yield f"`{rule.key}` is another, and changes nothing that runs: {rule.reason}"
    for field, rule in OF_AN_ENVIRONMENT.items():
        if getattr(now.policies, field) != getattr(then.policies, field):
            yield f"`{rule.key}` is another, and changes nothing that runs: {rule.reason}"
    for key in each_deploy:
        yield f"`{AT_EACH_DEPLOY[key].key}` is read at each deploy: {AT_EACH_DEPLOY[key].reason}"
