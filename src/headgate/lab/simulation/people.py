"""People: they deploy, meddle, ask for what is impossible, and, once all is calm, answer whatever waits for them."""

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any

from headgate.controller.supervisor import Supervisor
from headgate.core.legality.forward import frozen
from headgate.core.machine.effects import RunCommand
from headgate.core.machine.events import (
    AnyEvent,
    PromotionForced,
    ReleaseAborted,
    ReleasePaused,
    ReleaseResumed,
    StepApproved,
    WayBackOpened,
)
from headgate.core.machine.plan import ConcurrencyPolicy, OnSilent, OnUnproven
from headgate.core.machine.state import State
from headgate.core.model import Version
from headgate.core.release.admission import Words
from headgate.core.release.planning import Policies
from headgate.core.release.submission import Submission
from headgate.core.story.view import waits_for_person
from headgate.lab.simulation.controllers import Controllers
from headgate.lab.simulation.scenario import Scenario, coin
from headgate.lab.simulation.trace import Trace
from headgate.lab.simulation.witness import Witness

LATER = 0.0
"""Events get their time from the controller."""

ROUND_S = 2.0
GOES_BACK_SHARE = 0.3
FIX_ROUNDS = (2, 4)
"""When a release is frozen for so many rounds, its fix is deployed; after the last, its barrier is lifted."""

PATIENCE_ROUNDS = 3
"""How often a hold is lifted before the release is given up."""


class People:
    """One for all."""

    def __init__(self, scenario: Scenario, controllers: Controllers, witness: Witness) -> None:
        self._scenario = scenario
        self._controllers = controllers
        self._witness = witness
        self._random = Random(f"people {scenario.seed}")
        self._answered: dict[str, int] = {}

    # --- deploying ---------------------------------------------------------------------------------------------------

    async def deploy(self) -> None:
        """Every version of every unit, the first one first, at any time; a few of them again."""
        scenario = self._scenario
        self.begin()
        await asyncio.sleep(4.0)
        rest = [version for unit in scenario.units for version in scenario.versions(unit)[1:]]
        self._random.shuffle(rest)
        if not scenario.calm:
            rest += self._random.choices(rest, k=self._random.randint(0, 2))
        for version in rest:
            self._submit((version, *self._together(version)))
            await asyncio.sleep(self._random.uniform(0.0, 2 * scenario.until_s / len(rest)))
            if not scenario.calm and coin(self._random, GOES_BACK_SHARE):
                self._go_back()

    def begin(self) -> None:
        """Deploy the first version of every unit."""
        self._submit(tuple(self._scenario.versions(unit)[0] for unit in self._scenario.units))

    def _together(self, version: Version) -> tuple[Version, ...]:
        """Sometimes another service moves along, as a second leg."""
        others = [unit for unit in self._scenario.units if unit != version.unit]
        if not others or self._scenario.calm or not coin(self._random, 0.3):
            return ()
        return (self._random.choice(self._scenario.versions(others[0])),)

    def _submit(self, versions: tuple[Version, ...], back_to: str | None = None) -> None:
        calm, choice = self._scenario.calm, self._random.choice
        concurrency: ConcurrencyPolicy = "queue" if calm else choice(("refuse", "queue", "supersede"))
        unproven: OnUnproven = "hold" if calm else choice(("hold", "hold", "roll_back", "promote"))
        silent: OnSilent = "hold" if calm else choice(("hold", "roll_back"))
        again = not calm and coin(self._random, 0.5)
        wish = Submission(
            intents=tuple(self._scenario.intents[version] for version in versions),
            policies=Policies(
                gates=("ready",), on_inconclusive=unproven, on_no_data=silent, concurrency=concurrency
            ),
            author="ada",
            words=Words(retry="it was the weather" if again else ""),
            rollback_to=back_to,
        )
        self._controllers.ask(lambda supervisor: supervisor.submit(wish))

    # --- meddling ----------------------------------------------------------------------------------------------------

    async def meddle(self) -> None:
        """Say something to some release every now and then, whether or not it makes sense."""
        while self._scenario.meddling_s:
            await asyncio.sleep(self._random.expovariate(1 / self._scenario.meddling_s))
            names = [*self._witness.traces, "r999"]
            name = self._random.choice(names[-4:])
            if coin(self._random, 0.1):
                self._go_back()
            else:
                self._tell(name, self._word())

    def _word(self) -> AnyEvent:
        kinds: tuple[AnyEvent, ...] = (
            ReleasePaused(at=LATER, by="bob"),
            ReleaseResumed(at=LATER, by="bob"),
            ReleaseResumed(at=LATER, by="bob"),
            StepApproved(at=LATER, by="bob"),
            PromotionForced(at=LATER, by="bob", reason=self._random.choice(("", "I know better"))),
            ReleaseAborted(at=LATER, by="bob"),
        )
        if self._scenario.fixes:
            kinds = (*kinds, WayBackOpened(at=LATER, by="bob", reason="it works again"))
        return self._random.choice(kinds)

    def _go_back(self) -> None:
        """Order a rollback to any release that has succeeded."""
        succeeded = [t for t in self._witness.traces.values() if t.state.outcome == "promoted"]
        if succeeded:
            trace = self._random.choice(succeeded)
            self._submit(tuple(leg.change.candidate for leg in trace.plan.legs), trace.state.release)

    def _tell(self, name: str, event: AnyEvent) -> None:
        def word(supervisor: Supervisor) -> Coroutine[Any, Any, State]:
            return supervisor.tell(name, event)

        self._controllers.ask(word)

    # --- answering ---------------------------------------------------------------------------------------------------

    async def answer(self) -> None:
        """Round after round, answer whatever waits for a person."""
        while True:
            await asyncio.sleep(ROUND_S)
            for name, trace in self._witness.traces.items():
                if _is_theirs(trace.state) and waits_for_person(trace.state, trace.plan):
                    self._answered[name] = self._answered.get(name, 0) + 1
                    if frozen(trace.state, trace.plan) and self._answered[name] in FIX_ROUNDS:
                        self._submit(self._scenario.fixes)
                        continue
                    self._tell(name, self._reply(trace, self._answered[name]))

    def _reply(self, trace: Trace, times: int) -> AnyEvent:
        """Approve, or try again a few times, and then give up."""
        hold = trace.state.hold
        if times > max(FIX_ROUNDS) and frozen(trace.state, trace.plan):
            return WayBackOpened(at=LATER, by="cyd", reason="it works again")
        if hold is None and not trace.state.paused:
            return StepApproved(at=LATER, by="cyd")
        kind = hold.kind if hold is not None else ""
        patient = self._scenario.calm and kind != "external"
        if times <= PATIENCE_ROUNDS * (4 if patient else 1):
            return ReleaseResumed(at=LATER, by="cyd")
        return ReleaseAborted(at=LATER, by="cyd", reason="it does not get better")


def _is_theirs(state: State) -> bool:
    """Whether a person is needed at all: what the controller must do by itself is not done for it."""
    hold = state.hold
    failed = (
        hold is not None
        and hold.kind == "failed"
        and any(not isinstance(effect, RunCommand) for effect in hold.blocks)
    )
    return state.stage in ("forward", "reverting") and not failed


def unanswered(traces: dict[str, Trace]) -> str:
    """What would still wait, if anything: for the message of a simulation that does not converge."""
    waiting = [
        f"{name} ({trace.state.stage}, {waits_for_person(trace.state, trace.plan) or 'busy'})"
        for name, trace in traces.items()
        if trace.state.stage != "closed"
    ]
    return ", ".join(waiting)
