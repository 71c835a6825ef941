"""What the builders build, word for word. `HEADGATE_GOLDEN=write` writes the files anew: read the difference."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headgate.core.model import (
    Listener,
    Match,
    ProxyRules,
    Routing,
    Sticky,
    TimeLimits,
    Unit,
    UpstreamProtocol,
    Version,
)
from headgate.plugins.traffic.envoy.bootstrap import Options, bootstrap
from headgate.plugins.traffic.envoy.clusters import (
    address_of,
    cluster,
    endpoints,
    socket_address,
    unasked,
    version_of,
)
from headgate.plugins.traffic.envoy.listeners import listeners
from headgate.plugins.traffic.envoy.names import cluster_name, preview_name, unit_name
from headgate.plugins.traffic.envoy.routes import Applied, applied_of, routes
from headgate.plugins.traffic.envoy.spoken import Spoken
from headgate.ports import Permanent
from headgate.testing.traffic import RULES
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
    assert applied_of(built, "it") == applied
    metadata = built["metadata"]["filter_metadata"]["headgate"]["applied"]
    metadata["routing"]["weight"] = float(metadata["routing"]["weight"])  # protobuf's numbers are doubles
    assert applied_of(built, "it") == applied


def test_routes_of_a_headgate_that_had_no_rules_yet_are_those_with_the_defaults() -> None:
    applied = Applied(ROUTINGS["weights"], (effect(1),))
    built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(routes(applied)))
    del built["metadata"]["filter_metadata"]["headgate"]["applied"]["routing"]["listener"]["proxy"]
    assert applied_of(built, "it") == applied


def test_rules_are_in_the_listener_and_its_routes() -> None:
    place = msgspec.structs.replace(PLACE, proxy=RULES)
    golden("listeners-rules", listeners(UNIT, place, routes_file="/h/rds/unit.json"))
    golden("routes-rules", routes(Applied(Routing(UNIT, place, OLD, NEW, 25), (effect(1),))))


@pytest.mark.parametrize(
    ("limits", "answer"),
    [
        (TimeLimits(), "120.000s"),
        (TimeLimits(answer_s=None), "3599.000s"),  # a moment before `idle`, which is charged to nobody
        (TimeLimits(answer_s=60.0, idle_s=60.0), "59.000s"),
        (TimeLimits(answer_s=5.0, idle_s=None), "5.000s"),
        (TimeLimits(answer_s=None, idle_s=None), None),
    ],
)
def test_what_hangs_is_charged_whatever_the_limits(limits: TimeLimits, answer: str | None) -> None:
    place = msgspec.structs.replace(PLACE, proxy=ProxyRules(limits=limits))
    (host,) = routes(Applied(Routing(UNIT, place, OLD), ()))["virtual_hosts"]
    assert host["retry_policy"].get("per_try_timeout") == answer


def test_by_default_a_stream_may_be_silent_for_an_hour_and_nothing_is_cut_as_a_whole() -> None:
    (own, _) = listeners(UNIT, PLACE, routes_file="r")
    for chain in own["filter_chains"]:
        assert chain["filters"][0]["typed_config"]["stream_idle_timeout"] == "3600.000s"
    (host,) = routes(Applied(Routing(UNIT, PLACE, OLD), ()))["virtual_hosts"]
    assert {route["route"]["timeout"] for route in host["routes"]} == {"0.000s"}
    assert all("idle_timeout" not in route["route"] for route in host["routes"])


@pytest.mark.parametrize(
    ("declared", "spoken", "upstream"),
    [
        ("auto", "http1", {"explicit_http_config": {"http_protocol_options": {}}}),
        ("auto", "unknown", {"explicit_http_config": {"http_protocol_options": {}}}),
        ("auto", "h2c", {"explicit_http_config": {"http2_protocol_options": {"allow_connect": True}}}),
        ("h2c", "both", {"explicit_http_config": {"http2_protocol_options": {"allow_connect": True}}}),
        ("http1", "both", {"explicit_http_config": {"http_protocol_options": {}}}),
        ("h2c", "", {"explicit_http_config": {"http2_protocol_options": {"allow_connect": True}}}),
    ],
)
def test_instances_are_spoken_to_as_declared_or_else_as_they_speak(
    declared: UpstreamProtocol, spoken: Spoken, upstream: dict[str, Any]
) -> None:
    rules = ProxyRules(protocol=declared)
    built = cluster(OLD, rules, spoken, endpoints_file="e", options=OPTIONS)
    (options,) = built["typed_extension_protocol_options"].values()
    assert upstream.items() <= options.items()
    assert unasked(built) is (spoken == "")


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
