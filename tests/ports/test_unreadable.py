"""Whoever decodes foreign bytes raises what it declares, whatever a library raises."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.ask.declared import _remembered
from headgate.ipc.messages import question, reply
from headgate.kit.marking import decoded, remembered
from headgate.kit.vendor import shaped
from headgate.ledger import LedgerError
from headgate.ledger.codec import CODEC, decode_sample, decode_summary, digest_of
from headgate.ledger.spool import FileSpool
from headgate.outbox.book import decoded as book
from headgate.plugins.signals.envoy import _clusters, _instances
from headgate.plugins.targets.local import layout
from headgate.plugins.targets.local.record import Spec
from headgate.plugins.traffic.envoy.files import resources, version_of
from headgate.plugins.vendors.prometheus.answer import read_answer
from headgate.ports.errors import UNREADABLE, PortError, json_of, why
from headgate.ports.notes import read_notes
from headgate.ports.web import Answer
from headgate.web.doors.dispatch import _decoded
from headgate.web.entrance import FILE, Shut, read_entrance
from headgate.web.hooks import alerts, git
from headgate.web.http.problems import Problem

NONE = {
    "no JSON": b"{",
    "another shape": b"7",
    "no UTF-8": b'{"a": "\xff"}',
    "half a surrogate": b'{"a": "\\ud800"}',
    "too deep": b'{"a":' + b"[" * 100_000,
    "too large a number": b'{"a": ' + b"9" * 5000 + b"}",
}


def kept(read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A reader of files, as one of bytes."""

    def reader(data: bytes) -> object:
        FOLDER[0].write_bytes(data)
        return read(FOLDER[0])

    return reader


FOLDER = [Path()]

REFUSING: dict[str, tuple[Callable[[bytes], Any], type[Exception]]] = {
    "a vendor's answer": (lambda data: shaped("it", data, list[str]), PortError),
    "a marker's answer": (lambda data: decoded(Answer(200, {}, data), list[str], "it"), PortError),
    "an answer of Prometheus": (read_answer, PortError),
    "Envoy's counters": (_clusters, PortError),
    "Envoy's clusters": (_instances, PortError),
    "Envoy's files": (kept(resources), PortError),
    "a version of Envoy's": (version_of, PortError),
    "a file of an instance": (kept(lambda path: layout._read(path, Spec)), PortError),
    "an event": (lambda data: CODEC.decode(1, data), LedgerError),
    "a sample": (lambda data: decode_sample(digest_of(data), data), LedgerError),
    "a summary": (decode_summary, LedgerError),
    "a question": (question, ValueError),
    "a reply": (reply, ValueError),
    "a book": (book, ValueError),
    "a body": (lambda data: _decoded(data, list[str]), Problem),
    "alerts": (alerts.read, Problem),
    "news of a push": (lambda data: git.read("github", "push", data), Problem),
    "an entrance": (kept(lambda path: read_entrance(path.parent)), Shut),
}
FORGIVING: dict[str, tuple[Callable[[bytes], Any], object]] = {
    "notes": (kept(lambda path: read_notes(path, int)), ()),
    "a spool": (kept(lambda path: FileSpool(path).read()), ()),
    "what was declared": (kept(_remembered), None),
    "a reference": (lambda data: remembered(data.decode(errors="replace")), {}),
}


@pytest.fixture(autouse=True)
def _file(tmp_path: Path) -> None:
    FOLDER[0] = tmp_path / FILE


@pytest.mark.parametrize("data", NONE.values(), ids=NONE)
@pytest.mark.parametrize("reader", REFUSING)
def test_it_is_refused_as_declared(reader: str, data: bytes) -> None:
    read, raised = REFUSING[reader]
    if (
        reader in ("Envoy's clusters", "an entrance", "a book")
        and data.startswith(b'{"a"')
        and b"[" not in data
    ):
        return  # fields that nobody asked for are not looked at
    with pytest.raises(raised) as caught:
        read(data)
    assert "recursion" not in str(caught.value)


@pytest.mark.parametrize("data", NONE.values(), ids=NONE)
@pytest.mark.parametrize("reader", FORGIVING)
def test_it_counts_as_nothing(reader: str, data: bytes) -> None:
    read, nothing = FORGIVING[reader]
    assert read(data) == nothing or data == NONE["no UTF-8"]


@pytest.mark.parametrize("body", [b'"\\ud800"', b"NaN", b"[-Infinity]", b'"\xff"', b"[" * 100_000, b""])
def test_what_cannot_be_written_down_again_is_no_json(body: bytes) -> None:
    with pytest.raises(UNREADABLE) as caught:
        json_of(body)
    assert why(caught.value)


def test_a_mark_before_json_is_passed_over() -> None:
    assert json_of("\ufeff{}".encode()) == {}
