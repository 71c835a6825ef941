"""Names that a person gave, made an environment, a service or a release; an unknown one is met with those there are."""

from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from headgate.cli.errors import Unable, did_you_mean, listed
from headgate.core.model import Unit
from headgate.core.model.summary import Summary
from headgate.ledger import Ledger
from headgate.ledger.projections import ALL_RELEASES

if TYPE_CHECKING:
    from headgate.config import Project


def environment_named(asked: str | None, names: Iterable[str]) -> str:
    """The environment that was asked for, or the only one. Raises Unable."""
    known = sorted(set(names))
    if asked is not None:
        return one_of(asked, known, "environment")
    if len(known) == 1:
        return known[0]
    raise Unable(
        f"which environment? there are {listed(known)}", f"name it: `-e {known[0] if known else 'NAME'}`"
    )


def one_of(asked: str, names: Iterable[str], noun: str) -> str:
    """`asked`, which must be one of `names`. Raises Unable with the nearest."""
    known = sorted(set(names))
    if asked not in known:
        raise Unable(f"there is no {noun} `{asked}`", did_you_mean(asked, known))
    return asked


def services_named(project: "Project", environment: str, asked: Sequence[str]) -> tuple[str, ...]:
    """The services that were asked for, or all: those that others need come first. Raises Unable."""
    services = project.environments[environment].services
    for name in asked:
        one_of(name, services, "service")
    wanted = set(asked) or set(services)
    needs = {name: services[name].needs for name in sorted(services)}
    return tuple(name for name in TopologicalSorter(needs).static_order() if name in wanted)


def units_named(units: Iterable[Unit], environment: str | None, services: Sequence[str]) -> tuple[Unit, ...]:
    """Those of `units` in this environment and of these names; None and no names leave nothing out. Raises Unable."""
    known = tuple(units)
    if environment is not None and known:
        one_of(environment, (unit.environment for unit in known), "environment")
    inside = tuple(unit for unit in known if environment in (None, unit.environment))
    for name in services if inside else ():
        one_of(name, (unit.service for unit in inside), "service")
    return tuple(unit for unit in inside if not services or unit.service in services)


def release_named(ledger: Ledger, name: str) -> Summary:
    """The release `name`, also written `7` or `R7`. Raises Unable with the newest ones."""
    tidy = f"r{name}" if name.isdigit() else name.lower()
    found = ledger.summary(tidy)
    if found is not None:
        return found
    newest = [summary.release for summary in ledger.summaries(limit=3)]
    hint = (
        f"the newest: {listed(newest)}; `headgate history` lists them"
        if newest
        else "nothing was released yet"
    )
    raise Unable(f"there is no release `{name}`", hint)


def under_way(ledger: Ledger, environment: str | None = None) -> tuple[Summary, ...]:
    """The releases that have not ended, newest first."""
    found = ledger.summaries(open_only=True, environment=environment, limit=ALL_RELEASES)
    return tuple(summary for summary in found if summary.outcome is None)


def release_under_way(ledger: Ledger, name: str | None, environment: str | None = None) -> Summary:
    """The release `name`, or the only one that has not ended. Raises Unable."""
    if name is not None:
        return release_named(ledger, name)
    found = under_way(ledger, environment)
    if len(found) == 1:
        return found[0]
    if not found:
        raise Unable(
            "no release is under way", "`headgate status` shows what runs, `headgate history` what was"
        )
    names = listed(f"{summary.release}" for summary in found)
    raise Unable(f"which release? {names} are under way", f"name it: `{found[0].release}`")
