"""Text to data: YAML 1.2's words, places, bounds, and nothing but ConfigError whatever the text."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headgate.config import ConfigError, Problem, load, load_text
from headgate.config.compose import compose
from headgate.config.source import SIZE_MAX_BYTES
from headgate.config.tree import locate, plain
from tests.config.example import project_text


def data(text: str) -> object:
    root, faults = compose(text)
    assert root is not None
    assert not faults
    return plain(root)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), ("yes", "yes"), ("off", "off"), ("NO", "NO"), ("y", "y"),
        ("null", None), ("~", None), ("", None), ("12", 12), ("-3", -3), ("0o17", 15), ("0x1f", 31), ("017", "017"),
        ("1:30", "1:30"), ("1_000", "1_000"), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), (".inf", ".inf"),
        (".nan", ".nan"), ("2024-01-01", "2024-01-01"), ("1.2.3", "1.2.3"), ("0", 0), ("+5", 5), ("=", "="),
        ("123456789012345678901234567890", "123456789012345678901234567890"), ("1e999", "1e999"),
        ("'12'", "12"), ('"true"', "true"), ("!!str 12", "12"), ('!!int "12"', 12),
    ],
)  # fmt: skip
def test_plain_words_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = data(f"a: {text}")
    assert found == {"a": value}
    assert isinstance(found, dict)
    assert type(found["a"]) is type(value)


def test_anchors_and_merge_keys() -> None:
    text = "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {<<: [{c: 4}, *x]}\nw: {'<<': 1}\n&k key: *k\n"
    found = data(text)
    assert found == {
        "x": {"a": 1, "b": 2},
        "y": {"a": 1, "b": 3},
        "z": {"c": 4, "a": 1, "b": 2},
        "w": {"<<": 1},
        "key": "key",
    }


def test_keys_are_text_whatever_they_look_like() -> None:
    assert data("1: a\ntrue: b\nnull: c\n") == {"1": "a", "true": "b", "null": "c"}


def test_places_count_from_one_in_characters() -> None:
    root, _ = compose("a: 'é€😀'\nb: {c: 'ö', d: [x, yy]}\r\ne: z\n")
    assert root is not None
    mark = locate(root, ("b", "d", 1))
    assert (mark.line, mark.column, mark.width) == (2, 20, 2)
    assert locate(root, ("e",)).line == 3
    assert locate(root, ("b", "d"), key=True).column == 13
    assert locate(root, ("b", "missing", "far")).line == 2


def test_a_byte_order_mark_means_nothing(tmp_path: Path) -> None:
    path = tmp_path / "headgate.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + project_text().encode())
    assert load(path).project == "shop"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_text("é" * SIZE_MAX_BYTES, "utf-8")
    for path, words in (
        (
            tmp_path / "none.yaml",
            "none.yaml: there is no such file; expected a project file; `headgate init` writes",
        ),
        (tmp_path, "cannot be read"),
        (Path("a\0b"), "cannot be read"),
        (large, "larger than 256KiB"),
    ):
        with pytest.raises(ConfigError, match=words):
            load(path)


def test_an_error_knows_its_parts() -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(project_text("instnaces: 2"), "shop/headgate.yaml")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column, problem.width) == ("shop/headgate.yaml", 8, 5, 9)
    assert problem.what == "the key `instnaces` is unknown"
    assert problem.hint == "did you mean `instances`?"
    assert str(problem).startswith("shop/headgate.yaml:8:5: the key `instnaces` is unknown; expected one of ")
    assert problem.render().endswith("\n    8 |     instnaces: 2\n      |     ^^^^^^^^^")


def test_hostile_nesting_is_refused_at_once() -> None:
    started = time.monotonic()
    for text in ("[" * 100_000, "{a: " * 60_000, "- " * 100_000, "a:\n" + "&a *a\n" * 100):
        with pytest.raises(ConfigError):
            load_text(text, "x")
    assert time.monotonic() - started < 5


def test_a_hundred_errors_are_enough() -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(project_text(*(f"unknown{index}: 1" for index in range(150))), "x")
    assert len(caught.value.problems) == 150
    assert caught.value.render().endswith("... and 50 more")


FRAGMENTS = st.sampled_from(
    [
        "headgate: 1\n", "project: shop\n", "services:\n", "  web:\n", "    artifact: dist\n", "    run: x\n",
        "    listen: 1\n", "    env: {A: b}\n", "    secrets: hunter2\n", "environments:\n", "    needs: [web]\n",
        "  production: {production: true}\n", "- ", ": ", "&a ", "*a", "<<: ", "{", "}", "[", "]", "'", '"', "|\n",
        ">-\n", "\n", "  ", "!!int ", "!x ", "? ", "#", "---\n", "...\n", "%YAML 1.1\n", "\t", "null", "1e400", "5%",
        "30s", "\x85", "\u2028", "\ufeff", "é", "\ud800", "\0", "- {weight: 5%}\n", "  b: *a\n",
        "    rollout: {steps: [{weight: 5%, bake: 1m}]}\n", "    smoke: {a: [{get: '/{b}'}]}\n",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=25).map("".join))
@example("a: &a\n  b: *a\n")
@example("'    secrets: hunter2\n'")
@example("- secrets: hunter2\n")
@example("'': '    secrets: hunter2\n'")
@example("headgate: 1\nproject: a\nservices: {a: &s {artifact: a, run: b, listen: 1}, b: *s}\n")
def test_whatever_the_text_only_config_errors_are_raised(text: str) -> None:
    try:
        project = load_text(text, "fuzz.yaml")
    except ConfigError as error:
        found = error
    else:
        assert project.environments
        return
    assert found.problems
    assert "hunter" not in found.render()
    assert "hunter" not in str(found)


@settings(max_examples=150, deadline=None)
@given(st.text())
def test_arbitrary_text(text: str) -> None:
    with pytest.raises(ConfigError):
        load_text(text, "fuzz.yaml")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**6)
    | st.floats(0, 9)
    | st.sampled_from(["5%", "30s", "/a", "tcp", "off", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "http",
                    "path",
                    "max",
                    "weight",
                    "bake",
                    "file",
                    "env",
                    "port",
                    "get",
                    "a",
                    "cookie",
                    "business",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
KEYS = (
    "artifact", "run", "listen", "instances", "env", "secrets", "files", "memory", "stop", "logs", "metrics", "probes",
    "smoke", "rollout", "criteria", "needs",
)  # fmt: skip


def problems_in(text: str) -> tuple[Problem, ...]:
    try:
        load_text(text, "fuzz.yaml")
    except ConfigError as error:
        return error.problems
    return ()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KEYS), VALUES)
def test_arbitrary_values_of_each_key(key: str, value: object) -> None:
    base = {"artifact": "a", "run": "b", "listen": 80}
    head = {"headgate": 1, "project": "p"}
    service = json.dumps({**head, "services": {"w": {**base, key: value}}})  # JSON is YAML
    change = {"e": {"services": {"w": {key: value}}}}
    changed = json.dumps({**head, "services": {"w": base}, "environments": change})
    assert all(problem.line == 1 for text in (service, changed) for problem in problems_in(text))
