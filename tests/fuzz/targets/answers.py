"""What sources, markers and issuers of others answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from headgate.core.model import Unit, Version
from headgate.kit import json_path
from headgate.kit.marking import decoded, need, remembered
from headgate.kit.refusals import first_words, refusal
from headgate.plugins.issuers.openid import discovery, statement
from headgate.plugins.issuers.openid.issuer import OpenId
from headgate.plugins.issuers.openid.issuer import Settings as OpenIdSettings
from headgate.plugins.issuers.openid.keys import Keys
from headgate.plugins.signals.http_json import create as create_json
from headgate.plugins.signals.scrape.exposition import parse, selector, total
from headgate.plugins.web.client.client import retry_after_s
from headgate.ports.errors import PortError
from headgate.ports.issuer import SignInAttempt
from headgate.ports.web import Answer, Request
from headgate.ports.wires import Wires
from tests.fuzz.running import NOW, OneAnswer, awaited
from tests.fuzz.target import Target

VERSION = Version(Unit("shop", "production", "web"), "a" * 64, "b" * 64)
SECRET = {"kind": "env", "name": "HEADGATE_FUZZ_SECRET"}
SMALL_THINGS = (
    "an empty list or object is three bytes of JSON and 64 or more of Python; the web reads 16 MiB at most"
)
os.environ.setdefault(str(SECRET["name"]), "pl4nted")


def encoded(*documents: object) -> tuple[bytes, ...]:
    return tuple(json.dumps(one).encode() for one in documents)


# --- metrics pages ---------------------------------------------------------------------------------------------------

PAGE = b"""# HELP orders_total Orders.
# TYPE orders_total counter
orders_total{result="completed",shop="a\\"b\\\\c\\nd"} 7 1700000000000
orders_total{result="failed"} 2 # {trace_id="x"} 1 1700000000.0
http_seconds_bucket{le="+Inf"} 1e3
{"a.name", label="x"} NaN
up 1
# EOF
"""


def pages(data: bytes) -> None:
    """As the service's own metrics are read: all names, and some."""
    wanted = selector('orders_total{result="completed"}')
    total(parse(data, {"orders_total"}).series, wanted)
    parse(data)


# --- sources ---------------------------------------------------------------------------------------------------------


def wires(kind: str, settings: dict[str, Any], body: bytes) -> Wires:
    nothing: Any = None
    return Wires(
        Path(),
        nothing,
        nothing,
        lambda _: (),
        name=kind,
        settings=settings,
        web=OneAnswer(body),
        now=lambda: NOW,
    )


@cache
def factory(kind: str) -> Callable[[Wires], Any]:
    """The plugin's factory, by its entry point."""
    (point,) = entry_points(group="headgate.signals", name=kind)
    made: Callable[[Wires], Any] = point.load()
    return made


def inspected(kind: str, settings: dict[str, Any], data: bytes) -> None:
    """Every question of a source, answered with `data`."""
    source = factory(kind)(wires(kind, settings, data))
    awaited(source.inspect(VERSION))
    awaited(source.read(VERSION))


def json_source(data: bytes) -> None:
    source = create_json(wires("json", JSON_SETTINGS, data))
    awaited(source.inspect(VERSION))
    awaited(source.read(VERSION))


JSON_SETTINGS: dict[str, Any] = {
    "url": "https://stats.example/{version}",
    "requests": "$.requests",
    "errors": "$['errors']",
    "means": {"orders": {"good": "$.orders[0].done", "total": "$.orders[-1].begun"}},
}

AT = int(NOW) // 60 * 60 - 240

_URL = "https://vendor.example"
VENDORS: dict[str, tuple[dict[str, Any], tuple[bytes, ...]]] = {
    "datadog": (
        {
            "url": _URL,
            "api_key": SECRET,
            "application_key": SECRET,
            "requests": "sum:a{version:{version}}.as_count()",
        },
        encoded(
            {
                "data": {
                    "attributes": {"series": [{"query_index": 0}], "times": [AT * 1000], "values": [[3.0]]}
                }
            },
            {"errors": "no"},
        ),
    ),
    "dynatrace": (
        {"url": _URL, "token": SECRET, "requests": 'a:filter(eq("v","{version}"))'},
        encoded({"result": [{"data": [{"timestamps": [AT * 1000], "values": [3.0]}], "warnings": []}]}),
    ),
    "cloudwatch": (
        {
            "region": "eu-west-1",
            "access_key_id": SECRET,
            "secret_access_key": SECRET,
            "requests": "SEARCH('{version}', 'Sum')",
        },
        encoded({"MetricDataResults": [{"Id": "q0", "Timestamps": [AT], "Values": [3.0]}], "Messages": []}),
    ),
    "graphite": (
        {"url": _URL, "requests": "sum(a.{version:12}.count)"},
        encoded([{"target": "q0", "datapoints": [[1.0, AT - 60], [3.0, AT], [None, AT + 60]]}]),
    ),
    "newrelic": (
        {
            "url": _URL,
            "account": 1,
            "api_key": SECRET,
            "requests": "SELECT count(*) FROM T WHERE v = '{version}'",
        },
        encoded(
            {
                "data": {
                    "actor": {"account": {"q0": {"results": [{"count": 3}], "metadata": {"timeWindow": {}}}}}
                }
            }
        ),
    ),
    "graylog": (
        {"url": _URL, "token": SECRET, "requests": "v:{version}", "error_lines": "v:{version} AND level:3"},
        encoded(
            {
                "execution": {"done": True},
                "results": {
                    "q0": {
                        "search_types": {
                            "lines": {"total_results": 3, "messages": [{"message": {"message": "x 1"}}]}
                        }
                    }
                },
            }
        ),
    ),
    "elasticsearch": (
        {
            "url": _URL,
            "index": "logs-*",
            "requests": "v:{version}",
            "error_lines": "v:{version}",
            "message_field": "a.b",
        },
        encoded(
            {
                "timed_out": False,
                "_shards": {"total": 1},
                "hits": {"total": {"value": 2}, "hits": [{"_source": {"a": {"b": "boom 7"}}}]},
                "aggregations": {"counts": {"buckets": {"requests": {"doc_count": 3}}}},
            }
        ),
    ),
    "loki": (
        {"url": _URL, "requests": '{v="{version}"}', "error_lines": '{v="{version}"} |= "error"'},
        encoded(
            {"status": "success", "data": {"resultType": "vector", "result": [{"value": [NOW - 10, "3"]}]}},
            {
                "status": "success",
                "data": {"resultType": "streams", "result": [{"values": [["1", "boom 7", {}]]}]},
            },
        ),
    ),
    "influxdb": (
        {
            "url": _URL,
            "api": "v2",
            "organization": "shop",
            "token": SECRET,
            "requests": 'x {time} "{version}"',
        },
        (b"#datatype,string\r\n,result,table,_value\r\n,,0,3\r\n\r\n", b"error,reference\nno,897\n"),
    ),
    "influxql": (
        {
            "url": _URL,
            "api": "v1",
            "database": "m",
            "requests": "SELECT sum(a) FROM b WHERE {time} AND v='{version}'",
        },
        encoded({"results": [{"series": [{"columns": ["time", "sum"], "values": [[AT, 3]]}]}]}),
    ),
    "influxsql": (
        {
            "url": _URL,
            "api": "v3",
            "database": "m",
            "token": SECRET,
            "requests": "SELECT sum(a) FROM b WHERE {time} AND v='{version}'",
        },
        encoded([{"sum": 3}]),
    ),
}
KINDS = {"influxql": "influxdb", "influxsql": "influxdb"}


PROMETHEUS: dict[str, Any] = {
    "url": "https://prometheus.example",
    "requests": 'requests_total{version="{version}"}',
    "errors": 'errors_total{version="{version}"}',
    "latency": 'http_seconds_bucket{version="{version}"}',
}

PROMETHEUS_SOURCE = factory("prometheus")
"""Looked up before anything is timed."""


def prometheus(data: bytes) -> None:
    """The same, with the vector as the answer, and its beginning as the answer's date."""
    for native in (False, True):
        web = OneAnswer(data, {"date": data[:60].decode("latin-1")})
        settings = PROMETHEUS | ({"native": True, "unit": "s"} if native else {})
        made = replace(wires("prometheus", settings, data), arm=lambda _: "arm", web=web)
        source = PROMETHEUS_SOURCE(made)
        awaited(source.inspect(VERSION))
        try:
            awaited(source.read(VERSION))
        except PortError:
            if native:
                raise


def vendor(name: str, settings: dict[str, Any], seeds: Sequence[bytes]) -> Target:
    kind = KINDS.get(name, name)
    place = factory(kind).__module__.removeprefix("headgate.").replace(".", "/")
    modules = (
        place,
        "kit/vendor",
        "kit/points",
        "kit/windows",
        "kit/novelty",
    )
    return Target(
        name, partial(inspected, kind, settings), (PortError,), modules, lambda: seeds,
        memory_times=60, because=SMALL_THINGS,
    )  # fmt: skip


# --- what markers and the web read -----------------------------------------------------------------------------------


def marks(data: bytes) -> None:
    """What a marker makes of an answer, and of the reference that it left itself."""
    answer, request = (
        Answer(200, {}, data),
        Request("GET", "https://marks.example/a?b=c", secrets=("pl4nted",)),
    )
    text = data.decode(errors="replace")
    remembered(text)
    first_words(data, ("pl4nted",))
    refusal(request, 500, data)
    retry_after_s(text, NOW)
    for one in [] if data[:1] == b"{" else decoded(answer, list[dict[str, Any]], "Vendor"):
        need(one, "id", "Vendor")
    need(decoded(answer, dict[str, Any], "Vendor"), "id", "Vendor")


def paths(data: bytes) -> None:
    """A document and a path in it, one after the other."""
    path, _, document = data.decode(errors="replace").partition("\n")
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        value = {"a": [{"b": 1}]}
    json_path.find(value, path)


# --- who people are --------------------------------------------------------------------------------------------------

ISSUER, CLIENT = "https://issuer.example", "headgate"


def documents(data: bytes) -> None:
    """The issuer's document, its keys, and what its token endpoint answers: each as these bytes."""
    web = OneAnswer(data)
    openid = OpenId(OpenIdSettings(ISSUER, CLIENT), web, lambda: NOW)
    attempt = SignInAttempt("https://here.example/back", "state", "nonce", "verifier")
    try:
        awaited(discovery.discover(web, ISSUER, secret=False))
    except PortError:
        openid._document = SOUND_DOCUMENT
        openid._until = NOW + 1000
    awaited(openid.person(attempt, {"code": "c"}))


SOUND_DOCUMENT = discovery.Document(ISSUER, f"{ISSUER}/auth", f"{ISSUER}/token", f"{ISSUER}/keys")


def statements(data: bytes) -> None:
    """An ID token, and the key that it is said to be signed with."""
    token, _, keys = data.decode(errors="replace").partition("\n")

    async def fetched() -> Sequence[dict[str, Any]]:
        try:
            found = json.loads(keys)
        except (ValueError, RecursionError):
            return []
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    awaited(statement.verified(token, Keys(fetched, lambda: NOW), ISSUER, CLIENT, "nonce"))


def tokens() -> tuple[bytes, ...]:
    import jwt  # noqa: PLC0415 - for seeds only
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from jwt.algorithms import ECAlgorithm  # noqa: PLC0415

    key = ec.derive_private_key(7, ec.SECP256R1())
    public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "k1"}
    claims = {
        "iss": ISSUER,
        "sub": "ada",
        "aud": CLIENT,
        "exp": 2**33,
        "iat": 1,
        "nonce": "nonce",
        "email": "a@b.example",
    }
    signed = jwt.encode(claims, key, "ES256", {"kid": "k1"})
    several = jwt.encode({**claims, "aud": [CLIENT, "b"], "sub": 7}, key, "ES256", {"kid": "k1"})
    return tuple(f"{one}\n{json.dumps([public])}".encode() for one in (signed, several))


SEEDS_OF_PROMETHEUS = encoded(
    {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": {"instance": "a"}, "value": [NOW, str(NOW)]}]},
    },
    {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [
                {"metric": {"le": "0.5", "instance": "a"}, "value": [NOW, "7"]},
                {"metric": {"le": "+Inf", "instance": "a"}, "value": [NOW, "9"]},
                {
                    "metric": {},
                    "histogram": [NOW, {"count": "3", "sum": "1", "buckets": [[0, "0.1", "0.2", "3"]]}],
                },
            ],
        },
    },
    {"status": "error", "error": "no"},
)

TARGETS = (
    Target(
        "metrics-page", pages, (ValueError,), ("plugins/signals/scrape/exposition",), lambda: (PAGE,),
        (b"orders_total", b'{result="completed"}', b"# HELP", b"+Inf", b'le="'),
        ms_per_mb=2000.0, memory_times=60,
        because="read twice here, once for every name; a line is some microseconds, and there are LINES_MAX",
    ),
    Target(
        "json-source", json_source, (PortError,), ("plugins/signals/http_json", "kit/vendor", "kit/points"),
        lambda: encoded({"requests": 7, "errors": 2, "orders": [{"done": 3, "begun": 5}]}),
        memory_times=60, because=SMALL_THINGS,
    ),
    Target(
        "prometheus", prometheus, (PortError,),
        ("plugins/vendors/prometheus/answer", "plugins/vendors/prometheus/histogram",
         "plugins/vendors/prometheus/source", "plugins/vendors/prometheus/histogram"), lambda: SEEDS_OF_PROMETHEUS,
        (b"NaN", b"+Inf", b'"le"', b'"histogram"'), memory_times=60, because=SMALL_THINGS,
    ),
    *(vendor(name, settings, seeds) for name, (settings, seeds) in VENDORS.items()),
    Target(
        "marks", marks, (PortError,), ("kit/marking", "kit/refusals", "plugins/web/client/client"),
        lambda: (*encoded({"id": 7}, [{"id": "x"}], {"web": "12 success"}), b"Wed, 21 Oct 2015 07:28:00 GMT", b"120"),
        floor_ms=120.0, memory_times=100, because=SMALL_THINGS,
    ),
    Target(
        "json-path", paths, (PortError, json_path.Missing), ("kit/json_path",),
        lambda: (b'$.a[0][\'b\']["c"]\n{"a":[{"b":{"c":1}}]}', b"$.a.b\n[]"), (b"['", b'["', b"[0]", b"[-1]", b"$."),
        memory_times=60, because="the document is decoded here, as its reader would have done",
    ),
    Target(
        "openid", documents, (PortError,), ("plugins/issuers/openid/discovery", "plugins/issuers/openid/discovery"),
        lambda: encoded(
            {"issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/a", "token_endpoint": f"{ISSUER}/t",
             "jwks_uri": f"{ISSUER}/k", "id_token": "a.b.c", "keys": [{"kid": "k1", "kty": "EC"}]},
        ),
        memory_times=60, because="the keys are any JSON; an issuer's answer has 256 KiB at most",
    ),
    Target(
        "id-token", statements, (PortError,), ("plugins/issuers/openid/statement", "plugins/issuers/openid/keys"),
        tokens, (b"eyJ", b"..", b'"kty"', b'"EC"', b'"crv"', b'"P-256"', b'"x"'),
        memory_times=60, because="an issuer's answer has 256 KiB at most", input_max=64 * 1024,
    ),
)  # fmt: skip
