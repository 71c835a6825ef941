"""A home whose releases are looked on at: what each observer was told, in virtual time."""

from __future__ import annotations

from headgate.controller.lease import MemoryLease
from headgate.controller.observing import Observing
from headgate.controller.supervisor import Means, Supervisor
from headgate.ports.observer import Observer
from tests.controller.house import Home


class WatchedHome(Home):
    """Every controller of it tells `observers`."""

    def __init__(self, *observers: Observer) -> None:
        super().__init__()
        self.observers = list(observers)

    def controller(self) -> Supervisor:
        observing = Observing(self.ledger, ())
        observing.observers = self.observers
        lease = MemoryLease(self.slot)
        return Supervisor(
            self.ledger, self.house.world(), lease, lambda: self.wall, Means(observing.appended)
        )
