"""The listener of a service, and how its requests are treated, as the core has it."""

from headgate.config.models import Proxy, Service, Timeouts
from headgate.config.models.proxy import PRIVATE_WORD
from headgate.core.model import PRIVATE, Listener, PathLimits, ProxyRules, TimeLimits


def listener_of(found: Service) -> Listener:
    """Where a service is reached, and how."""
    listen = found.listen
    return Listener(listen.port, listen.host, listen.preview, listen.preview_header, _proxy(found.proxy))


def _proxy(proxy: Proxy) -> ProxyRules:
    trusted = (PRIVATE if one == PRIVATE_WORD else (one,) for one in proxy.trusted)
    return ProxyRules(
        trusted=tuple(dict.fromkeys(network for some in trusted for network in some)),
        protocol=proxy.protocol,
        limits=_limits(proxy.timeouts),
        paths=tuple(
            PathLimits(prefix, _limits(own.over(proxy.timeouts)))
            for prefix, own in sorted(proxy.paths.items())
        ),
        head_max_bytes=proxy.limits.head,
        body_max_bytes=proxy.limits.body,
        upgrades=proxy.upgrades,
        client_idle_s=proxy.keep_alive.clients,
        instance_idle_s=proxy.keep_alive.instances,
        default_host=proxy.default_host,
    )


def _limits(timeouts: Timeouts) -> TimeLimits:
    return TimeLimits(timeouts.answer, timeouts.idle, timeouts.total)
