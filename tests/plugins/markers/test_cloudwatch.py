"""CloudWatch, played by its API reference: "PutMetricData", query protocol."""

import re
from typing import Any
from urllib.parse import parse_qsl

from headgate.plugins.vendors.cloudwatch import marker as cloudwatch
from headgate.ports.errors import Temporary
from headgate.ports.marker import Marker
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from headgate.testing.markers import FROM_ENVIRONMENT, PROMOTED, STARTED, STORY
from tests.plugins.markers.systems import OverHttp, System

SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=\S+/20250615/eu-west-1/monitoring/aws4_request, "
    r"SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}"
)
ANSWER = (
    b'<PutMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><ResponseMetadata>'
    b"<RequestId>e16fc4d3</RequestId></ResponseMetadata></PutMetricDataResponse>"
)


class CloudWatch(System):
    """Shows, as marks, the releases that it has data of (it has no name for them: by their start)."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[dict[str, str]] = []
        self.routes = {("POST", "/"): self.put}

    def admits(self, request: Request) -> bool:
        return SIGNED.fullmatch(request.headers.get("authorization", "")) is not None

    def put(self, request: Request) -> Answer:
        form = dict(parse_qsl(request.body.decode()))
        assert (form["Action"], form["Version"]) == ("PutMetricData", "2010-08-01")
        for number in range(1, len(form)):
            member = {
                key.removeprefix(f"MetricData.member.{number}."): value
                for key, value in form.items()
                if key.startswith(f"MetricData.member.{number}.")
            }
            if member:
                self.data.append(member)
        return Answer(200, {"content-type": "text/xml"}, ANSWER)

    def marks(self) -> list[dict[str, Any]]:
        return [
            one | {"release": "r7"}
            for one in self.data
            if (one["MetricName"], one["Value"]) == ("ReleaseInProgress", "0")
        ]


class TestCloudWatch(OverHttp):
    def vendor(self) -> CloudWatch:
        return CloudWatch()

    def create(self, wires: Wires) -> Marker:
        return cloudwatch.create(wires)

    def settings(self, origin: str) -> dict[str, Any]:
        keys = ("access_key_id", "secret_access_key", "session_token")
        return {"url": origin, "region": "eu-west-1"} | dict.fromkeys(keys, FROM_ENVIRONMENT)

    def test_it_is_a_step_in_a_graph_and_a_count(self) -> None:
        system = self.vendor()
        self._told(system, (*STORY, STORY[-1]))
        told = [(one["MetricName"], one["Value"], one["Timestamp"]) for one in system.data]
        assert told == [
            ("ReleaseInProgress", "1", "2025-06-15T15:06:40Z"),
            ("ReleaseInProgress", "1", "2025-06-15T15:07:10Z"),
            ("ReleaseInProgress", "0", "2025-06-15T15:07:22Z"),
            ("ReleasesRolledBack", "1", "2025-06-15T15:07:22Z"),
        ]
        assert system.data[0]["Dimensions.member.3.Name"] == "Service"
        assert system.data[0]["Dimensions.member.3.Value"] == "web"

    def test_a_promotion_is_counted_as_such(self) -> None:
        system = self.vendor()
        self._told(system, (STARTED, PROMOTED))
        assert system.data[-1]["MetricName"] == "ReleasesPromoted"

    def test_half_an_answer_is_none(self) -> None:
        assert isinstance(self._refused(lambda _: Answer(200, {}, ANSWER[:80])), Temporary)
