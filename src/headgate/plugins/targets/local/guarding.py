"""Has the home's guards look, each on its own, and says what they found: in the log when it is news, and in a file."""

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from headgate.ports import PortError
from headgate.ports.guard import Guard, Trouble, write_troubles

LOOK_S = 1.0
BROKEN_S = 10.0
"""How long a guard rests that failed in a way nobody foresaw."""

log = logging.getLogger("headgate.keeper")


class Guarding:
    """The guards of `home`. `look_s` is how long one rests between two looks."""

    def __init__(self, home: Path, guards: Sequence[Guard], look_s: float = LOOK_S) -> None:
        self._home = home
        self._guards = guards
        self._look_s = look_s
        self._found: dict[int, tuple[Trouble, ...]] = {}
        self._written: tuple[Trouble, ...] = ()

    async def run(self) -> None:
        """Look, until cancelled."""
        self._write(())  # what a keeper before this one wrote
        await asyncio.gather(*(self._watch(number, guard) for number, guard in enumerate(self._guards)))

    async def _watch(self, number: int, guard: Guard) -> None:
        while True:
            rest_s = self._look_s
            try:
                found = await guard.look()
            except PortError as error:
                found = (Trouble(type(guard).__name__, str(error)),)
            except Exception:
                log.exception("keeper: %s broke; it looks again in %.0f s", type(guard).__name__, BROKEN_S)
                found, rest_s = (), BROKEN_S
            self._note(number, found)
            await asyncio.sleep(rest_s)

    def _note(self, number: int, found: tuple[Trouble, ...]) -> None:
        """Date what is new, log what is news, and write all down."""
        before = {trouble.about: trouble for trouble in self._found.get(number, ())}
        now = time.time()
        dated = tuple(
            msgspec.structs.replace(one, since=before[one.about].since if one.about in before else now)
            for one in found
        )
        for one in dated:
            if one.about not in before or one.what != before[one.about].what:
                log.warning("%s", one)
        for about in before.keys() - {one.about for one in dated}:
            log.info("%s: well again after %.1f s", about, now - before[about].since)
        self._found[number] = dated
        everything = tuple(one for key in sorted(self._found) for one in self._found[key])
        if everything != self._written:
            self._write(everything)

    def _write(self, troubles: tuple[Trouble, ...]) -> None:
        try:
            write_troubles(self._home, troubles)
        except OSError as error:
            log.warning("keeper: cannot write down what is wrong: %s", error)
        else:
            self._written = troubles
