"""Counters of this process, as Prometheus text (exposition format 0.0.4)."""

from bisect import bisect_left

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.4, 0.5, 1.0, 2.5, 5.0)

HELP = {
    "shop_carts_total": "Items added to carts.",
    "shop_checkouts_total": "Checkouts asked for.",
    "shop_orders_completed_total": "Orders written and completed.",
    "shop_order_value_cents_total": "The value of completed orders.",
}


class Metrics:
    """Counts since the process began. Labels are few: a route is its pattern, never a path."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._counters = dict.fromkeys(HELP, 0)
        self._requests: dict[tuple[str, str, int], int] = {}
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0

    def count(self, name: str, amount: int = 1) -> None:
        """Add to one of the counters in `HELP`."""
        self._counters[name] += amount

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        key = (method, route, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        self._buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds += seconds

    def render(self) -> str:
        """All of it, as text."""
        lines = ["# HELP shop_build_info The version that runs.", "# TYPE shop_build_info gauge"]
        lines.append(f'shop_build_info{{version="{self._version}"}} 1')
        for name, value in self._counters.items():
            lines += [f"# HELP {name} {HELP[name]}", f"# TYPE {name} counter", f"{name} {value}"]
        lines += ["# HELP shop_requests_total Requests answered.", "# TYPE shop_requests_total counter"]
        for (method, route, status), value in sorted(self._requests.items()):
            lines.append(f'shop_requests_total{{method="{method}",route="{route}",code="{status}"}} {value}')
        return "\n".join([*lines, *self._histogram()]) + "\n"

    def _histogram(self) -> list[str]:
        name = "shop_request_duration_seconds"
        lines = [f"# HELP {name} Time to answer a request.", f"# TYPE {name} histogram"]
        total = 0
        for upper, count in zip((*BUCKETS_S, "+Inf"), self._buckets, strict=True):
            total += count
            lines.append(f'{name}_bucket{{le="{upper}"}} {total}')
        return [*lines, f"{name}_sum {self._seconds:.6f}", f"{name}_count {total}"]
