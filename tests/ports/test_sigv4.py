"""The vectors of AWS's published `aws-sig-v4-test-suite`, and the example of its documentation."""

from datetime import UTC, datetime

import pytest

from headgate.kit.sigv4 import Credentials, Scope, signed
from headgate.ports.web import Request

PERSON = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
LIST_USERS = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"


@pytest.mark.parametrize(
    ("request_", "service", "signature"),
    [
        (
            Request("GET", "https://example.amazonaws.com/"),
            "service",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            Request("GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1"),
            "service",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            Request("POST", "https://example.amazonaws.com/"),
            "service",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            Request("GET", LIST_USERS, FORM),
            "iam",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ],
    ids=["get-vanilla", "get-vanilla-query-order-key-case", "post-vanilla", "documentation"],
)
def test_the_published_vectors(request_: Request, service: str, signature: str) -> None:
    ready = signed(request_, PERSON, Scope("us-east-1", service), AT)
    assert ready.headers["authorization"].endswith(f"Signature={signature}")
    assert (
        f"Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request" in ready.headers["authorization"]
    )


def test_a_session_token_is_signed_and_a_secret() -> None:
    ready = signed(
        Request("GET", "http://localhost:8000/"), Credentials("id", "key", "tok"), Scope("r", "s"), AT
    )
    assert ready.headers["x-amz-security-token"] == "tok"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token" in ready.headers["authorization"]
    assert ready.headers["host"] == "localhost:8000"
    assert {"key", "tok"} <= set(ready.secrets)


def test_credentials_do_not_show_themselves() -> None:
    assert "key" not in repr(Credentials("id", "key", "tok")).replace("key_id", "")
