"""Business signals and gauges from the service's own metrics endpoint, read from every instance directly."""

import asyncio
import logging
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from http import HTTPStatus

import msgspec

from headgate.core.model import Arm, Mean, Version
from headgate.kit.http_once import NoAnswer, ask_once
from headgate.plugins.signals.scrape.exposition import PAGE_MAX_BYTES, Page, parse, selector, total
from headgate.ports.errors import Permanent, Temporary
from headgate.ports.registry import settings_of
from headgate.ports.wires import Wires

_log = logging.getLogger(__name__)

TIMEOUT_S = 1.0
PAGE_MAX_S = 1.5
"""A page must be there, whole, so soon after it was asked for, however slowly it is sent."""

READERS_MAX = 16
"""So many pages are read at once, in threads of their own: whoever is slow delays nobody else's threads."""

VERSIONS_MAX = 64
NO_GAUGES: Mapping[str, str] = {}


class Business(msgspec.Struct, frozen=True):
    """A share: `good` over `total`, both counters, as `name` or `name{label="value"}`; all series meant are summed."""

    good: str
    total: str


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`gauges`: what is read, by name, as `name` or `name{label="value"}`; an instance's series meant are summed."""

    gauges: dict[str, str] = {}


class Counted(msgspec.Struct, frozen=True):
    """One instance's two counters; `seen` says whether the total has a series yet."""

    good: float = 0.0
    total: float = 0.0
    seen: bool = False


class _Tally:
    """What one version's instances have counted, those that are gone or started again included."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], Counted] = {}
        self._sums: dict[str, Counted] = {}

    def add(self, address: str, name: str, now: Counted) -> None:
        before = self._last.get((address, name), Counted())
        restarted = now.total < before.total or now.good < before.good
        start = Counted() if restarted else before
        known = self._sums.get(name, Counted())
        self._last[address, name] = now
        self._sums[name] = Counted(
            good=known.good + now.good - start.good,
            total=known.total + now.total - start.total,
            seen=known.seen or now.seen,
        )

    def means(self) -> dict[str, Mean]:
        return {name: Mean(one.good, round(one.total)) for name, one in self._sums.items() if one.seen}


class ScrapeSignals:
    """Reads the means of `business`, and `gauges`, from `path` of every instance, side by side.

    `addresses` is where a version's instances are (`host:port`), `path` its endpoint (`/metrics`), `business` and
    `gauges` what to read from it, by name. An instance that starts again counts from zero: what it had counted stays
    counted, and so does what an instance counted that is gone.
    """

    def __init__(
        self,
        addresses: Callable[[Version], Sequence[str]],
        path: Callable[[Version], str],
        business: Callable[[Version], Mapping[str, Business]],
        gauges: Mapping[str, str] = NO_GAUGES,
    ) -> None:
        self._addresses = addresses
        self._path = path
        self._business = business
        self._gauges = gauges
        self._tallies: dict[Version, _Tally] = {}
        self._readers = ThreadPoolExecutor(READERS_MAX, "metrics")
        self._odd: set[Version] = set()

    async def aclose(self) -> None:
        """Read no more."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def read(self, version: Version) -> Arm:
        """The means counted since this object was made, or since the instances started, whichever is longer ago.

        A good counter without a series is zero when the total has one; a share whose total has none is left out:
        it is unknown. Raises Temporary when one of the instances cannot be read or there is none, Permanent
        when an instance has no such page or what it says is not metrics.
        """
        business = self._business(version)
        if not business and not self._gauges:
            return Arm()
        addresses = self._addresses(version)
        if not addresses:
            raise Temporary(f"{version} has no running instance whose metrics could be read")
        path, tally = self._path(version), self._tally(version)
        names = _names(business.values(), self._gauges.values())
        pages = await asyncio.gather(
            *(self._page(address, path, names) for address in addresses), return_exceptions=True
        )
        gauges: dict[str, dict[str, float]] = {name: {} for name in self._gauges}
        for address, page in zip(addresses, pages, strict=True):
            if isinstance(page, Page):
                self._say_odd(version, address, page)
                for name, share in business.items():
                    tally.add(address, name, _counted(address, page, share))
                for name, wanted in self._gauges.items():
                    gauges[name] |= _shown(address, page, wanted)
        for page in pages:
            if isinstance(page, BaseException):
                raise page
        found = {name: shown for name, shown in gauges.items() if shown}
        return Arm(means=tally.means(), gauges=found)

    async def _page(self, address: str, path: str, names: Collection[str]) -> Page:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, _read, address, path, names)

    def _say_odd(self, version: Version, address: str, page: Page) -> None:
        """Say once of a version that lines of its page are no metrics: what they count is in no share."""
        if page.skipped and version not in self._odd:
            self._odd = {*list(self._odd)[-VERSIONS_MAX:], version}
            _log.warning(
                "the metrics of %s at %s: %d lines left out; %s", version, address, page.skipped, page.odd
            )

    def _tally(self, version: Version) -> _Tally:
        """The tally of `version`; those of the versions read longest ago are forgotten."""
        tally = self._tallies.pop(version) if version in self._tallies else _Tally()
        self._tallies[version] = tally
        while len(self._tallies) > VERSIONS_MAX:
            del self._tallies[next(iter(self._tallies))]
        return tally


def _counted(address: str, page: Page, share: Business) -> Counted:
    try:
        cases, good = total(page.series, selector(share.total)), total(page.series, selector(share.good))
    except ValueError as error:
        raise Permanent(f"the metrics of {address}: {error}") from error
    return Counted(good or 0.0, cases or 0.0, cases is not None)


def _shown(address: str, page: Page, wanted: str) -> dict[str, float]:
    """What one instance shows; nothing while it has no such series."""
    try:
        value = total(page.series, selector(wanted))
    except ValueError as error:
        raise Permanent(f"the metrics of {address}: {error}") from error
    return {} if value is None else {address: value}


def _names(business: Collection[Business], gauges: Collection[str]) -> frozenset[str]:
    """The metrics that are asked about. Raises Permanent."""
    texts = [text for share in business for text in (share.good, share.total)]
    try:
        return frozenset(selector(text).name for text in (*texts, *gauges))
    except ValueError as error:
        raise Permanent(str(error)) from error


def _read(address: str, path: str, names: Collection[str]) -> Page:
    body = _get(address, path)
    try:
        return parse(body, names)
    except ValueError as error:
        raise Permanent(f"http://{address}{path} does not give metrics: {error}") from error


def _get(address: str, path: str) -> bytes:
    host, _, port = address.rpartition(":")
    headers = {"host": address, "accept": "text/plain;version=0.0.4"}
    try:
        connection = socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S)
        status, body = ask_once(
            connection,
            "GET",
            path,
            None,
            headers,
            within_s=PAGE_MAX_S,
            max_bytes=PAGE_MAX_BYTES,
        )
    except (OSError, NoAnswer) as error:
        raise Temporary(f"http://{address}{path} cannot be read: {error}") from error
    if status == HTTPStatus.NOT_FOUND:
        raise Permanent(f"http://{address}{path} does not exist (404): is the path of the metrics right?")
    if status != HTTPStatus.OK:
        raise Temporary(f"http://{address}{path} answered {status}")
    return body


def create(wires: Wires) -> ScrapeSignals:
    """The plugin's factory: which shares to read is in each version's configuration, which gauges in the settings.

    Whoever declares it as a source has gauges of it alone: the shares are read by the one that every home has.
    """
    gauges = settings_of(wires, Settings).gauges

    def business(version: Version) -> Mapping[str, Business]:
        if wires.name:
            return {}
        declared = wires.artifacts.configuration(version.configuration).business
        return {name: Business(good, total) for name, (good, total) in declared.items()}

    def path(version: Version) -> str:
        return wires.artifacts.configuration(version.configuration).metrics_path

    return ScrapeSignals(
        wires.addresses, lru_cache(VERSIONS_MAX)(path), lru_cache(VERSIONS_MAX)(business), gauges
    )
