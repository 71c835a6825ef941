"""Two lines of one kind have one fingerprint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.kit.novelty import FINGERPRINT_MAX, LINE_MAX, fingerprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 17 failed after 1.5 s", "order 4711 failed after 22 s"),
        ("user 'ann' not found", "user 'bob smith' not found"),
        ('no such key "a\\"b"', 'no such key "c"'),
        ("cannot open /var/lib/a/1.txt: gone", "cannot open /srv/b.txt: gone"),
        ("trace 7f3a9bc01d22 ended", "trace 00ff17ab3c44 ended"),
        ("job 1b4e28ba-2fa1-11d2-883f-0016d3cca427 lost", "job 6fa459ea-ee8a-3ca4-894e-db77e160355e lost"),
        ("at 0x7ffd1 in frame", "at 0x11 in frame"),
        ("GET https://a.example/x?y=1 timed out", "GET https://b.example/ timed out"),
        ("mail to a@b.example bounced", "mail to cc@d.example bounced"),
        ("Timeout   Error", "timeout error"),
        ("2026-01-02T03:04:05.678Z broken pipe", "2026-11-12T13:14:15.999Z broken pipe"),
        ("from 10.0.0.1:5432: reset", "from 192.168.17.4:80: reset"),
    ],
)
def test_particulars_do_not_count(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("connection refused", "connection reset"),
        ("NullPointerException in Cart", "NullPointerException in Order"),
        ("can't open socket", "can't close socket"),
        ("decade facade", "facade decade"),
    ],
)
def test_kinds_differ(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


@given(st.text(max_size=3000))
def test_any_text_has_a_short_and_steady_one(text: str) -> None:
    found = fingerprint(text)
    assert len(found) <= FINGERPRINT_MAX
    assert found == fingerprint(text[:LINE_MAX])


def test_long_lines_take_no_time() -> None:
    for nasty in ('"' * 5000, "'a\\" * 2000, "a" * 5000, "/" * 5000, "0a" * 3000, "a.b@" * 1500):
        assert len(fingerprint(nasty)) <= FINGERPRINT_MAX
