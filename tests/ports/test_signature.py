"""Against the example of the Standard Webhooks specification's own libraries, and the receiver of docs/markers.md."""

import base64

import pytest

from headgate.kit.signature import signature
from headgate.ports.errors import Permanent
from tests.plugins.markers.verifying import Rejected, verified

KEY = b"0123456789abcdef0123"
BODY = b'{"test": 2432232314}'
PUBLISHED = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330)


def test_the_published_example() -> None:
    headers = signature(*PUBLISHED, BODY)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", [KEY.decode(), f"whsec_{base64.b64encode(KEY).decode()}"])
def test_whoever_receives_it_can_verify_it(secret: str) -> None:
    headers, seen = signature(secret, "m1", 1000.9, BODY), set[str]()
    assert verified(KEY, headers, BODY, 1100.0, seen)
    assert not verified(KEY, headers, BODY, 1100.0, seen), "a message that came before is not new"


@pytest.mark.parametrize(
    ("key", "body", "now"), [(b"another" * 3, BODY, 1000.0), (KEY, BODY + b" ", 1000.0), (KEY, BODY, 2000.0)]
)
def test_what_is_not_ours_or_old_is_rejected(key: bytes, body: bytes, now: float) -> None:
    with pytest.raises(Rejected):
        verified(key, signature(KEY.decode(), "m1", 1000.0, BODY), body, now, set())


@pytest.mark.parametrize("secret", ["short", "whsec_!!!", "whsec_c2hvcnQ="])
def test_what_is_no_key_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(Permanent) as raised:
        signature(secret, "m1", 1000.0, BODY)
    assert secret.removeprefix("whsec_") not in str(raised.value).replace("too short", "")
