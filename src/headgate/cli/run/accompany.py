"""Stays with a release until it has ended, needs a person, or is left; and keeps somebody at the helm meanwhile."""

import time
from typing import Literal

from headgate.cli.ask.follow import Follower
from headgate.cli.errors import Unable
from headgate.cli.run.steering import Helm
from headgate.cli.run.watch import FRAME_S, View
from headgate.cli.session import person
from headgate.core.story.advice import waits_for_approval
from headgate.core.story.report import Fold
from headgate.core.story.view import weight as share_of

Parting = Literal["ended", "asks", "left"]


class Company:
    """One release and whoever follows it. `helm` None: only look on."""

    def __init__(self, follower: Follower, view: View, helm: Helm | None) -> None:
        self._follower = follower
        self._view = view
        self._helm = helm
        self._warned = False

    def stay(self, *, wait: bool, timeout_s: float | None = None) -> Parting:
        """Return when the release has ended, asks a person (unless `wait`), or a person leaves it by Ctrl-C.

        After `timeout_s` seconds the release is undone, and followed to its end.
        """
        deadline = time.monotonic() + timeout_s if timeout_s is not None else None
        while True:
            try:
                parting = self._look(wait=wait)
                if parting is not None:
                    return parting
                if deadline is not None and time.monotonic() > deadline:
                    deadline = None
                    self._undo(timeout_s or 0.0)
                time.sleep(FRAME_S)
            except KeyboardInterrupt:
                if self._leave():
                    return "left"

    def _look(self, *, wait: bool) -> Parting | None:
        changed = self._helm.tend() if self._helm else ""
        if changed:
            self._view.note(changed)
        told = self._follower.poll()
        fold = self._follower.fold
        trouble = self._helm.trouble(fold.request.release) if self._helm else ""
        self._view.show(self._follower, told, max(time.time(), fold.state.at), trouble)
        if self._follower.ended:
            return "ended"
        return "asks" if asks(fold) and not wait else None

    def _undo(self, timeout_s: float) -> None:
        release = self._follower.fold.request.release
        if self._helm is None:
            return
        try:
            self._helm.client.tell(
                release, "abort", person(), f"not ended within {timeout_s:g} s (--timeout)"
            )
        except Unable as error:
            self._view.note(f"The time is over, and {release} could not be undone: {error.message}")

    def _leave(self) -> bool:
        """The first Ctrl-C says what leaving means where it means something; true when we go."""
        steers = self._helm is not None and self._helm.ours
        if self._warned or not steers:
            return True
        self._warned = True
        self._view.note(stays_as_it_is(self._follower.fold) + " Press Ctrl-C again to leave.")
        return False


def asks(fold: Fold) -> bool:
    """True when nothing goes on without a person's answer; whoever paused it knows, and will resume it."""
    return fold.state.hold is not None or waits_for_approval(fold.state, fold.plan)


def stays_as_it_is(fold: Fold) -> str:
    """Say what is left behind when the controller in this process ends before the release does."""
    release = fold.request.release
    exposed = share_of(fold.state.here()) if fold.state.legs else 0
    share = (
        f"the new version keeps {exposed}% of the traffic" if exposed else "the new version has no traffic"
    )
    return (
        f"{release} stays as it is: {share}, and nobody watches it until a controller runs again "
        f"(`headgate up`, `headgate resume {release}`); `headgate abort {release}` undoes it."
    )
