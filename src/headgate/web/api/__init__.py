"""The API: JSON over HTTP, the same for commands, scripts and pages. Each file has one kind of endpoint."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from headgate.ledger import Ledger
from headgate.ports.artifacts import Artifacts
from headgate.ports.controller import Controller, Health, Stopped
from headgate.web.api.admission import Admission
from headgate.web.api.barriers import BarrierKeeping
from headgate.web.api.deliveries import Deliveries
from headgate.web.api.differing import Differing
from headgate.web.api.folds import Folds
from headgate.web.api.forecast import Foretelling
from headgate.web.api.going_back import GoingBack
from headgate.web.api.home import HomeKeeping
from headgate.web.api.hooks import HookKeeping
from headgate.web.api.inventory import Inventory
from headgate.web.api.reactions import Reactions
from headgate.web.api.reading import Reading
from headgate.web.api.records import Records
from headgate.web.api.replay import ReplayEndpoints
from headgate.web.api.retiring import RetiringUnits
from headgate.web.api.steering import Steering, stopping
from headgate.web.doors.front_door import FrontDoor
from headgate.web.http.endpoint import Call, Endpoint, Reply
from headgate.web.http.openapi import document


def endpoints(
    controller: Controller,
    ledger: Ledger,
    door: FrontDoor,
    more: Sequence[Endpoint] = (),
    *,
    artifacts: Artifacts | None = None,
    folds: Folds | None = None,
) -> tuple[Endpoint, ...]:
    """Every endpoint there is, with `more` that are served beside them; the last one describes them all.

    `artifacts` says what versions are made of; `folds` are what others have folded already.
    """
    folds = folds or Folds(ledger)
    steering, keeping = Steering(controller, ledger, door), HomeKeeping(door.book, door.now)

    async def health(_: Call) -> Reply:
        try:
            found = await controller.health()
        except Stopped as error:
            raise stopping(error) from error
        trouble = found.trouble | ({"dashboard": door.trouble} if door.trouble else {})
        return Reply(replace(found, trouble=trouble, url=door.url))

    async def describe(_: Call) -> Reply:
        return Reply(document(described))

    described = (
        Endpoint("GET", "/v1/health", "getHealth", "How the controller is", health, Health, "controller"),
        *Reading(ledger, folds).endpoints(),
        *Differing(ledger, folds, artifacts).endpoints(),
        *ReplayEndpoints(ledger, folds).endpoints(),
        *Inventory(ledger, door.book, artifacts).endpoints(),
        *Records(ledger, door.book, folds).endpoints(),
        *steering.endpoints(),
        *RetiringUnits(controller).endpoints(),
        *GoingBack(controller, ledger).endpoints(),
        *keeping.endpoints(),
        *BarrierKeeping(door.book, ledger, door.now).endpoints(),
        *HookKeeping(door.book, door.vault, door.now).endpoints(),
        *Deliveries(door, Reactions(steering, keeping, ledger, folds)).endpoints(),
        *Admission(door).endpoints(),
        *Foretelling().endpoints(),
        *more,
        Endpoint(
            "GET", "/v1/openapi.json", "describe", "This description", describe, dict[str, Any], "controller"
        ),
    )
    return described
