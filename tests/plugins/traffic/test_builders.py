"""What the builders build, word for word. `HEADGATE_GOLDEN=write` writes the files anew: read the difference."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headgate.core.model import Listener, Match, ProxyRules, Routing, Sticky, Unit, Version
from headgate.plugins.traffic.envoy.bootstrap import Options, bootstrap
from headgate.plugins.traffic.envoy.clusters import cluster, version_of
from headgate.plugins.traffic.envoy.endpoints import address_of, endpoints, socket_address
from headgate.plugins.traffic.envoy.listeners import listeners
from headgate.plugins.traffic.envoy.names import cluster_name, preview_name, unit_name
from headgate.plugins.traffic.envoy.routes import Applied, applied_of, routes
from headgate.ports import Permanent
from tests.plugins.traffic.envoys import UNIT, effect, version

GOLDEN = Path(__file__).parent / "golden"
OPTIONS = Options()
PLACE = Listener(8080, preview_port=8081)
OLD, NEW = version("a"), version("b")
FRESH = msgspec.structs.replace(OLD, fresh=True)
MATCHES = (Match("header", "x-who", "us"), Match("cookie", "who", "a.b"))

ROUTINGS = {
    "nothing-released": Routing(UNIT, PLACE, None),
    "first-release": Routing(UNIT, PLACE, None, NEW, 25),
    "stable": Routing(UNIT, PLACE, OLD),
    "canary-unexposed": Routing(UNIT, PLACE, OLD, NEW),
    "weights": Routing(UNIT, PLACE, OLD, NEW, 25),
    "everything": Routing(UNIT, PLACE, OLD, NEW, 100),
    "matches": Routing(UNIT, PLACE, OLD, NEW, 0, MATCHES),
    "mirror": Routing(UNIT, PLACE, OLD, NEW, 0, mirror=10),
    "sticky-cookie": Routing(UNIT, PLACE, OLD, NEW, 25, sticky=Sticky("cookie", "arm", 600)),
    "fresh": Routing(UNIT, PLACE, OLD, NEW, 25, fresh=FRESH),
    "fresh-over-half": Routing(UNIT, PLACE, OLD, NEW, 60, sticky=Sticky("cookie", "arm", 600), fresh=FRESH),
    "sticky-header": Routing(UNIT, PLACE, OLD, NEW, 25, sticky=Sticky("header", "x-user")),
}


def golden(name: str, built: object) -> None:
    file = GOLDEN / f"{name}.json"
    text = msgspec.json.format(msgspec.json.encode(built), indent=2) + b"\n"
    if os.environ.get("HEADGATE_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text)
    assert file.read_bytes() == text


@pytest.mark.parametrize("name", ROUTINGS)
def test_routes(name: str) -> None:
    golden(f"routes-{name}", routes(Applied(ROUTINGS[name], (effect(1),))))


@pytest.mark.parametrize("name", ROUTINGS)
def test_routes_tell_what_they_were_built_from(name: str) -> None:
    applied = Applied(ROUTINGS[name], (effect(1), effect(7, "r2", 3)))
    built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(routes(applied)))
    assert applied_of(built) == applied
    metadata = built["metadata"]["filter_metadata"]["headgate"]["applied"]
    metadata["routing"]["weight"] = float(metadata["routing"]["weight"])  # protobuf's numbers are doubles
    assert applied_of(built) == applied


def test_listeners() -> None:
    golden("listeners", listeners(UNIT, PLACE, routes_file="/h/rds/unit.json"))


def test_cluster() -> None:
    built = cluster(OLD, ProxyRules(), "http1", endpoints_file="/h/eds/version.json", options=OPTIONS)
    golden("cluster", built)
    assert version_of(built) == OLD
    twin = cluster(FRESH, ProxyRules(), "http1", endpoints_file="/h/eds/fresh.json", options=OPTIONS)
    assert (version_of(twin), twin["name"]) == (FRESH, f"{built['name']}-fresh")


def test_endpoints() -> None:
    built = endpoints(
        "name", ["127.0.0.1:2", "[::1]:1", "127.0.0.1:2"], draining=["127.0.0.1:3", "127.0.0.1:2"]
    )
    golden("endpoints", built)
    found = [one["endpoint"]["address"] for one in built["endpoints"][0]["lb_endpoints"]]
    assert [address_of(address) for address in found] == ["127.0.0.1:2", "[::1]:1", "127.0.0.1:3"]


def test_bootstrap() -> None:
    golden("bootstrap", bootstrap(folder="/h/envoy", admin_socket="/tmp/x/envoy.sock", options=OPTIONS))  # noqa: S108


def test_weights_never_touch_a_listener() -> None:
    built = {
        msgspec.json.encode(listeners(one.unit, one.listener, routes_file="r")) for one in ROUTINGS.values()
    }
    assert len(built) == 1


@pytest.mark.parametrize("address", ["", "127.0.0.1", "127.0.0.1:http", ":80", "shop.test:80"])
def test_an_address_that_envoy_cannot_use_is_refused(address: str) -> None:
    with pytest.raises(Permanent):
        endpoints("name", [address])


def test_localhost_is_an_address() -> None:
    assert socket_address("localhost", 80) == {"socket_address": {"address": "127.0.0.1", "port_value": 80}}


def test_names_are_fit_for_files_and_statistics_and_never_the_same() -> None:
    units = [
        UNIT,
        Unit("shop_production", "web", ""),
        Unit("shop", "production_web", ""),
        Unit("../..", "a.b", "c d/e:ü"),
        Unit("x" * 300, "y", "z"),
        Unit("x" * 300, "y", "w"),
    ]
    names = [
        name for unit in units for name in (unit_name(unit), preview_name(unit), cluster_name(_of(unit)))
    ]
    assert len(set(names)) == len(names)
    for name in names:
        assert len(name) < 120
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def _of(unit: Unit) -> Version:
    return version("a", unit)
