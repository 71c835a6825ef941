"""CloudWatch metrics as counters.

Source: Amazon CloudWatch API Reference, "GetMetricData" and "MetricDataResult"
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html), by its JSON protocol
("Making API requests", header X-Amz-Target), signed by SigV4. A timestamp is the beginning of its period.

* A query is an expression of metric math with one series as its result. A plain metric is `SUM(SEARCH('
  {AWS/ApplicationELB,TargetGroup,LoadBalancer} MetricName="RequestCount" TargetGroup="{service}"', 'Sum', 60))`.
* `latency` takes the statistic for counts in a range: `'TC(:0.1)'` instead of `'Sum'` ("CloudWatch statistics
  definitions"), where the service publishes values one by one, as load balancers do.
* What has no series is empty: `FILL(..., 0)` where zero is meant.
"""

from collections.abc import Callable, Mapping

import msgspec

from headgate.core.model import SecretSource
from headgate.core.model.window import Window
from headgate.kit.points import single, summed
from headgate.kit.questions import Questions
from headgate.kit.refusals import WORDS_MAX, struck
from headgate.kit.sigv4 import Credentials, Scope, signed
from headgate.kit.vendor import shaped, web_of
from headgate.kit.windows import WindowedSignals
from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.registry import settings_of
from headgate.ports.secrets import read_secret
from headgate.ports.web import Request, Web
from headgate.ports.wires import Wires

HEADERS = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "GraniteServiceVersion20100801.GetMetricData",
}
_MINUTE = 60
_BUSY = ("Throttling", "RequestLimitExceeded", "LimitExceeded")


class Settings(Questions, frozen=True, kw_only=True):
    """What Questions takes, and: `region`, the credentials (`cloudwatch:GetMetricData`), `url` for private endpoints.

    Periods are minutes; most services publish a minute two or three minutes later. Each query asked costs money.
    """

    region: str
    access_key_id: SecretSource
    secret_access_key: SecretSource
    session_token: SecretSource | None = None
    url: str = ""
    every_s: float = 60.0
    delay_s: float = 180.0

    def __post_init__(self) -> None:
        """Raises ValueError for a period that CloudWatch does not have."""
        super().__post_init__()
        if self.every_s not in (1, 5, 10, 20, 30) and self.every_s % _MINUTE:
            raise ValueError("`every` is 1s, 5s, 10s, 20s, 30s (high-resolution metrics) or whole minutes")


class _Result(msgspec.Struct, rename="pascal"):
    id: str
    timestamps: list[float]
    values: list[float]
    status_code: str = "Complete"
    messages: list[dict[str, str]] = []


class _Answer(msgspec.Struct, rename="pascal"):
    metric_data_results: list[_Result]
    messages: list[dict[str, str]] = []
    next_token: str | None = None


class CloudWatch:
    """Counts with one request for all questions."""

    def __init__(self, web: Web, settings: Settings, now: Callable[[], float]) -> None:
        self._web = web
        self._settings = settings
        self._now = now
        self._url = settings.url or f"https://monitoring.{settings.region}.amazonaws.com"

    async def count(self, questions: Mapping[str, str], window: Window) -> dict[str, float | None]:
        """See kit.windows.Counting."""
        credentials = self._credentials()
        request = self._request(questions, window, credentials)
        answer = shaped("CloudWatch", await self._ask(request), _Answer, request.secrets)
        results = answer.metric_data_results
        said = [*answer.messages, *(one for result in results for one in result.messages)]
        states = {result.status_code for result in results} - {"Complete"}
        if said or states or answer.next_token:
            told = "; ".join([*(one.get("Value", "") for one in said), *sorted(states)]) or "there is more"
            raise Temporary(f"CloudWatch's answer is not whole: {struck(told, request.secrets)[:WORDS_MAX]}")
        return {
            name: single(
                [_sum(one, window, name) for one in results if one.id == f"q{n}"], f"CloudWatch, {name}"
            )
            for n, name in enumerate(questions)
        }

    async def _ask(self, request: Request) -> bytes:
        try:
            return (await self._web.ask(request)).body
        except PortError as error:  # throttling is answered 400
            kind = Temporary if any(word in str(error) for word in _BUSY) else type(error)
            raise kind(f"CloudWatch: {error}") from None

    def _credentials(self) -> Credentials:
        token = self._settings.session_token
        key_id, secret = (
            read_secret(self._settings.access_key_id),
            read_secret(self._settings.secret_access_key),
        )
        if not key_id or not secret:
            raise Permanent("CloudWatch: the credentials are empty where they are read from")
        return Credentials(key_id, secret, read_secret(token) if token is not None else "")

    def _request(self, questions: Mapping[str, str], window: Window, credentials: Credentials) -> Request:
        queries = [
            {
                "Id": f"q{n}",
                "Expression": query,
                "Period": self._settings.pace.resolution_s,
                "ReturnData": True,
            }
            for n, query in enumerate(questions.values())
        ]
        span = {"StartTime": window.start, "EndTime": window.end, "ScanBy": "TimestampAscending"}
        body = msgspec.json.encode({**span, "MetricDataQueries": queries})
        timeout_s, secrets = self._settings.timeout_s, (credentials.key_id,)
        request = Request("POST", f"{self._url.rstrip('/')}/", HEADERS, body, timeout_s, secrets=secrets)
        return signed(request, credentials, Scope(self._settings.region, "monitoring"), self._now())


def _sum(result: _Result, window: Window, name: str) -> float | None:
    if len(result.timestamps) != len(result.values):
        raise Temporary(f"CloudWatch, {name}: more times than values")
    return summed(zip(result.timestamps, result.values, strict=True), window, f"CloudWatch, {name}")


def create(wires: Wires) -> WindowedSignals:
    """The plugin's factory. Raises Permanent."""
    settings = settings_of(wires, Settings)
    source = CloudWatch(web_of(wires), settings, wires.now)
    return WindowedSignals("CloudWatch", source, settings, wires.now)
