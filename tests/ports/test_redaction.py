"""No secret in any form that libraries make of it, in what is written; and nothing else is taken out."""

import json
import logging
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.controller.journal import JsonLines
from headgate.core.model import SecretSource
from headgate.ports.errors import Permanent, Temporary
from headgate.ports.redaction import STRUCK, Redaction
from headgate.ports.secrets import read_secret
from headgate.web.http.problems import Problem
from tests.planted import SECRETS, forms, traces

AROUND = 'GET https://api.example.com/v1 answered 401 ({}); "retry" in 5 s'


@pytest.mark.parametrize("name", SECRETS)
def test_every_form_is_struck(name: str) -> None:
    secret = SECRETS[name]
    redaction = Redaction({"KEY": secret})
    for form in forms(secret):
        cleaned = redaction.clean(AROUND.format(form))
        assert not traces(secret, cleaned), (form, cleaned)
        assert "<secret KEY>" in cleaned, (form, cleaned)
        assert cleaned.startswith("GET https://api.example.com/v1 answered 401 (")
        assert cleaned.endswith('"retry" in 5 s')


@pytest.mark.parametrize("line", SECRETS["lines"].splitlines())
def test_each_line_of_it_is_a_secret_too(line: str) -> None:
    redaction = Redaction(unnamed=[SECRETS["lines"]])
    for form in forms(line):
        assert not traces(line, redaction.clean(AROUND.format(form))), form


@given(st.text(min_size=8, max_size=40), st.text(max_size=20), st.text(max_size=20))
@example("\\n\\n\\n\\n", "", "")
@example("%41%41%41", "", "")
@example("&amp;&amp;", "", "")
@example("++++++++", "a", "b")
def test_whatever_it_is_made_of(secret: str, before: str, after: str) -> None:
    redaction = Redaction(unnamed=[secret])
    if not secret.strip():
        return
    for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]):
        assert secret.strip() not in redaction.clean(f"{before}{form}{after}").replace(STRUCK, "")


@given(st.text(alphabet="abcdefghij %\\&=/+\n", max_size=200))
def test_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert Redaction(unnamed=["pl4nted-token-9f3c", "7312", "0"]).clean(text) == text


def test_short_ones_are_struck_only_where_they_stand_alone() -> None:
    redaction = Redaction(unnamed=["on", "k9z1"])
    assert (
        redaction.clean("connection on, k9z1 and xk9z1x") == f"connection {STRUCK}, {STRUCK} and x{STRUCK}x"
    )


def test_the_longer_one_goes_where_one_is_within_another() -> None:
    redaction = Redaction({"LONG": "hunter2-hunter2", "SHORT": "hunter2"})
    assert redaction.clean("hunter2-hunter2 and hunter2") == "<secret LONG> and <secret SHORT>"


@pytest.mark.parametrize("name", [name for name in SECRETS if name != "windows"])
def test_what_was_read_here_is_in_no_error_no_answer_and_no_log(name: str, tmp_path: Path) -> None:
    secret = SECRETS[name]
    (tmp_path / "key").write_bytes(f"{secret}\n".encode())
    assert read_secret(SecretSource("file", str(tmp_path / "key"))) == secret
    for form in forms(secret):
        told = [
            str(Permanent(form)),
            repr(Temporary(f"no answer: {form}")),
            Problem(503, "x", form).document.detail,
        ]
        record = logging.LogRecord(
            "a", logging.ERROR, "", 1, "broke: %s", (form,), (ValueError, ValueError(form), None)
        )
        record.attributes = {"body": [form, {"more": form}]}
        told.append(json.loads(JsonLines().format(record))["body"])
        told.append(JsonLines().format(record))
        for text in told:
            assert not traces(secret, text), (form, text)
