"""What other people's applications need of the proxy, each with one real Envoy."""

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from headgate.core.model import (
    Listener,
    PathLimits,
    ProxyRules,
    Routing,
    TimeLimits,
)
from headgate.ports import Permanent
from tests.plugins.traffic.envoys import (
    UNIT,
    Client,
    World,
    effect,
    free_port,
    get,
    listener,
    until,
    version,
    world,
)
from tests.plugins.traffic.http2 import Channel, GrpcService

pytestmark = pytest.mark.e2e

OLD, NEW = version("a"), version("b")
IMPATIENT = TimeLimits(answer_s=0.3)
CLAIMS = {
    "x-forwarded-for": "203.0.113.9",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "shop.example",
    "x-forwarded-port": "443",
    "x-forwarded-prefix": "/shop",
    "forwarded": 'for=203.0.113.9;proto=https;host="shop.example"',
}


def run(scenario: Callable[[World, Listener], Awaitable[None]], rules: ProxyRules | None = None) -> None:
    async def inside() -> None:
        async with world() as made:
            await made.serve(OLD, NEW)
            place = listener(rules=rules)
            await made.traffic.apply(effect(1), Routing(UNIT, place, OLD))
            await scenario(made, place)

    asyncio.run(inside())


async def raw(
    port: int, sent: bytes, *, source: str = "127.0.0.1", to: str = "127.0.0.1", within_s: float = 10
) -> bytes:
    """Everything that is answered until the proxy hangs up."""
    async with asyncio.timeout(within_s):
        local = (source, 0) if source != "127.0.0.1" else None
        reader, writer = await asyncio.open_connection(to, port, local_addr=local)
        writer.write(sent)
        answer = await reader.read()
        writer.close()
        return answer


def request(path: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    head = [f"{method} {path} HTTP/{version}", "connection: close", *lines, "", ""]
    return "\r\n".join(head).encode()


async def seen_by_the_service(place: Listener, source: str = "127.0.0.1") -> dict[str, str]:
    claims = [f"{name}: {value}" for name, value in CLAIMS.items()]
    answer = await raw(place.port, request("/head", "host: shop.test", *claims), source=source)
    lines = answer.decode().partition("\r\n\r\n")[2].split("\r\n")[1:]
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines if line)}


# --- what is believed of the client -----------------------------------------------------------------------------------


def test_what_a_trusted_hop_says_of_the_client_is_passed_on() -> None:
    async def scenario(_: World, place: Listener) -> None:
        seen = await seen_by_the_service(place)
        expected = CLAIMS | {"x-forwarded-for": "203.0.113.9,127.0.0.1"}
        assert {name: seen.get(name) for name in CLAIMS} == expected

    run(scenario)


def test_what_anybody_else_says_of_the_client_is_replaced() -> None:
    async def scenario(_: World, place: Listener) -> None:
        seen = await seen_by_the_service(place)
        assert {name: seen[name] for name in CLAIMS if name in seen} == {
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-proto": "http",
        }

    run(scenario, ProxyRules(trusted=()))


def test_trust_goes_by_the_address_that_the_connection_comes_from() -> None:
    async def scenario(_: World, place: Listener) -> None:
        assert (await seen_by_the_service(place))["x-forwarded-proto"] == "https"
        stranger = await seen_by_the_service(place, source="127.0.0.2")
        assert (stranger["x-forwarded-proto"], stranger["x-forwarded-for"]) == ("http", "127.0.0.2")
        assert "forwarded" not in stranger

    run(scenario, ProxyRules(trusted=("127.0.0.1/32", "2001:db8::/32")))


def test_nobody_steers_the_proxy_by_headers_whatever_the_address() -> None:
    async def scenario(made: World, place: Listener) -> None:
        steering = {"x-envoy-retry-on": "5xx", "x-envoy-max-retries": "3"}
        assert (await get(place.port, "/status/503", steering))[0] == 503
        assert (await get(place.port, "/slow/0.3", {"x-envoy-upstream-rq-timeout-ms": "50"}))[0] == 200
        assert made.services[OLD][0].requests == 2

    run(scenario)


def test_what_an_instance_has_seen_is_sent_to_no_other() -> None:
    async def scenario(made: World, place: Listener) -> None:
        await made.serve(OLD)
        await made.traffic.refresh(OLD)
        for path, status in (("/reset", 503), ("/garbage", 502), ("/status/503", 503)):
            before = sum(one.requests for one in made.services[OLD])
            assert (await get(place.port, path))[0] == status
            assert sum(one.requests for one in made.services[OLD]) == before + 1, path

    run(scenario)


# --- how long one waits -----------------------------------------------------------------------------------------------


def test_a_stream_that_has_begun_may_be_silent_for_longer_than_an_answer_may_take() -> None:
    async def scenario(_: World, place: Listener) -> None:
        answer = await raw(place.port, request("/events/1", "host: x"))
        assert b"data: 1" in answer
        assert b"data: 2" in answer

    run(scenario, ProxyRules(limits=IMPATIENT))


def test_a_stream_that_is_silent_for_longer_than_its_own_limit_is_cut() -> None:
    async def scenario(_: World, place: Listener) -> None:
        answer = await raw(place.port, request("/events/9", "host: x"))
        assert b"data: 1" in answer
        assert b"data: 2" not in answer

    run(scenario, ProxyRules(limits=TimeLimits(idle_s=0.3)))


def test_an_answer_that_does_not_begin_in_time_is_504_and_its_request_was_sent_once() -> None:
    async def scenario(made: World, place: Listener) -> None:
        await made.serve(OLD)
        await made.traffic.refresh(OLD)
        assert (await get(place.port, "/slow/0.1"))[0] == 200
        status, _, said = await get(place.port, "/slow/9")
        assert status == 504
        assert b"`proxy.timeouts`" in said
        assert sum(one.requests for one in made.services[OLD]) == 2

    run(scenario, ProxyRules(limits=IMPATIENT))


def test_an_upload_may_take_longer_than_an_answer() -> None:
    async def scenario(_: World, place: Listener) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        writer.write(request("/upload", "host: x", "content-length: 8", method="POST"))
        for _part in range(4):
            await asyncio.sleep(0.2)
            writer.write(b"xx")
        assert (await reader.read()).endswith(b"8")
        writer.close()

    run(scenario, ProxyRules(limits=IMPATIENT))


def test_a_limit_on_the_whole_answer_cuts_what_has_begun() -> None:
    async def scenario(_: World, place: Listener) -> None:
        assert b"data: 2" not in await raw(place.port, request("/events/9", "host: x"))

    run(scenario, ProxyRules(limits=TimeLimits(total_s=0.3)))


def test_a_path_has_limits_of_its_own_and_ends_at_a_slash() -> None:
    async def scenario(made: World, place: Listener) -> None:
        assert (await get(place.port, "/slow/0.8"))[0] == 504
        await made.traffic.apply(effect(2), Routing(UNIT, _with(place, "/slow"), OLD))
        assert (await get(place.port, "/slow/0.8"))[0] == 200
        for prefix in (
            "/slo",
            "/slow/9/",
        ):  # a path that only begins with the same letters, and one further down
            await made.traffic.apply(effect(3), Routing(UNIT, _with(place, prefix), OLD))
            assert (await get(place.port, "/slow/0.8"))[0] == 504

    def _with(place: Listener, prefix: str) -> Listener:
        rules = ProxyRules(limits=IMPATIENT, paths=(PathLimits(prefix, TimeLimits(answer_s=5.0)),))
        return Listener(place.port, proxy=rules)

    run(scenario, ProxyRules(limits=IMPATIENT))


def test_a_path_may_be_silent_where_others_may_not() -> None:
    async def scenario(_: World, place: Listener) -> None:
        assert b"data: 2" in await raw(place.port, request("/events/0.8", "host: x"))

    quiet = PathLimits("/events/", TimeLimits(answer_s=None, idle_s=None))
    run(scenario, ProxyRules(limits=TimeLimits(idle_s=0.3), paths=(quiet,)))


def test_no_request_fails_while_rules_change() -> None:
    async def scenario(made: World, place: Listener) -> None:
        changing, served = True, Counter[int]()

        async def load() -> None:
            client = Client(place.port)
            while changing:
                served[(await client.get("/"))[0]] += 1
                await asyncio.sleep(0.002)
            client.close()

        clients = [asyncio.create_task(load()) for _ in range(4)]
        for sequence in range(2, 12):
            rules = ProxyRules(
                trusted=("10.0.0.0/8",) if sequence % 2 else (), head_max_bytes=8192 + sequence
            )
            await made.traffic.apply(effect(sequence), Routing(UNIT, Listener(place.port, proxy=rules), OLD))
        changing = False
        await asyncio.gather(*clients)
        assert set(served) == {200}

    run(scenario)


def test_rules_take_effect_with_their_routing_and_go_with_it() -> None:
    async def scenario(made: World, place: Listener) -> None:
        strict = Listener(place.port, proxy=ProxyRules(trusted=(), body_max_bytes=10))
        for sequence, (where, proto) in enumerate(((strict, "http"), (place, "https")), start=2):
            await made.traffic.apply(effect(sequence), Routing(UNIT, where, OLD))
            assert await made.traffic.observed(UNIT) == Routing(UNIT, where, OLD)
            assert (await seen_by_the_service(place))["x-forwarded-proto"] == proto

    run(scenario)


# --- what is spoken ---------------------------------------------------------------------------------------------------


async def _grpc_only(made: World, *, http1: bool = False) -> GrpcService:
    service = await GrpcService(http1=http1).start()
    made.others[NEW] = service
    return service


async def grpc(
    made: World, rules: ProxyRules | None = None, *, http1: bool = False, sequence: int = 2
) -> tuple[GrpcService, int]:
    """A gRPC server as the canary with everything."""
    service = await _grpc_only(made, http1=http1)
    if rules is not None:
        made.rules[NEW] = rules
    place = listener(rules=rules)
    await made.traffic.apply(effect(sequence), Routing(UNIT, place, OLD, NEW, 100))
    return service, place.port


def test_grpc_is_found_out_and_passed_on_in_every_form() -> None:
    async def scenario(made: World, _: Listener) -> None:
        service, port = await grpc(made)
        channel = await Channel.connected(port)
        head, trailers = await channel.call("Status0")
        assert (head[":status"], head["content-type"], trailers["grpc-status"]) == (
            "200",
            "application/grpc",
            "0",
        )
        assert await channel.status("Status13") == "13"
        assert await channel.status("Only5") == "5"
        number, stream = channel.begin("Echo")
        for sent in (b"one", b"two"):  # each is answered before the next is sent
            channel.message(number, sent)
            await stream.until(data=len(stream.data) + 3)
        channel.message(number, b"end", last=True)
        await stream.until(ended=True)
        assert (stream.data, stream.heads[-1]["grpc-status"]) == (b"onetwoend", "0")
        assert {call["te"] for call in service.calls} == {"trailers"}
        assert {call[":scheme"] for call in service.calls} == {"http"}
        channel.close()

    run(scenario)


def test_a_stream_of_grpc_may_be_silent() -> None:
    async def scenario(made: World, _: Listener) -> None:
        _rpc, port = await grpc(made, ProxyRules(limits=IMPATIENT))
        channel = await Channel.connected(port)
        number, stream = channel.begin("Echo")
        channel.message(number, b"one")
        await stream.until(data=3)
        await asyncio.sleep(0.8)
        channel.message(number, b"two", last=True)
        await stream.until(ended=True)
        assert (stream.data, stream.heads[-1]["grpc-status"]) == (b"onetwo", "0")
        channel.close()

    run(scenario)


def test_an_application_that_speaks_both_is_spoken_to_as_its_clients_speak() -> None:
    async def scenario(made: World, _: Listener) -> None:
        _rpc, port = await grpc(made, http1=True)
        channel = await Channel.connected(port)
        assert await channel.status("Status0") == "0"
        channel.close()
        assert (await get(port))[2] == b"http1"

    run(scenario)


def test_each_version_is_spoken_to_in_its_own_way() -> None:
    async def scenario(made: World, place: Listener) -> None:
        await _grpc_only(made)
        await made.traffic.apply(effect(2), Routing(UNIT, place, OLD, NEW))
        assert (await get(place.port))[2] == b"a"
        channel = await Channel.connected(place.port)
        number, stream = channel.begin("Status0", {place.preview_header: "canary"})
        channel.message(number, last=True)
        await stream.until(ended=True)
        assert stream.heads[-1]["grpc-status"] == "0"
        channel.close()

    run(scenario)


def test_a_version_whose_instances_come_later_is_asked_when_they_are_there() -> None:
    async def scenario(made: World, place: Listener) -> None:
        await made.withdraw(NEW)
        await made.traffic.apply(effect(2), Routing(UNIT, place, OLD, NEW))
        _rpc, port = await grpc(made, sequence=3)
        channel = await Channel.connected(port)
        assert await channel.status("Status0") == "0"
        channel.close()

    run(scenario)


@pytest.mark.parametrize(
    ("declared", "http2", "said"),
    [
        ("http1", True, r"speaks only HTTP/2 without TLS \(as gRPC does\).*write `protocol: h2c`"),
        ("h2c", False, "speaks only HTTP/1.1.*write `protocol: http1`"),
    ],
)
def test_a_protocol_that_the_application_does_not_speak_is_refused(
    declared: str, said: str, *, http2: bool
) -> None:
    async def scenario(made: World, place: Listener) -> None:
        if http2:
            await _grpc_only(made)
        made.rules[NEW] = ProxyRules(protocol="h2c" if declared == "h2c" else "http1")
        with pytest.raises(Permanent, match=said):
            await made.traffic.apply(effect(2), Routing(UNIT, place, OLD, NEW))
        assert await made.traffic.observed(UNIT) == Routing(UNIT, place, OLD)

    run(scenario)


def test_the_way_back_is_not_refused_for_what_stable_declares() -> None:
    async def scenario(made: World, place: Listener) -> None:
        made.rules[NEW] = ProxyRules(protocol="h2c")  # which it does not speak
        await made.traffic.apply(effect(2), Routing(UNIT, place, NEW))
        assert await made.traffic.observed(UNIT) == Routing(UNIT, place, NEW)

    run(scenario)


def test_http_1_0_needs_no_host_and_1_1_does() -> None:
    async def scenario(_: World, place: Listener) -> None:
        answer = await raw(place.port, b"GET /head HTTP/1.0\r\n\r\n")
        assert b" 200 " in answer.split(b"\r\n")[0]
        assert b"host: legacy.test\r\n" in answer
        assert b" 400 " in (await raw(place.port, request("/"))).split(b"\r\n")[0]

    run(scenario, ProxyRules(default_host="legacy.test"))


# --- where it listens, how much it takes ------------------------------------------------------------------------------


def test_all_addresses_are_those_of_both_families() -> None:
    async def scenario(made: World, _: Listener) -> None:
        place = Listener(free_port(), "::", proxy=ProxyRules(trusted=("127.0.0.1",)))
        await made.traffic.apply(effect(2), Routing(UNIT, place, OLD))
        assert (await seen_by_the_service(place))[
            "x-forwarded-proto"
        ] == "https"  # an address of IPv4 is one here, too
        answer = await raw(place.port, request("/", "host: x"), to="::1")
        assert answer.endswith(b"a")

    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    run(scenario)


def test_large_heads_pass_up_to_the_limit() -> None:
    async def scenario(made: World, place: Listener) -> None:
        large = [f"x-{n}: {'v' * 500}" for n in range(110)]
        assert b" 200 " in (await raw(place.port, request("/", "host: x", *large)))[:15]
        assert b" 200 " in (await raw(place.port, request("/large", "host: x")))[:15]
        small = Listener(place.port, proxy=ProxyRules(head_max_bytes=8192))
        await made.traffic.apply(effect(2), Routing(UNIT, small, OLD))
        assert b" 431 " in (await raw(place.port, request("/", "host: x", *large)))[:15]
        made.rules[NEW] = small.proxy
        await made.traffic.apply(effect(3), Routing(UNIT, place, OLD, NEW, 100))
        assert b" 502 " in (await raw(place.port, request("/large", "host: x")))[:15]

    run(scenario)


SIZE = 5_000_000


def chunked(size: int) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size)


def test_uploads_have_no_limit_by_default() -> None:
    async def scenario(_: World, place: Listener) -> None:
        head = request("/upload", "host: x", f"content-length: {SIZE}", method="POST")
        assert (await raw(place.port, head + b"x" * SIZE)).endswith(str(SIZE).encode())
        head = request("/upload", "host: x", "transfer-encoding: chunked", method="POST")
        assert (await raw(place.port, head + chunked(SIZE))).endswith(str(SIZE).encode())

    run(scenario)


def test_an_upload_over_the_limit_is_413_whether_it_says_its_size_or_not() -> None:
    async def scenario(_: World, place: Listener) -> None:
        for size, status in ((1000, b" 200 "), (1001, b" 413 ")):
            head = request("/upload", "host: x", f"content-length: {size}", method="POST")
            assert status in (await raw(place.port, head + b"x" * size))[:15], size
            head = request("/upload", "host: x", "transfer-encoding: chunked", method="POST")
            assert status in (await raw(place.port, head + chunked(size)))[:15], size

    run(scenario, ProxyRules(body_max_bytes=1000))


async def upgraded(port: int, protocol: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = f"host: x\r\nconnection: upgrade\r\nupgrade: {protocol}"
    writer.write(f"GET /upgrade/{protocol} HTTP/1.1\r\n{lines}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " in head:
        await asyncio.sleep(0.8)
        writer.write(b"ping")
        head = await reader.readexactly(4)
    writer.close()
    return head


def test_web_sockets_pass_may_be_silent_and_are_not_mirrored() -> None:
    async def scenario(made: World, place: Listener) -> None:
        await made.traffic.apply(effect(2), Routing(UNIT, place, OLD, NEW, 0, mirror=100))
        assert await upgraded(place.port, "websocket") == b"ping"
        assert made.services[NEW][0].requests == 0

    run(scenario, ProxyRules(limits=IMPATIENT))


def test_other_upgrades_pass_where_they_are_named() -> None:
    async def scenario(made: World, place: Listener) -> None:
        assert b" 403 " in await upgraded(place.port, "tailscale-control-protocol")
        named = Listener(place.port, proxy=ProxyRules(upgrades=("tailscale-control-protocol",)))
        await made.traffic.apply(effect(2), Routing(UNIT, named, OLD))
        assert await upgraded(place.port, "tailscale-control-protocol") == b"ping"

    run(scenario)


def test_an_unused_connection_of_a_client_is_closed_after_its_time() -> None:
    async def scenario(_: World, place: Listener) -> None:
        sent = request("/", "host: x").replace(b"connection: close\r\n", b"")
        assert (await raw(place.port, sent)).endswith(b"a")  # and then the proxy hangs up

    run(scenario, ProxyRules(client_idle_s=0.3))


def test_instances_that_keep_no_connection_get_one_for_each_request() -> None:
    async def scenario(made: World, place: Listener) -> None:
        made.rules[NEW] = ProxyRules(instance_idle_s=None)
        await made.traffic.apply(effect(2), Routing(UNIT, place, OLD, NEW, 100))
        for _ in range(3):
            await get(place.port)
        stats = await made.traffic.admin.stats(r"cluster\..*\.upstream_cx_total")
        (opened,) = [int(count) for name, count in stats.items() if NEW.key in name]
        assert opened == 3
        await until(lambda: made.services[NEW][0].requests == 3)

    run(scenario)
