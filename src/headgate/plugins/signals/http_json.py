"""Counters from any endpoint that answers JSON: one request a reading, each number at a JSON path.

The numbers are counters since some beginning: they rise until whatever counts them starts again. Requests, errors and
both numbers of a mean are whole, or the reading is unknown: a number that is missing, null or no count is not zero.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from headgate.core.model import Arm, Mean, SecretSource, Version
from headgate.kit import json_path
from headgate.kit.points import count_in
from headgate.kit.questions import Share, filled
from headgate.kit.refusals import place
from headgate.kit.vendor import LogIn, Login, by_headers, shaped, web_of
from headgate.ports.errors import PortError, Temporary
from headgate.ports.registry import settings_of
from headgate.ports.signals import Look
from headgate.ports.web import Request, Web
from headgate.ports.wires import Wires

TELLS_APART = ("{version}", "{artifact}", "{configuration}")
MEANS_MAX = 32

_Text = Annotated[str, Meta(max_length=8192)]
_Header = Annotated[str, Meta(pattern=r"^[!-9;-~][ -~]*$", max_length=4096)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where to ask, and what to read from the answer.

    In `url`, `body` and every path, {project}, {environment}, {service}, {version}, {artifact} and {configuration}
    become those of the version that is read. `token` is sent as `authorization: Bearer`, `secret_headers` as they are.
    """

    url: _Text
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, _Header] = {}
    body: _Text = ""
    token: SecretSource | None = None
    secret_headers: dict[str, SecretSource] = {}
    requests: str = ""
    errors: str = ""
    means: dict[str, Share] = {}
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 1.5

    def __post_init__(self) -> None:
        """Raises ValueError for what can only be wrong together."""
        if not self.url.startswith(("https://", "http://")):
            raise ValueError("`url` begins with https:// or http://")
        if not self.requests and not self.means:
            raise ValueError("there is nothing to read: say `requests`, `means` or both")
        if self.errors and not self.requests:
            raise ValueError("`errors` needs `requests`: without all, a part says nothing")
        if len(self.means) > MEANS_MAX:
            raise ValueError(f"at most {MEANS_MAX} means are read")
        if self.body and self.method == "GET":
            raise ValueError("a GET has no body: say `method: POST`")
        asked = f"{self.url}{self.body}"
        for name, path in _paths(self):
            if not any(place in f"{asked}{path}" for place in TELLS_APART):
                raise ValueError(
                    f"`{name}` reads the same for every version: put {{version}} in the url or the path"
                )


def _paths(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every path with a name of its own."""
    if settings.requests:
        yield "requests", settings.requests
    if settings.errors:
        yield "errors", settings.errors
    for name, share in settings.means.items():
        yield f"means.{name}.good", share.good
        yield f"means.{name}.total", share.total


class HttpJsonSignals:
    """Asks through `web` for what `settings` say; `log_in` proves who asks."""

    def __init__(self, web: Web, settings: Settings, log_in: LogIn) -> None:
        self._web = web
        self._settings = settings
        self._log_in = log_in

    async def read(self, version: Version) -> Arm:
        """See ports.Signals. Raises Temporary where the answer lacks a number, Permanent where a path is none."""
        document = await self._document(version)
        found = {name: _number(document, name, path, version) for name, path in _paths(self._settings)}
        means = {
            name: Mean(found[f"means.{name}.good"], _whole(found[f"means.{name}.total"], name))
            for name in self._settings.means
        }
        for name, mean in means.items():
            if mean.sum > mean.n:
                raise Temporary(f"`{name}` has more good cases ({mean.sum:g}) than cases ({mean.n})")
        requests = _whole(found.get("requests", 0.0), "requests")
        errors = _whole(found.get("errors", 0.0), "errors")
        if errors > requests:
            raise Temporary(f"more errors ({errors}) than requests ({requests})")
        return Arm(requests, errors, means=means)

    async def inspect(self, version: Version) -> tuple[Look, ...]:
        """See ports.signals.Inspectable."""
        try:
            document = await self._document(version)
        except PortError as error:
            return (Look(f"{self._settings.method} {self._settings.url}", "", str(error)),)
        return tuple(_look(document, name, path, version) for name, path in _paths(self._settings))

    async def _document(self, version: Version) -> Any:  # noqa: ANN401 - JSON
        settings, login = self._settings, self._log_in()
        headers = {"accept": "application/json", **settings.headers, **login.headers}
        if settings.body:
            headers.setdefault("content-type", "application/json")
        request = Request(
            settings.method,
            filled(settings.url, version),
            headers,
            filled(settings.body, version).encode(),
            settings.timeout_s,
            secrets=login.secrets,
        )
        answer = await self._web.ask(request)
        return shaped(place(request), answer.body, object, login.secrets)


def _number(document: Any, name: str, path: str, version: Version) -> float:  # noqa: ANN401 - JSON
    """The count at a path. Raises Temporary, Permanent."""
    what = f"`{name}`"
    try:
        number = count_in(json_path.find(document, filled(path, version)), what)
    except json_path.Missing as missing:
        raise Temporary(f"{what}: {missing} in the answer: is the path right?") from None
    if number is None:
        raise Temporary(f"{what}: the answer has no number there, only null")
    return number


def _look(document: Any, name: str, path: str, version: Version) -> Look:  # noqa: ANN401 - JSON
    question = f"{name}: {path}"
    try:
        number = _number(document, name, path, version)
    except PortError as error:
        return Look(question, "", str(error))
    may_be_none = name.endswith(("errors", "good"))
    return Look(question, f"{number:g}", "" if number or may_be_none else "nothing counted yet")


def _whole(number: float, name: str) -> int:
    if number != int(number):
        raise Temporary(f"`{name}` counts cases: {number:g} is no whole number")
    return int(number)


def create(wires: Wires) -> HttpJsonSignals:
    """The plugin's factory."""
    settings = settings_of(wires, Settings)
    token = {} if settings.token is None else {"authorization": settings.token}
    bearer, others = by_headers(token, "Bearer "), by_headers(settings.secret_headers)

    def log_in() -> Login:
        one, two = bearer(), others()
        return Login({**one.headers, **two.headers}, (*one.secrets, *two.secrets))

    return HttpJsonSignals(web_of(wires), settings, log_in)
