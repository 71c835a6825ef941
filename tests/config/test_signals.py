"""Sources of signals in a project file: what does not stand in the golden files of `broken/`."""

import pytest

from headgate.config import ConfigError, load_text
from headgate.config.compile import intent
from headgate.core.model import Source, Unit, Version
from headgate.core.model.criteria import MeanCriterion
from headgate.ports.registry import names

WEB = Version(Unit("shop", "production", "web"), "a" * 64, "b" * 64)


def project(signals: str, criteria: str = "{}") -> str:
    return (
        "headgate: 1\nproject: shop\nservices:\n  web:\n    artifact: dist\n    run: main\n    listen: 1\n"
        f"    signals: {{mesh: {signals}}}\n    criteria: {criteria}\n"
    )


@pytest.mark.parametrize(
    ("signals", "says"),
    [
        ("{source: promethius, url: x}", "there is no plugin `promethius`"),
        ("{url: x}", "the key `source` is missing"),
    ],
)
def test_a_plugin_that_there_is_not_is_told_with_those_there_are(signals: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(project(signals), "x.yaml")
    (problem,) = caught.value.problems
    assert problem.what == says
    assert problem.line == 8
    assert all(f"`{name}`" in problem.expected for name in names("signals"))


def test_what_the_plan_carries() -> None:
    text = project(
        "{source: prometheus, url: 'http://p:1', template: istio, timeout: 250ms, token: {file: /run/token},"
        " means: {paid: {good: a_total, total: b_total}}}",
        "{measured_by: mesh, business: {paid: {from: mesh, max: 5%, higher_is_better: false}}}",
    )
    found = intent(load_text(text, "x.yaml"), "production", "web", WEB)
    settings = {
        "url": "http://p:1",
        "template": "istio",
        "timeout_s": 0.25,
        "token": {"kind": "file", "name": "/run/token"},
        "means": {"paid": {"good": "a_total", "total": "b_total"}},
    }
    assert found.sources == (Source("mesh", "prometheus", settings),)
    assert found.measured_by == "mesh"
    assert [mean.name for mean in found.judge.of(MeanCriterion)] == ["paid", "answered"]


def test_no_literal_secret_is_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(
            project("{source: prometheus, url: 'http://p:1', template: istio, token: hunter2}"), "x.yaml"
        )
    assert "a secret is named here, never written" in str(caught.value)
    assert "hunter2" not in caught.value.render()
