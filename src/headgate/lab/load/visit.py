"""One customer on one journey."""

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from headgate.lab.load.client import BrokenError, ConnectError, Pool, Response
from headgate.lab.load.journey import Journey, Step, Value
from headgate.lab.load.load import Load
from headgate.lab.load.results import UNANSWERED, UNNAMED
from headgate.lab.load.tally import Ending, JourneyEnding, WindowTally

COOKIES_MAX = 20


class Visit:
    """A journey under way. It keeps the cookies that it is given, as a browser would: sticky sessions work."""

    def __init__(
        self, load: Load, pool: Pool, tally: Callable[[], WindowTally], may_go_on: Callable[[], bool]
    ) -> None:
        self._load = load
        self._pool = pool
        self._tally = tally
        self._may_go_on = may_go_on
        self._cookies: dict[str, str] = {}
        self._now = asyncio.get_running_loop().time

    async def travel(self, journey: Journey, values: dict[str, Value], due: float) -> bool:
        """Go through the steps until one does not succeed. Whether it came to an ending: not if it may not go on.

        `due` is when it was to begin, by the loop's clock: the first request's latency counts from then. Each later
        one is due when the one before is answered.
        """
        ending = JourneyEnding.COMPLETED
        for step in journey.steps:
            if step is not journey.steps[0] and not self._may_go_on():
                return False
            name = f"{journey.name}.{step.name}"
            response = await self._ask(name, step, values, due)
            due = self._now()
            if response is None:
                ending = JourneyEnding.BROKEN
                break
            fields = _fields(response) if step.reads_answer else {}
            met = all(fields.get(field) == value for field, value in step.expect.items())
            captured = {
                field: value for field in step.capture if isinstance(value := fields.get(field), str | int)
            }
            complete = len(captured) == len(step.capture)
            self._tally().record_answer(name, met=met and complete)
            if not complete:
                ending = JourneyEnding.BROKEN
                break
            if not met:
                ending = JourneyEnding.UNMET
            values.update(captured)
        self._tally().record_journey(journey.name, ending)
        return True

    async def _ask(self, name: str, step: Step, values: Mapping[str, Value], due: float) -> Response | None:
        """The answer, if it is below 400; every ending is counted."""
        try:
            async with asyncio.timeout(self._load.timeout_s):
                response = await self._pool.exchange(
                    step.method, step.render_path(values), self._headers(), step.render_body(values)
                )
        except TimeoutError:
            self._count(name, Ending.TIMEOUT, due)
        except ConnectError:
            self._count(name, Ending.CONNECT_ERROR, due)
        except BrokenError:
            self._count(name, Ending.RESET, due)
        else:
            return self._judge(name, response, due)
        return None

    def _judge(self, name: str, response: Response, due: float) -> Response | None:
        self._keep_cookies(response)
        ending = Ending.of_status(response.status)
        self._count(name, ending, due, response.header(self._load.version_header) or UNNAMED)
        return response if ending is Ending.ANSWERED else None

    def _count(self, name: str, ending: Ending, due: float, version: str = UNANSWERED) -> None:
        self._tally().record(name, ending, (self._now() - due) * 1e3, version)

    def _headers(self) -> list[tuple[str, str]]:
        if not self._cookies:
            return list(self._load.headers)
        pairs = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return [*self._load.headers, ("cookie", pairs)]

    def _keep_cookies(self, response: Response) -> None:
        for name, value in response.headers:
            if name == "set-cookie" and len(self._cookies) < COOKIES_MAX:
                cookie, _, content = value.partition(";")[0].partition("=")
                self._cookies[cookie.strip()] = content.strip()


def _fields(response: Response) -> dict[str, object]:
    """The JSON object that was answered; an answer that is none has no fields."""
    try:
        return msgspec.json.decode(response.body, type=dict[str, object])
    except msgspec.DecodeError:
        return {}
