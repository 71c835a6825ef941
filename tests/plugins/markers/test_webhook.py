"""A receiver that verifies as docs/markers.md says, and holds each event against CloudEvents and CDEvents."""

import json
from typing import Any

from headgate.plugins.markers import webhook
from headgate.ports.marker import Marker
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.markers import FROM_ENVIRONMENT, PROMOTED, SECRET, STARTED, STARTED_AT, STORY
from tests.plugins.markers.systems import OverHttp, System, said
from tests.plugins.markers.verifying import Rejected, verified


class Receiver(System):
    """Shows the ends of pipeline runs as marks; `events` is everything that was good and new."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.seen: set[str] = set()

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {SECRET}":
            return said(401, {})
        try:
            new = verified(SECRET.encode(), request.headers, request.body, STARTED_AT + 60, self.seen)
        except Rejected as error:
            return said(400, {"error": str(error)})
        if new:
            self.events.append(_checked(request))
        return Answer(204, {}, b"")

    def marks(self) -> list[dict[str, Any]]:
        return [one for one in self.events if one["type"] == webhook.FINISHED]


def _checked(request: Request) -> dict[str, Any]:
    assert request.headers["content-type"].startswith("application/cloudevents+json")
    event: dict[str, Any] = json.loads(request.body)
    required = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
    assert event.keys() == required
    context, subject = event["data"]["context"], event["data"]["subject"]
    assert [event[key] for key in ("id", "source", "type", "time")] == [
        context[key] for key in ("id", "source", "type", "timestamp")
    ]
    assert context["version"] == "0.4.1"
    assert event["subject"] == subject["id"]
    if subject["type"] == "service":
        assert subject["content"].keys() == {"environment", "artifactId"}
        assert subject["content"]["artifactId"].startswith("pkg:generic/web@")
    return event


class TestWebhook(OverHttp):
    refuses_empty_answers = False
    reads_answers = False

    def vendor(self) -> Receiver:
        return Receiver()

    def create(self, wires: Wires) -> Marker:
        return webhook.create(wires)

    def settings(self, origin: str) -> dict[str, Any]:
        return {"url": f"{origin}/hook", "secret": FROM_ENVIRONMENT, "token": FROM_ENVIRONMENT}

    def test_its_events(self) -> None:
        system = self.vendor()
        self._told(system, STORY)
        assert [one["type"] for one in system.events] == [
            "dev.cdevents.pipelinerun.started.0.2.0",
            "dev.cdeventsx.headgate-release.updated.0.1.0",
            "dev.cdevents.service.rolledback.0.2.0",
            "dev.cdevents.pipelinerun.finished.0.2.0",
        ]
        content = system.events[-1]["data"]["subject"]["content"]
        assert (content["outcome"], content["errors"]) == ("failure", "rolled back: 9% errors, 1% on stable")
        assert STARTED.services[0].before in system.events[2]["data"]["subject"]["content"]["artifactId"]

    def test_a_promotion_upgrades(self) -> None:
        system = self.vendor()
        self._told(system, (STARTED, PROMOTED))
        kinds = [one["type"].split(".")[2:4] for one in system.events]
        assert kinds == [["pipelinerun", "started"], ["service", "upgraded"], ["pipelinerun", "finished"]]

    def test_what_is_sent_again_is_known_by_its_id(self) -> None:
        system = self.vendor()
        self._told(system, STORY)
        self._told(system, STORY)
        assert len(system.events) == 4
