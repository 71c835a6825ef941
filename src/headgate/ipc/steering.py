"""Both ends of steering: `SteeringServer` asks the controller of this process, `Remote` one of another process."""

from typing import TypeVar

from headgate.core.machine.events import Request
from headgate.core.machine.names import Illegal
from headgate.core.model import Unit
from headgate.core.release.submission import Submission
from headgate.ipc.asking import Asking, Silent
from headgate.ipc.frames import Broken
from headgate.ipc.messages import (
    Answer,
    Ask,
    Begun,
    Gone,
    Healthy,
    HowAreYou,
    Kind,
    Measure,
    Measured,
    Refused,
    Retire,
    Submit,
    Tell,
    Told,
)
from headgate.ledger import LedgerError
from headgate.ports.controller import (
    Controller,
    Health,
    Heard,
    NotNow,
    Retired,
    Stopped,
    UnknownRelease,
    Unretirable,
    Vitals,
)

ACT_S = 60.0
"""An act waits for the ledger, which may be busy."""

LOOK_S = 5.0

T = TypeVar("T", bound=Answer)

_ERRORS: dict[Kind, type[Exception]] = {
    "unknown": UnknownRelease,
    "illegal": Illegal,
    "unretirable": Unretirable,
    "not now": NotNow,
    "stopped": Stopped,
    "ledger": LedgerError,
}


class SteeringServer:
    """Answers what other processes ask of the controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    async def handle(self, ask: Ask) -> Answer:
        """Answer one question; what the controller refuses is an answer too."""
        try:
            return await self._answer(ask)
        except tuple(_ERRORS.values()) as error:
            return next(
                Refused(kind, str(error)) for kind, known in _ERRORS.items() if isinstance(error, known)
            )

    async def _answer(self, ask: Ask) -> Answer:
        match ask:
            case Submit(wish):
                return Begun(await self._controller.submit(wish))
            case Tell(release, event):
                return Told(release, await self._controller.tell(release, event))
            case Retire(unit, by, reason):
                return Gone(await self._controller.retire(unit, by, reason))
            case HowAreYou():
                return Healthy(await self._controller.health())
            case Measure():
                return Measured(await self._controller.vitals())
            case _:
                return Refused("malformed", f"{type(ask).__name__} is not for a controller")


class Remote:
    """A controller in another process (ports.controller.Controller)."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def submit(self, wish: Submission) -> str:
        """See Controller."""
        return (await self._ask(Submit(wish), Begun, ACT_S)).release

    async def tell(self, release: str, event: Request) -> Heard:
        """See Controller."""
        return (await self._ask(Tell(release, event), Told, ACT_S)).heard

    async def retire(self, unit: Unit, by: str, reason: str) -> Retired:
        """See Controller."""
        return (await self._ask(Retire(unit, by, reason), Gone, ACT_S)).retired

    async def health(self) -> Health:
        """See Controller."""
        return (await self._ask(HowAreYou(), Healthy, LOOK_S)).health

    async def vitals(self) -> Vitals:
        """See Controller."""
        return (await self._ask(Measure(), Measured, LOOK_S)).vitals

    async def _ask(self, ask: Ask, expected: type[T], within_s: float) -> T:
        try:
            answer = await self._asking.ask(ask, within_s)
        except Silent as silent:
            raise Stopped(f"the controller does not answer: {silent}") from silent
        except Broken as broken:
            raise Stopped(f"the controller cannot be asked that: {broken}") from broken
        if isinstance(answer, expected):
            return answer
        raise _raised(answer)


def _raised(answer: Answer) -> Exception:
    """What the controller raised: UnknownRelease, Illegal, Stopped or LedgerError."""
    if isinstance(answer, Refused):
        return _ERRORS.get(answer.kind, Stopped)(answer.why)
    return Stopped(f"the controller answered {type(answer).__name__} to another question")
