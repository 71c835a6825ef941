import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.plugins.targets.local.deep_health import findings


def read(document: object) -> list[tuple[str, str, str]]:
    return [(one.check, one.answer, one.evidence) for one in findings(json.dumps(document).encode(), "q")]


def test_the_ietf_draft() -> None:
    document = {
        "status": "fail",
        "version": "1",
        "checks": {
            "cassandra:responseTime": [
                {"componentId": "a", "status": "pass", "observedValue": 250},
                {"componentId": "b", "status": "warn", "output": "slow"},
            ],
            "disk": [{"status": "fail", "output": "full"}],
        },
    }
    assert read(document) == [
        ("q: cassandra:responseTime[0]", "pass", "cassandra:responseTime[0] is pass"),
        ("q: cassandra:responseTime[1]", "warn", "cassandra:responseTime[1] is warn: slow"),
        ("q: disk", "fail", "disk is fail: full"),
    ]


def test_spring_boot() -> None:
    document = {
        "status": "DOWN",
        "components": {
            "db": {"status": "DOWN", "details": {"error": "no route to host"}},
            "ping": {"status": "UP"},
            "mail": {"status": "OUT_OF_SERVICE"},
            "new": {"status": "UNKNOWN"},
        },
    }
    assert read(document) == [
        ("q: db", "fail", 'db is DOWN: {"error": "no route to host"}'),
        ("q: ping", "pass", "ping is UP"),
        ("q: mail", "fail", "mail is OUT_OF_SERVICE"),
        ("q: new", "unknown", "new is UNKNOWN"),
    ]


def test_asp_net() -> None:
    document = {
        "status": "Degraded",
        "totalDuration": "00:00:00.05",
        "entries": {
            "sql": {"status": "Unhealthy", "description": "timeout"},
            "cache": {"status": "Degraded", "data": {}},
            "self": {"status": "Healthy"},
        },
    }
    assert [(name, answer) for name, answer, _ in read(document)] == [
        ("q: sql", "fail"),
        ("q: cache", "warn"),
        ("q: self", "pass"),
    ]


def test_the_plain_one() -> None:
    dependencies = {
        "database": {"status": "failed", "error": "locked"},
        "payments": "ok",
        "mail": True,
        "sms": False,
    }
    assert read({"status": "ok", "dependencies": dependencies}) == [
        ("q: database", "fail", "database is failed: locked"),
        ("q: payments", "pass", "payments is ok"),
        ("q: mail", "pass", "mail is ok"),
        ("q: sms", "fail", "sms is failed"),
    ]


def test_what_the_service_can_do_without_is_a_warning() -> None:
    assert read({"dependencies": {"search": {"status": "down", "required": False}}})[0][1] == "warn"


def test_a_list_of_checks() -> None:
    assert read({"checks": [{"name": "db", "status": "UP"}, {"component": "q", "healthy": False}, 7]}) == [
        ("q: db", "pass", "db is UP"),
        ("q: q", "fail", "q is failed"),
    ]


@pytest.mark.parametrize(
    "body", [b"", b"ok", b"[]", b'"UP"', b'{"status": "UP"}', b'{"checks": 3}', b"\xff\xfe"]
)
def test_what_names_no_dependency_gives_no_finding(body: bytes) -> None:
    assert findings(body, "q") == ()


def test_what_it_says_is_bounded() -> None:
    many = findings(
        json.dumps(
            {"checks": {f"c{n}": {"status": "x" * 10, "error": "e" * 9999} for n in range(999)}}
        ).encode(),
        "q",
    )
    assert len(many) == 50
    assert max(len(one.evidence) for one in many) < 300


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["checks", "status", "details", "dependencies", "x"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_document_is_read(document: object) -> None:
    findings(json.dumps(document).encode(), "q")


@pytest.mark.parametrize(
    "body",
    [
        b'{"dependencies": {"db": {"status": "fail", "error": "\\ud800"}}}',
        b'{"dependencies": {"\\udfff": "fail"}}',
        b'{"dependencies": {"db": {"status": "fail", "error": NaN}}}',
        b'{"dependencies": {"db": ' + b"[" * 100_000,
    ],
)
def test_what_the_ledger_could_not_take_is_no_answer(body: bytes) -> None:
    assert findings(body, "q") == ()
