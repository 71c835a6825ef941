"""What is said of a release whose stable was in trouble, and what its report counts."""

from msgspec.structs import replace

from headgate.core.judge.judgement import LEARNING
from headgate.core.machine.effects import AskGates, Observe, PrepareVersion, SetRouting
from headgate.core.machine.events import AnyEvent, Judged
from headgate.core.story.explain import explain
from headgate.core.story.report import fold
from tests.core.ride import Kind, Ride, leg, plan_of


class Told(Ride):
    """A ride that remembers what happened; ten requests of the canary fail in each interval that it is in."""

    def __init__(self) -> None:
        self.said: list[AnyEvent] = []
        super().__init__(plan_of(replace(leg(), learn=True)))

    def tell(self, event: AnyEvent) -> "Told":
        if isinstance(event, Judged):
            alone = self.pending(Observe)[1].exposure < 0
            reason = LEARNING if alone and event.verdict.kind == "watch" else event.verdict.reason
            verdict = replace(event.verdict, reason=reason)
            event = replace(event, verdict=verdict, requests=(90, 10), errors=(0, 1), harmed=1)
        self.said.append(event)
        super().tell(event)
        return self


def relieved(*then: Kind) -> Told:
    told = Told()
    told.succeed(AskGates).succeed(PrepareVersion).succeed(SetRouting)
    told.judge("watch", "pass", "shared").succeed(SetRouting).judge("hold_external", *then)
    assert isinstance(told, Told)
    return told


def texts(told: Told) -> list[str]:
    return [sentence.text for sentence in explain(told.said)]


def test_the_story_of_traffic_that_is_taken_away_and_given_back() -> None:
    told = relieved("hold_external", "watch")
    told.succeed(SetRouting).judge("watch", "watch")
    said = texts(told)
    first = said.index("The verdict became pass: it is pass.")
    assert [text.replace(str(told.plan.legs[0].change.candidate), "it") for text in said[first + 1 :]] == [
        "The verdict became hold external: stable got worse.",
        "So the canary's traffic is taken away, to see whether stable recovers without it.",
        "The proxy confirmed: no user reaches it for now.",
        "Stable recovered without the canary, so the canary gets its traffic back.",
        "The proxy confirmed: canary 10% for it again. The step began anew.",
        "The verdict became watch: it is watch.",
    ]
    assert not any(LEARNING in text for text in said)


def test_a_hold_says_why() -> None:
    worse: list[Kind] = ["hold_external"]
    said = texts(relieved(*worse * 61))
    assert said[-1].startswith("It was held for a person: not recovered 60 s after the canary's traffic")


def test_what_is_seen_while_nobody_is_exposed_is_nobodys_step_and_harms_nobody() -> None:
    told = relieved("hold_external", "hold_external")
    (step,) = fold(told.said).steps
    assert (step.requests, step.errors) == ((270, 30), (0, 3))
    assert fold(told.said).report().bad_requests_served == 3
