"""Releases judged from a real Prometheus that scrapes the real Envoy of a real canary."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.cli.demo.prometheus import ProxyMetrics, scraping
from headgate.wiring import open_ledger
from tests.e2e.project import Settings
from tests.e2e.town import Town
from tests.servers import Server, prometheus

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("prometheus")]


@pytest.fixture(scope="module")
def server(shared_town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("prometheus")
    with (
        ProxyMetrics(shared_town.home) as metrics,
        prometheus(folder, scraping(metrics.address)) as running,
    ):
        yield running


def judged_by(server: Server) -> Settings:
    source = {
        "source": "prometheus",
        "url": server.origin,
        "template": "envoy",
        "every": "1s",
        "stale_after": "10s",
    }
    return {"signals": {"prom": source}, "criteria": {"measured_by": "prom", "no_data_after": "40s"}}


def test_a_good_release_is_promoted_and_a_bad_one_rolled_back(town: Town, server: Server) -> None:
    town.plan(judged_by(server))
    with town.customers():
        good = town.deploy(town.build("v2"))
        assert good.code == 0, good.said
        bad = town.deploy(town.build("v5-no-database"))
        assert bad.code == 4, bad.said
    assert "errors" in bad.said
    town.verify()


def test_a_prometheus_that_starts_again_gives_no_false_verdict(town: Town, server: Server) -> None:
    town.plan(
        judged_by(server),
        steps=[{"weight": "50%", "bake": "4s", "deadline": "90s"}],
    )
    with town.customers():
        label = town.build("v2")
        release = town.start("deploy", "--artifact", label, "--json")
        town.comes_to("baking")
        server.stop()
        town.until(lambda: silent(town), "a sample that says that Prometheus is down")
        assert town.phase() == "baking"
        server.start()
        done = release.end()
        assert done.code == 0, done.said
    assert town.stable() == label


def silent(town: Town) -> bool:
    """Whether the newest sample of the newest release has no canary, and says why."""
    ledger = open_ledger(town.home)
    try:
        samples = list(ledger.samples(ledger.summaries(limit=1)[0].release))
    finally:
        ledger.close()
    return bool(samples) and samples[-1].canary is None and "prom" in " ".join(samples[-1].problems)
