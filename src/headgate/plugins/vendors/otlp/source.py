"""Signals from what services send by themselves over OTLP/HTTP.

Sources that name the same address share what comes there. A version is found by the resource attributes `service.name`
(the service's name, or `service`), `service.version` (the version's key, or its artifact's label while no other
version has it) and `deployment.environment.name`. One of three things is its measure:

* metrics: histograms or counters of `metric`, errors by `http.response.status_code` (5xx) or `error.type`;
* traces: spans that came in (SERVER, CONSUMER). `errors: boundary` counts the errors that began in the version,
  `errors: all` also those that it passed on from below. Both are known when a trace is complete;
* logs: records, and those of severity ERROR or worse. A delivery of logs that is sent twice is counted twice.

Counters start when the address is first listened at. What has not come for `silence_max` is unknown.
"""

import contextlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from headgate.core.model import Arm, Mean, Version
from headgate.plugins.vendors.otlp.inbox import BOUNDARY, LOGS, TRACES, Inbox, Known, Measure, Name
from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.receiver import Serve
from headgate.ports.registry import settings_of
from headgate.ports.signals import Look
from headgate.ports.wires import Wires

PROTOCOL = "otlp"
VERSIONS_MAX = 64
NAMES_SHOWN = 3

_ADDRESS = re.compile(r"([\d.]+|\[[\da-fA-F:.]+\]|localhost):[1-9]\d{0,4}")
_Seconds = Annotated[float, Meta(ge=1, le=600)]
_Text = Annotated[str, Meta(min_length=1, max_length=255)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the project file may say beside `source: otlp`.

    `listen` is an IP address and a port: whoever reaches it can send what is judged, so keep it on loopback.
    `mean`: give the share that went well under this name as well, as a business signal.
    """

    listen: str = "127.0.0.1:4318"
    measure: Measure = "metrics"
    errors: Literal["boundary", "all"] = "boundary"
    metric: _Text = "http.server.request.duration"
    service: str = ""
    mean: str = ""
    silence_max_s: _Seconds = 15.0
    trace_wait_s: _Seconds = 10.0

    def __post_init__(self) -> None:
        """Raises ValueError for an address that is none."""
        if not _ADDRESS.fullmatch(self.listen):
            raise ValueError("`listen` must be an IP address and a port, like 127.0.0.1:4318")


class OtlpSignals:
    """Reads the counters of a version from what was sent to `settings.listen`.

    `serve` has the address listened at, `label` is what people call a version (or empty), `now` the time in seconds.
    """

    def __init__(
        self,
        settings: Settings,
        serve: Serve,
        label: Callable[[Version], str],
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._serve = serve
        self._label = label
        self._now = now
        self._labels: dict[str, set[str]] = {}

    def listen(self) -> Inbox:
        """Have the address listened at, and what this source needs counted. Raises Temporary, Permanent."""
        settings = self._settings
        inbox = self._serve(settings.listen, PROTOCOL, lambda: Inbox(self._now))
        inbox.attend(settings.metric, settings.trace_wait_s)
        return inbox

    async def read(self, version: Version) -> Arm:
        """See ports.Signals. Raises Temporary when nothing has come lately, or not everything could be counted."""
        inbox = self.listen()
        known, name = await self._found(inbox, version)
        measure, now = self._settings.measure, self._now()
        what = f"{measure} from {name.service} {name.version} in {name.environment}"
        if known is None or measure not in known.heard_at:
            raise Temporary(f"no {what} have come to {self._settings.listen}{_instead(inbox, name)}")
        silent_s = now - known.heard_at[measure]
        if silent_s > self._settings.silence_max_s:
            raise Temporary(
                f"no {what} have come for {silent_s:.0f} s (`silence_max` is {self._settings.silence_max_s:g}s): "
                "is it alive, and does it export often enough?"
            )
        loss = known.incomplete.get((measure, self._settings.metric if measure == "metrics" else ""))
        if loss is not None and now - loss.at <= self._settings.silence_max_s:
            raise Temporary(f"not all {what} could be counted: {loss.why}")
        return self._shown(known.arm(self._column))

    async def inspect(self, version: Version) -> tuple[Look, ...]:
        """See ports.signals.Inspectable."""
        question = f"{self._column} of {version} at {self._settings.listen}"
        try:
            arm = await self.read(version)
        except PortError as error:
            return (Look(question, "", str(error)),)
        answer = f"{arm.requests} requests, {arm.errors} errors, of {len(arm.instances)} instances"
        return (Look(question, answer, "" if arm.requests else "nothing counted yet"),)

    @property
    def _column(self) -> str:
        match self._settings.measure:
            case "metrics":
                return self._settings.metric
            case "traces":
                return BOUNDARY if self._settings.errors == "boundary" else TRACES
            case "logs":
                return LOGS

    async def _found(self, inbox: Inbox, version: Version) -> tuple[Known | None, Name]:
        """What is known of a version, by its key, or else by its label if that is this version's alone."""
        service = self._settings.service or version.unit.service
        name = Name(service, version.key, version.unit.environment)
        known, label = await inbox.known(name), self._label(version)
        if known is not None or not label:
            return known, name
        named = self._labels.setdefault(f"{version.unit} {label}", set())
        named.add(version.key)
        while len(self._labels) > VERSIONS_MAX:
            del self._labels[next(iter(self._labels))]
        if len(named) > 1:
            return None, name
        return await inbox.known(Name(service, label, version.unit.environment)), name

    def _shown(self, arm: Arm) -> Arm:
        if not self._settings.mean:
            return arm
        well = Mean(float(arm.requests - arm.errors), arm.requests)
        return replace(arm, means={self._settings.mean: well})


def _instead(inbox: Inbox, name: Name) -> str:
    """What did come, where it may have been meant."""
    names = inbox.names()
    like = [one for one in names if one.service == name.service] or names
    if not like:
        return ": nothing at all has come there"
    shown = "; ".join(
        f"{one.service!r} version {one.version!r} in {one.environment!r}"[:120] for one in like[:NAMES_SHOWN]
    )
    more = f" and {len(like) - NAMES_SHOWN} more" if len(like) > NAMES_SHOWN else ""
    return f"; what came is from {shown}{more}"


def create(wires: Wires) -> OtlpSignals:
    """The plugin's factory. It listens from now on, if it can; else it tries again whenever it is read."""
    settings = settings_of(wires, Settings)
    if wires.serve is None:
        raise Permanent("the source `otlp` needs a controller that listens")

    @lru_cache(VERSIONS_MAX)
    def label(version: Version) -> str:
        with contextlib.suppress(PortError):
            return wires.artifacts.find(version.artifact).provenance.label
        return ""

    source = OtlpSignals(settings, wires.serve, label, wires.now)
    with contextlib.suppress(Temporary):
        source.listen()
    return source
