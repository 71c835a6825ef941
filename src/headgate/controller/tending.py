"""Whoever looks after the processes is looked after: the daemon, and the keeper that notices its death first."""

import asyncio
import logging

from headgate.kit.backoff import Backoff
from headgate.ports.errors import PortError
from headgate.ports.processes import DOWN, Lasting

LOOK_S = 1.0
KEEPER_FIRST_S, KEEPER_MAX_S = 1.0, 60.0

log = logging.getLogger("headgate.controller")


async def tend(processes: Lasting, keeper: str, look_s: float = LOOK_S) -> None:
    """Have the daemon of `processes` revived, and the program `keeper` started again where that was given up."""
    backoff = Backoff(KEEPER_FIRST_S, KEEPER_MAX_S)
    said = ""
    while True:
        await asyncio.sleep(look_s)
        try:
            said = await _look(processes, keeper, backoff, said)
        except PortError as error:
            if said != str(error):
                log.warning("the process daemon: %s", error)
            said = str(error)


async def _look(processes: Lasting, keeper: str, backoff: Backoff, said: str) -> str:
    try:
        statuses = await processes.list(keeper)
    except PortError:
        if not said:
            log.warning("the process daemon does not answer; where it has died, another one takes over")
        await processes.revive()
        return ""
    for status in statuses:
        if status.name == keeper and status.state in DOWN and backoff.due():
            backoff.tried()
            log.warning("the keeper is %s: starting it again", status.state)
            await processes.restart(keeper)
    return ""
