"""Which secrets what came in by the front door may name: those that the host's owner declared for it. See decision 20.

What is refused here is refused again whenever a secret is read or sent (`ports.keeper`): a declaration may be gone by
then, and only then is it known where a request goes.
"""

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus

from headgate.core.home.secrets import (
    DECLARED,
    Declarations,
    send_objection,
    unnamed_objection,
    use_objection,
)
from headgate.core.machine.events import ReleaseRequested
from headgate.core.release.submission import Submission
from headgate.ports.errors import PortError
from headgate.ports.keeper import secrets_in
from headgate.web.api.reaching import front_doors, named_hosts
from headgate.web.http.problems import Problem

FILES = {"sslrootcert": ("", "system")}
"""Settings that name a file of the host, with what may be said without naming one."""


def require_declared_secrets(wish: Submission, declarations: Callable[[], Declarations]) -> None:
    """Raises Problem (403) for the first file, variable or secret that the front door may not name."""
    for where, objection in _objections(wish, declarations):
        raise Problem(HTTPStatus.FORBIDDEN, "not declared", objection, where=where)


def require_known_commands(wish: Submission, last: Iterable[ReleaseRequested]) -> None:
    """Raises Problem (403) for a command of the host that the last promoted request of its unit had not."""
    known = {one.unit: (one.before, one.after) for asked in last for one in asked.intents}
    for index, intent in enumerate(wish.intents):
        if (intent.before or intent.after) and known.get(intent.unit) != (intent.before, intent.after):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "not declared",
                "what comes in by the front door may not name a command of the host: release from the host first",
                where=f"body.intents[{index}].{'before' if intent.before else 'after'}",
            )


def _objections(wish: Submission, declarations: Callable[[], Declarations]) -> Iterator[tuple[str, str]]:
    project = wish.intents[0].unit.project
    for where, way in front_doors(wish):
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
        for place, by, host in named_hosts(wish) if named else ():
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
