"""Watches a release until it has ended, needs a person, or is left; and sees to it that a controller runs meanwhile."""

import time
from typing import Literal

from headgate.cli.ask.follow import Follower
from headgate.cli.errors import Unable
from headgate.cli.run.steering import Steering
from headgate.cli.run.views import FRAME_S, View
from headgate.cli.session import person
from headgate.core.story.advice import waits_for_approval
from headgate.core.story.report import Fold
from headgate.core.story.view import weight as share_of

WatchEnd = Literal["ended", "asks", "left"]


class Watch:
    """One release, and the view that a person has of it. `steering` None: only look on."""

    def __init__(self, follower: Follower, view: View, steering: Steering | None) -> None:
        self._follower = follower
        self._view = view
        self._steering = steering
        self._warned = False

    def run(self, *, wait: bool, timeout_s: float | None = None) -> WatchEnd:
        """Return when the release has ended, asks a person (unless `wait`), or a person leaves it by Ctrl-C.

        After `timeout_s` seconds the release is undone, and followed to its end.
        """
        deadline = time.monotonic() + timeout_s if timeout_s is not None else None
        while True:
            try:
                end = self._look(wait=wait)
                if end is not None:
                    return end
                if deadline is not None and time.monotonic() > deadline:
                    deadline = None
                    self._undo(timeout_s or 0.0)
                time.sleep(FRAME_S)
            except KeyboardInterrupt:
                if self._leave():
                    return "left"

    def _look(self, *, wait: bool) -> WatchEnd | None:
        changed = self._steering.keep() if self._steering else ""
        if changed:
            self._view.note(changed)
        told = self._follower.poll()
        fold = self._follower.fold
        trouble = self._steering.trouble(fold.request.release) if self._steering else ""
        self._view.show(self._follower, told, max(time.time(), fold.state.at), trouble)
        if self._follower.ended:
            return "ended"
        return "asks" if asks(fold) and not wait else None

    def _undo(self, timeout_s: float) -> None:
        release = self._follower.fold.request.release
        if self._steering is None:
            return
        try:
            self._steering.client.tell(
                release, "abort", person(), f"not ended within {timeout_s:g} s (--timeout)"
            )
        except Unable as error:
            self._view.note(f"The time is over, and {release} could not be undone: {error.message}")

    def _leave(self) -> bool:
        """The first Ctrl-C says what leaving means where it means something; true when we go."""
        steers = self._steering is not None and self._steering.ours
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
