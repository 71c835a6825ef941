"""A step is data. Strategies are functions that build tuples of these; the machine walks along them."""

import msgspec

from headgate.core.model.routing import Match


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """Have `instances` instances of the candidate running and ready; no traffic moves."""

    instances: int


class Expose(msgspec.Struct, frozen=True, tag="expose"):
    """Set what reaches the candidate: a percentage, exact header or cookie matches, a percentage of mirrored copies.

    With none of them it is a preview: only the preview port and header reach it.
    """

    weight: int = 0
    matches: tuple[Match, ...] = ()
    mirror: int = 0


class Bake(msgspec.Struct, frozen=True, tag="bake"):
    """Let time pass under watch: go on after `bake_s` with a passing verdict, decide by policy after `deadline_s`."""

    bake_s: float
    deadline_s: float


class Learn(msgspec.Struct, frozen=True, tag="learn"):
    """Watch stable alone until its ways are known, before the candidate takes all of its traffic.

    After `deadline_s` seconds without enough of it the plan's policy decides, as in a bake.
    """

    deadline_s: float


class Smoke(msgspec.Struct, frozen=True, tag="smoke"):
    """Run the named smoke tests (all of them when empty) against the candidate directly."""

    names: tuple[str, ...] = ()


class Pause(msgspec.Struct, frozen=True, tag="pause"):
    """Wait for a person's approval; the watch goes on and still rolls back."""

    reason: str = ""


class Shrink(msgspec.Struct, frozen=True, tag="shrink"):
    """Run the baseline with `instances` instances only (rolling): a revert brings it back to full size first thing."""

    instances: int


class Promote(msgspec.Struct, frozen=True, tag="promote"):
    """The candidate becomes stable and receives everything; the baseline stays warm.

    `judged` False promotes without a verdict: a first release, which nothing could be compared with; a rollback or a
    break-glass, which a person has ordered with a reason; an environment that is not production and says so.
    """

    judged: bool = True


Step = Prepare | Expose | Learn | Bake | Smoke | Pause | Shrink | Promote


def step_name(step: Step) -> str:
    """A step as people read it: `canary 25%`, `bake 30 s`, `wait for approval`."""
    match step:
        case Prepare(instances):
            return f"prepare {instances} instance{'s' if instances != 1 else ''}"
        case Expose(weight, matches, mirror):
            parts = [f"canary {weight}%"] if weight else []
            parts += [f"{match.kind} {match.name}={match.value}" for match in matches]
            parts += [f"mirror {mirror}%"] if mirror else []
            return ", ".join(parts) or "preview"
        case Learn():
            return "watch the old version alone"
        case Bake(bake_s):
            return f"bake {bake_s:g} s"
        case Smoke(names):
            return f"smoke test {', '.join(names)}".rstrip()
        case Pause():
            return "wait for approval"
        case Shrink(instances):
            return f"keep {instances} of the old version"
        case Promote():
            return "promote"
