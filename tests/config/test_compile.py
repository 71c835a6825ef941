"""From the checked project to the core's nouns."""

import dataclasses
from pathlib import Path

import msgspec
import pytest

from headgate import config
from headgate.config import ConfigError, configuration, intent, load, load_text, policies
from headgate.config.compile import ANSWERED, DEFAULT_STAGES
from headgate.config.models.time_of_day import offsets_of
from headgate.core.model import (
    PRIVATE,
    CommandCheck,
    Hours,
    HttpCheck,
    JsonExpectation,
    Listener,
    Match,
    OneWay,
    PathLimits,
    ProxyRules,
    SecretSource,
    Stage,
    Sticky,
    TcpCheck,
    TimeLimits,
    Unit,
    Version,
)
from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.release.planning import Policies
from tests.config.example import project_text

REFERENCE = Path(config.__file__).with_name("reference.yaml")
VERSION = Version(Unit("shop", "production", "web"), "a" * 64, "b" * 64)


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/app.toml").write_text("a = 'é'\n", "utf-8")
    return tmp_path


def test_how_the_reference_runs(root: Path) -> None:
    found = configuration(load(REFERENCE), "production", "web", root)
    assert found.argv == ("python", "main.py", "--port", "{port}")
    assert found.env == {"LOG_LEVEL": "warning"}
    assert found.secrets == {
        "DATABASE_URL": SecretSource("file", "/run/secrets/db"),
        "API_KEY": SecretSource("env", "SHOP_API_KEY"),
    }
    assert found.files == {"config/app.toml": "a = 'é'\n"}
    assert found.memory_max_bytes == 512 * 1024 * 1024
    assert (found.stop.signal, found.stop.grace_s, found.logs.size_max_bytes, found.logs.keep) == (
        "TERM",
        10,
        10**7,
        5,
    )
    assert found.metrics_path == "/metrics"
    assert found.business["orders_per_checkout"] == ("shop_orders_completed_total", "shop_checkouts_total")
    startup, readiness, liveness = found.probes.startup, found.probes.readiness, found.probes.liveness
    assert startup is not None
    assert readiness is not None
    assert liveness is not None
    assert (startup.check, startup.failure_threshold) == (HttpCheck("/healthz/startup"), 30)
    assert (readiness.timeout_s, readiness.period_s) == (0.5, 1.0)
    assert isinstance(readiness.check, HttpCheck)
    assert readiness.check.json == (JsonExpectation("$.status", "ok"),)
    assert readiness.check.status == (200,)
    assert liveness.check == TcpCheck()
    checkout = found.smoke[0]
    assert checkout.requests[0] == HttpCheck(
        "/cart",
        "POST",
        {"x-smoke": "1", "content-type": "application/json"},
        '{"item":1}',
        (200, 201),
        save={"cart": "$.cart"},
    )
    assert checkout.requests[1].body == '{"cart": "{cart}"}'
    assert found.smoke[1].command == ("python", "check.py", "--database")
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


def test_how_the_reference_is_released() -> None:
    found = intent(load(REFERENCE), "production", "web", VERSION, "v2")
    assert found.unit == Unit("shop", "production", "web")
    assert (found.candidate, found.label, found.instances) == (VERSION, "v2", 4)
    rules = ProxyRules(
        trusted=(*PRIVATE, "203.0.113.0/24"),
        paths=(PathLimits("/events/", TimeLimits(None, None)), PathLimits("/reports", TimeLimits(600.0))),
    )
    assert found.listener == Listener(8080, "127.0.0.1", 8081, "x-headgate-preview", rules)
    rollout = found.rollout
    assert (rollout.soak_s, rollout.warm_s, rollout.drain_s) == (30, 600, 10)
    assert rollout.sticky == Sticky("cookie", "hg_arm", 3600)
    assert rollout.stages == (
        Stage(
            matches=(Match("header", "x-internal", "1"), Match("cookie", "beta", "yes")), bake_s=10, smoke=()
        ),
        Stage(mirror=10, bake_s=10),
        Stage(weight=5, bake_s=30, smoke=("checkout",)),
        Stage(weight=50, bake_s=60, deadline_s=300),
        Stage(pause="look at the dashboard"),
        Stage(until=Hours(22 * 60, 6 * 60, "Europe/Berlin", offsets_of("Europe/Berlin"))),
    )
    judge = found.judge
    assert judge.of(ErrorRatio) == (ErrorRatio(1.25, 0.01, 2.0),)
    assert Latency(0.999, 2000.0, None) in judge.criteria
    assert len(judge.of(Latency)) == 5
    orders, other = judge.of(MeanCriterion)[:2]
    assert orders == MeanCriterion("orders_per_checkout", higher_is_better=True, margin=0.2, limit=0.9)
    assert other.limit == 0.05
    assert (judge.alpha, judge.requests_min, judge.interval_s, judge.no_data_after_s) == (0.01, 50, 0.5, 30.0)
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


def test_what_is_not_said_is_what_the_core_holds_good() -> None:
    found = intent(load_text(project_text(), "x"), "production", "web", VERSION)
    assert found.judge == JudgeSpec((ErrorRatio(), Latency(), ANSWERED), external=True)
    assert found.rollout.stages == DEFAULT_STAGES
    assert found.listener == Listener(8080)


def test_every_key_of_the_proxy() -> None:
    text = project_text(
        "proxy: {trusted: 10.1.2.3, protocol: h2c, timeouts: {answer: 1m, idle: off, total: 1h}, "
        "paths: {/a: {answer: off}}, limits: {head: 8KiB, body: 1MB}, upgrades: [], "
        "keep_alive: {clients: off, instances: off}, default_host: shop}"
    )
    found = intent(load_text(text, "x"), "production", "web", VERSION).listener.proxy
    assert found == ProxyRules(
        trusted=("10.1.2.3/32",),
        protocol="h2c",
        limits=TimeLimits(60.0, None, 3600.0),
        paths=(PathLimits("/a", TimeLimits(None, None, 3600.0)),),
        head_max_bytes=8192,
        body_max_bytes=1_000_000,
        upgrades=(),
        client_idle_s=None,
        instance_idle_s=None,
        default_host="shop",
    )


def test_short_forms_of_criteria() -> None:
    text = project_text("criteria: {error_ratio: off, p99: off}")
    assert intent(load_text(text, "x"), "production", "web", VERSION).judge == JudgeSpec(
        (ANSWERED,), external=True
    )
    text = project_text("criteria: {error_ratio: 1%, p95: 200ms}")
    judge = intent(load_text(text, "x"), "production", "web", VERSION).judge
    assert judge == JudgeSpec((ErrorRatio(max=0.01), Latency(0.95, 200.0), ANSWERED), external=True)


@pytest.mark.parametrize(("written", "expected"), [("20%", 0.2), ("90%", 0.9), ("0%", 0.0)])
def test_what_is_kept_for_deadlines_and_instances_that_are_alike(written: str, expected: float) -> None:
    text = project_text(f"criteria: {{deadline_share: {written}, exchangeable: true}}")
    judge = intent(load_text(text, "x"), "production", "web", VERSION).judge
    assert (judge.deadline_share, judge.exchangeable, judge.external) == (expected, True, True)


def test_not_all_is_kept_for_deadlines() -> None:
    with pytest.raises(ConfigError, match="95%"):
        load_text(project_text("criteria: {deadline_share: 95%}"), "x")


def test_policies() -> None:
    text = project_text(
        after="environments:\n  staging:\n  live: {production: true, gates: [freeze], on_no_data: roll_back}\n"
    )
    project = load_text(text, "x")
    assert policies(project, "staging") == Policies(production=False)
    assert policies(project, "live") == Policies(production=True, gates=("freeze",), on_no_data="roll_back")
    assert policies(load_text(project_text(), "x"), "production") == Policies()


def test_environments_change_services() -> None:
    text = project_text(
        "env: {A: 0644, B: 1.10, C: true}",
        "secrets: {KEY: {file: /run/key}}",
        "probes: {readiness: {http: /ready, every: 5s}, liveness: tcp}",
        "rollout: {steps: [{weight: 5%, bake: 1m}]}",
        after="""environments:
  staging:
    services:
      web:
        env: {A: null, D: 017}
        secrets: {KEY: {env: KEY}}
        probes: {readiness: {command: check}, liveness: null}
        rollout: {steps: [{weight: 50%, bake: 1s}]}
""",
    )
    project = load_text(text, "x")
    found = configuration(project, "staging", "web", Path())
    assert project.services["web"].env == {"A": "0644", "B": "1.10", "C": "true"}
    assert found.env == {"B": "1.10", "C": "true", "D": "017"}
    assert found.secrets == {"KEY": SecretSource("env", "KEY")}
    assert found.probes.readiness is not None
    assert found.probes.readiness.check == CommandCheck(("check",))
    assert found.probes.readiness.period_s == 5.0
    assert found.probes.liveness is None
    assert intent(project, "staging", "web", VERSION).rollout.stages == (Stage(weight=50, bake_s=1.0),)


def test_a_service_can_be_left_out_of_an_environment() -> None:
    job = "  job: {artifact: dist, run: job, listen: 8081}\n"
    text = project_text(after=f"{job}environments: {{dev: {{services: {{job: }}}}, live: }}\n")
    project = load_text(text, "x")
    assert set(project.environments["dev"].services) == {"web"}
    assert set(project.environments["live"].services) == {"web", "job"}


def test_unknown_names_are_answered_with_the_nearest() -> None:
    project = load(REFERENCE)
    with pytest.raises(ConfigError) as caught:
        policies(project, "prodution")
    problem = dataclasses.replace(caught.value.problems[0], file="reference.yaml")
    assert str(problem).endswith(
        ": there is no environment `prodution`; expected one of `production` and `staging`; did you mean `production`?"
    )
    assert problem.source == "environments:"
    with pytest.raises(ConfigError, match="there is no service `wed`"):
        intent(project, "staging", "wed", VERSION)


def test_files_are_read_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_text("x" * 1_100_000)
    (tmp_path / "outside").symlink_to("/etc/hostname")
    text = project_text("files:", "  a: missing", "  b: binary", "  c: large", "  d: outside", "  e: .")
    with pytest.raises(ConfigError) as caught:
        configuration(load_text(text, "headgate.yaml"), "production", "web", tmp_path)
    assert [(problem.line, problem.column, problem.what) for problem in caught.value.problems] == [
        (9, 10, "there is no file `missing`"),
        (10, 10, "`binary` is not text"),
        (11, 10, "with `large`, the files are too large"),
        (12, 10, "`outside` leads out of the project's folder"),
        (13, 10, "`.` cannot be read: Is a directory"),
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("{no_slower_than: 20ms}", Latency(0.99, None, 1.0, 1.0, 20.0)),
        ("{no_slower_than: 20ms, no_worse_than: 1.5x}", Latency(0.99, None, 1.5, 1.0, 20.0)),
        ("{no_worse_than: 2x}", Latency(0.99, None, 2.0)),
    ],
)
def test_margins_of_latency(said: str, expected: Latency) -> None:
    text = project_text(f"criteria: {{p99: {said}}}")
    assert intent(load_text(text, "x"), "production", "web", VERSION).judge.of(Latency) == (expected,)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("", None),
        ("\n    rollback: {one_way: a new format}", OneWay("a new format")),
        ("\n    rollback: {one_way: a new format, after: promote}", OneWay("a new format")),
        ("\n    rollback: {one_way: a new format, after: 25%}", OneWay("a new format", 25)),
    ],
)
def test_a_declared_end_of_going_back(declared: str, expected: OneWay | None) -> None:
    text = (
        "headgate: 1\nproject: shop\nservices:\n  web:\n    artifact: dist\n    run: serve\n    listen: 8080"
    )
    found = intent(load_text(f"{text}{declared}\n", "headgate.yaml"), "production", "web", VERSION)
    assert found.one_way == expected
