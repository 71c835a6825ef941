"""The API is what its description says: no fault, and no answer that is not described, whatever is sent."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import httpx2
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import BaseSchema

from headgate.web.api.live import PATH as STREAM
from headgate.web.application import description
from headgate.web.doors.limits import Limiter, Rate
from headgate.web.http.serve import serving, tcp_listener
from headgate.web.http.stream import Stream
from tests.controller.house import ONE, TWO, Home, wish
from tests.web import payloads
from tests.web.web_services import Place

EXAMPLES = 12
EXAMPLES_OF_A_WISH = 4
"""A release is a large thing to make up; see also the test of what is in a wish."""

RUNS, COURSES, STEPS = 3, 5, 12
LINKS_MIN = 12
"""So many operations at least were asked of what an earlier answer named."""

DEADLINE_S = 60.0
NO_LIMIT = Rate(1e12, 1e12)
CHECKS: list[Any] = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.allow_header_conformance,
]


@dataclass(frozen=True)
class Served:
    """A home behind a port of this machine."""

    url: str
    token: str
    hooks: dict[str, str]


@contextlib.asynccontextmanager
async def home() -> AsyncGenerator[Served]:
    """A home in real time, in which one version was released and another is being asked for."""
    place_home = Home()
    supervisor = await place_home.start()
    await supervisor.submit(wish(ONE))
    await place_home.until_closed("r1")
    await supervisor.submit(wish(TWO))
    stream = Stream(place_home.ledger)
    place = Place(place_home, supervisor, stream)
    place.door._reads = place.door._actions = Limiter(NO_LIMIT)
    listener = tcp_listener("127.0.0.1", 0)
    with contextlib.closing(listener):
        async with stream.running(), serving(place.front, listener):
            yield Served(
                f"http://127.0.0.1:{listener.getsockname()[1]}",
                await place.token("admin"),
                {vendor: await hook(place, vendor) for vendor in NEWS},
            )
    await supervisor.close()


async def hook(place: Place, vendor: str) -> str:
    """The secret of a new hook, which is called like its vendor."""
    body = {"name": vendor, "vendor": vendor, "environments": ["production"]}
    made = (await place.ask("POST", "/v1/hooks", body)).json()
    return str(made["secret"])


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    ready: Future[Served] = Future()
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        async with home() as found:
            ready.set_result(found)
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield ready.result(DEADLINE_S)
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


DESCRIBED = description()
SCHEMA: BaseSchema = schemathesis.openapi.from_dict(DESCRIBED)
OPERATIONS = [
    (path, method.upper()) for path, found in DESCRIBED["paths"].items() for method in found if path != STREAM
]


def modest(examples: int) -> settings:
    """The same examples every time, however slow the machine."""
    slow = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
    return settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=slow
    )


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{m} {p}" for p, m in OPERATIONS])
def test_every_answer_is_described(served: Served, path: str, method: str) -> None:
    operation = SCHEMA[path][method]
    known = st.sampled_from(["r1", "r2", "f1", "pager", "", "r 1", "\N{SNOWMAN}"])
    good, bad = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

    @given(case=good | bad, name=known)
    @modest(EXAMPLES_OF_A_WISH if (path, method) == ("/v1/releases", "POST") else EXAMPLES)
    def ask(case: schemathesis.Case[Any], name: str) -> None:
        if name and case.path_parameters:
            case.path_parameters = dict.fromkeys(case.path_parameters, name)
        case.call_and_validate(base_url=served.url, headers=_bearer(served), checks=CHECKS)

    ask()


def test_whatever_is_asked_of_what_an_answer_named_is_described(served: Served) -> None:
    """Stateful: releases that were listed are read, steered and undone; what was made is used, and taken away.

    The home is not the same when the same is asked again: it goes on, and has what was made before. Where Hypothesis
    notices that, it ends the run, and not the test: what the API did wrong is kept by ourselves.
    """
    asked: Counter[str] = Counter()
    wrong: list[FailureGroup] = []

    class Course(SCHEMA.as_state_machine()):  # type: ignore[misc]  # schemathesis makes the class of the description
        def get_call_kwargs(self, case: schemathesis.Case[Any]) -> dict[str, Any]:
            asked[f"{case.method} {case.path}"] += 1
            return {"base_url": served.url, "headers": _bearer(served)}

        def validate_response(
            self,
            response: schemathesis.Response,
            case: schemathesis.Case[Any],
            additional_checks: object = None,
            **_: object,
        ) -> None:
            try:
                case.validate_response(response, checks=CHECKS)
            except FailureGroup as failures:
                wrong.append(failures)
                raise

    steps = settings(modest(COURSES), stateful_step_count=STEPS, phases=[Phase.generate])
    for number in range(RUNS):
        with contextlib.suppress(FlakyStrategyDefinition):
            run_state_machine_as_test(seed(number)(Course), settings=steps)
    assert not wrong
    followed = {name for name in asked if "{" in name}
    assert len(followed) > LINKS_MIN, asked


def test_an_answer_that_is_not_described_is_found(served: Served) -> None:
    lie = copy.deepcopy(DESCRIBED)
    del lie["paths"]["/v1/releases/{release}"]["get"]["responses"]["404"]
    case = schemathesis.openapi.from_dict(lie)["/v1/releases/{release}"]["GET"].Case(
        path_parameters={"release": "none"}
    )
    with pytest.raises(FailureGroup):
        case.call_and_validate(base_url=served.url, headers=_bearer(served), checks=CHECKS)


NEWS: dict[str, tuple[payloads.Send, dict[str, Any]]] = {
    "github": (payloads.github, payloads.github_push()),
    "gitea": (payloads.gitea, payloads.gitea_push()),
    "gitlab": (payloads.gitlab, payloads.gitlab_push()),
    "bitbucket": (payloads.bitbucket, payloads.bitbucket_push()),
    "alertmanager": (payloads.alertmanager, payloads.group(payloads.alert())),
}

Way = tuple[str | int, ...]
SOUND = msgspec.to_builtins(wish(TWO))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)


def places(value: Any, path: Way = ()) -> Iterator[Way]:  # noqa: ANN401 - JSON
    """The way to everything in a JSON value."""
    yield path
    keys: Iterable[Any] = value if isinstance(value, dict) else range(len(value)) if _is_list(value) else ()
    for key in keys:
        yield from places(value[key], (*path, key))


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def put(value: object, path: Way, new: object) -> object:
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(value, dict):
        return value | {key: put(value[key], rest, new)}
    assert isinstance(value, list | tuple)
    return [put(one, rest, new) if index == key else one for index, one in enumerate(value)]


def test_whatever_is_in_a_wish_it_is_answered_and_the_controller_goes_on(served: Served) -> None:
    with httpx2.Client(base_url=served.url, headers=_bearer(served)) as client:

        @given(path=st.sampled_from(list(places(SOUND))), new=SCALARS)
        @modest(100)
        def ask(path: Way, new: object) -> None:
            body = msgspec.json.encode(put(SOUND, path, new))
            answer = client.post("/v1/releases", content=body, headers={"content-type": "application/json"})
            assert answer.status_code in (201, 422), answer.text

        ask()
        assert client.get("/v1/health").json()["trouble"] == {}


@pytest.mark.parametrize("vendor", NEWS)
def test_whatever_a_hook_is_sent_it_is_answered_and_the_controller_goes_on(
    served: Served, vendor: str
) -> None:
    send, news = NEWS[vendor]
    with httpx2.Client(base_url=served.url) as client:

        @given(path=st.sampled_from(list(places(news))), new=SCALARS)
        @modest(50)
        def deliver(path: Way, new: object) -> None:
            delivery = send(served.hooks[vendor], put(news, path, new))
            answer = client.post(f"/v1/hooks/{vendor}", content=delivery.body, headers=delivery.headers)
            assert answer.status_code in (200, 422), answer.text

        deliver()
        assert client.get("/v1/health", headers=_bearer(served)).json()["trouble"] == {}


def _bearer(served: Served) -> dict[str, str]:
    return {"authorization": f"Bearer {served.token}"}
