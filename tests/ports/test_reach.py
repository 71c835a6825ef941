"""The rule for addresses: a table, every form that hides one address in another, and what a home may allow."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.ports.reach import NEAR, NEVER, Bounds, bounds_of, known, literal

OWNER, DOOR = Bounds(), Bounds(public=True)

EVERYBODYS = (
    "93.184.216.34",
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "192.169.0.1",
    "2606:4700::1111",
)
NEAR_BY = (
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "198.18.0.1",
    "192.0.2.1",
)
NOBODYS = (
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%1",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "239.255.255.255",
    "ff02::1",
    "240.0.0.1",
    "255.255.255.255",
    "4000::1",
    "100::1",
    "64:ff9b:1::1",
)


@pytest.mark.parametrize("address", EVERYBODYS)
def test_what_everybody_reaches_both_doors_reach(address: str) -> None:
    assert (OWNER.objection(address), DOOR.objection(address)) == ("", "")


@pytest.mark.parametrize("address", NEAR_BY)
def test_what_is_near_the_host_is_for_its_owner(address: str) -> None:
    assert OWNER.objection(address) == ""
    told = DOOR.objection(address)
    assert address in told
    assert f"headgate up --reach {address}" in told


@pytest.mark.parametrize("address", NOBODYS)
@pytest.mark.parametrize("bounds", [OWNER, DOOR, bounds_of(["0.0.0.0/0", "10.0.0.0/8"]).narrowed()])
def test_some_addresses_are_for_nobody(address: str, bounds: Bounds) -> None:
    assert f"{address} is" in bounds.objection(address)


def test_every_row_of_the_tables_counts() -> None:
    for network, what in NEVER:
        assert what in OWNER.objection(str(network.network_address))
    for network, what in NEAR:
        assert any(
            word in DOOR.objection(str(network[-2 % network.num_addresses])) for word in (what, "metadata")
        )


def test_a_range_is_allowed_and_no_more() -> None:
    bounds = bounds_of(["10.0.0.0/8", "192.168.7.9", "fd12::/16"]).narrowed()
    for address in ("10.9.8.7", "192.168.7.9", "fd12::1", "::ffff:10.1.1.1"):
        assert bounds.objection(address) == "", address
    for address in ("192.168.7.10", "172.16.0.1", "fd13::1", "127.0.0.1", "::ffff:192.168.7.10"):
        assert bounds.objection(address), address


def test_a_name_is_allowed_wherever_it_leads_but_to_what_is_nobodys() -> None:
    bounds = bounds_of(["Prometheus.Internal."]).narrowed()
    assert bounds.objection("10.1.2.3", "prometheus.internal") == ""
    assert bounds.objection("10.1.2.3", "PROMETHEUS.internal.") == ""
    assert "--reach other.internal" in bounds.objection("10.1.2.3", "other.internal")
    assert bounds.objection("10.1.2.3")
    assert "metadata" in bounds.objection("169.254.169.254", "prometheus.internal")


def test_metadata_is_allowed_only_in_so_many_words() -> None:
    wide, exact = bounds_of(["0.0.0.0/0", "::/0"]), bounds_of(["169.254.169.254"])
    assert "--reach 169.254.169.254" in wide.objection("169.254.169.254")
    assert exact.objection("169.254.169.254") == ""
    assert exact.narrowed().objection("::ffff:169.254.169.254") == ""
    assert exact.objection("169.254.169.253")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10.0.0.1/8", "10.0.0.0/8 is meant"),
        ("2130706433", "127.0.0.1 meant"),
        ("0x7f.1", "127.0.0.1 meant"),
        ("", "host's name"),
        ("http://prometheus", "host's name"),
        ("prometheus:9090", "host's name"),
        ("a..b", "host's name"),
        ("*", "host's name"),
        ("10.0.0.0/33", "host's name"),
    ],
)
def test_what_cannot_be_allowed(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be allowed|is no range") as raised:
        bounds_of([text])
    assert said in str(raised.value)


# --- addresses in addresses ------------------------------------------------------------------------------------------

IPV4 = st.ip_addresses(v=4)


def forms(address: ipaddress.IPv4Address) -> dict[str, str]:
    low = int(address)
    six = {
        "mapped": 0xFFFF << 32 | low,
        "6to4": 0x2002 << 112 | low << 80 | 1,
        "nat64": 0x64FF9B << 96 | low,
        "teredo, of a client": 0x2001 << 112 | 0x08080808 << 64 | low ^ 0xFFFFFFFF,
        "teredo, of a server": 0x2001 << 112 | low << 64 | 0x08080808 ^ 0xFFFFFFFF,
    }
    if low > 1:
        six["compatible"] = low
    return {name: str(ipaddress.IPv6Address(value)) for name, value in six.items()}


@given(IPV4)
def test_an_address_in_another_counts_for_what_it_is(address: ipaddress.IPv4Address) -> None:
    for bounds in (OWNER, DOOR):
        plain = bool(bounds.objection(str(address)))
        for name, form in forms(address).items():
            assert bool(bounds.objection(form)) is plain, (name, form)


@given(IPV4)
def test_every_way_to_write_an_ipv4_address_is_the_same(address: ipaddress.IPv4Address) -> None:
    parts = [int(part) for part in str(address).split(".")]
    spellings = [
        str(address),
        f"{address}.",
        f"[::ffff:{address}]",
        str(int(address)),
        hex(int(address)),
        hex(int(address)).upper().replace("X", "x"),
        f"0{int(address):o}",
        ".".join(hex(part) for part in parts),
        ".".join(f"0{part:o}" for part in parts),
        f"{parts[0]}.{parts[1] << 16 | parts[2] << 8 | parts[3]}",
    ]
    for spelling in spellings:
        told = DOOR.objection(literal(spelling))
        assert bool(told) is bool(DOOR.objection(str(address))), spelling


@given(st.ip_addresses())
def test_the_front_door_never_reaches_further_than_the_owner(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if OWNER.objection(str(address)):
        assert DOOR.objection(str(address))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("localhost", "127.0.0.1"),
        ("LOCALHOST.", "127.0.0.1"),
        ("db.localhost", "127.0.0.1"),
        ("[::1]", "::1"),
        ("127.1", "127.0.0.1"),
        ("prometheus.internal", ""),
        ("feed", ""),
        ("dead.beef", ""),
        ("1.2.3.4.5", ""),
        ("256.0.0.1", ""),
        ("127.0.0.1 x", ""),
        ("localhost.example.com", ""),
        ("", ""),
    ],
)
def test_what_a_host_spells(host: str, address: str) -> None:
    assert known(host) == address
