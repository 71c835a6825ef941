"""Load goes to this machine, and nowhere else."""

import pytest

from headgate.lab.load import SHOP, Load, NotLoopbackError
from headgate.lab.load.address import parse_address


@pytest.mark.parametrize(
    ("url", "host", "port", "prefix", "authority"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", 8080, "", "127.0.0.1:8080"),
        ("http://127.8.9.10/shop/", "127.8.9.10", 80, "/shop", "127.8.9.10"),
        ("http://localhost:1", "127.0.0.1", 1, "", "localhost:1"),
        ("http://[::1]:8080/", "::1", 8080, "", "[::1]:8080"),
    ],
)
def test_loopback_addresses_are_taken(url: str, host: str, port: int, prefix: str, authority: str) -> None:
    assert parse_address(url) == (host, port, prefix, authority)


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "0.0.0.0",
        "192.168.1.1:8080",
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "127.0.0.1@10.0.0.1",
        "127.1",
        "2130706433",
        "[2001:db8::1]",
        "[::]",
    ],
)
def test_every_other_address_is_refused(host: str) -> None:
    with pytest.raises(NotLoopbackError, match=r"loopback addresses only \(127\.0\.0\.0/8, ::1, localhost\)"):
        Load(
            url=f"http://{host}",
            rate_per_s=1,
            duration_s=1,
            count_max=1,
            concurrency_max=1,
            journeys=SHOP,
        )


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "https://127.0.0.1", "ftp://127.0.0.1", "http://", "http://127.0.0.1/?a=1", ""]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"the URL|expected a URL"):
        parse_address(url)
