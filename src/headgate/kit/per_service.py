"""Marks that are written service by service: what each has is remembered, so that a mark is never made twice."""

from collections.abc import Awaitable, Callable

from headgate.kit.marking import reference_to, remembered
from headgate.ports.errors import Permanent
from headgate.ports.marker import Mark, MarkedService


async def mark_deployments(
    mark: Mark, reference: str, name: str, write: Callable[[Mark, MarkedService, str], Awaitable[str]]
) -> str:
    """Have `write` make or update the deployment of each service's commit; returns the reference, by service.

    `write` is given what it returned for this service the last time, empty at first. `name` is what errors call the
    system. Raises what `write` raises, and Permanent for a service whose commit is not known.
    """
    known = remembered(reference)
    for service in mark.services:
        if not service.commit:
            raise Permanent(
                f"{name}: nobody knows from which commit {service.name} {service.after} was built; "
                "build it in its repository"
            )
        known[service.name] = await write(mark, service, known.get(service.name, ""))
    return reference_to(known)


async def mark_moments(
    mark: Mark, reference: str, write: Callable[[Mark, MarkedService], Awaitable[str]]
) -> str:
    """Have `write` make an event of each service at a release's start and one at its end: events cannot be changed.

    Returns the reference, which holds by moment and service what `write` returned. Raises what `write` raises.
    """
    if mark.moment == "updated":
        return reference
    made = remembered(reference)
    for service in mark.services:
        key = f"{mark.moment} {service.name}"
        if key not in made:
            made[key] = await write(mark, service)
    return reference_to(made)
