"""Secrets reach the service, and nothing else: no file of the home, no record, no log, no process list."""

import hashlib
from collections.abc import Callable

import psutil
import pytest

from tests.e2e.town import Town
from tests.planted import SECRETS, traces

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-1"), pytest.mark.timeout(180)]

FROM_FILE = "correct-horse-battery-staple-7261"
FROM_ENVIRONMENT = "tr0ub4dor-and-3-more-words-9184"
TELLS_ALL = """
import base64, html, json, os, sys
from urllib.parse import quote, quote_plus
for value in (os.environ["PLANTED"],):
    for form in (value, repr(value), ascii(value), repr(value.encode()), json.dumps(json.dumps(value)), quote(value),
                 quote_plus(value), html.escape(value), value.encode().hex(),
                 *(base64.b64encode((before + value).encode()).decode() for before in ("", "u", "us"))):
        print("it says", form, file=sys.stderr)
sys.exit(3)
"""
TELLS_A_HASH = """
import hashlib, os
both = os.environ["DB_PASSWORD"] + os.environ["API_KEY"]
Shop.version = hashlib.sha256(both.encode()).hexdigest()[:16]
"""


def test_secrets_reach_the_service_and_nobody_else(new_town: Callable[[], Town]) -> None:
    town = new_town()
    password = town.folder / "db-password"
    password.write_text(FROM_FILE + "\n")
    town.env["SHOP_API_KEY"] = FROM_ENVIRONMENT
    secrets = {"DB_PASSWORD": {"file": str(password)}, "API_KEY": {"env": "SHOP_API_KEY"}}
    label = town.build(main=TELLS_A_HASH)
    town.plan({"secrets": secrets})
    done = town.deploy(label)
    assert done.code == 0, done.said
    expected = hashlib.sha256((FROM_FILE + FROM_ENVIRONMENT).encode()).hexdigest()[:16]
    assert town.answerers() == {expected}
    commands = ("status", "explain", "ledger export --samples", f"plan --artifact {label} --json")
    said = done.said + "".join(town.headgate(*command.split()).said for command in commands)
    shown = "\n".join(" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    for secret in (FROM_FILE, FROM_ENVIRONMENT):
        assert secret not in said
        assert secret not in shown
        assert not [
            file for file in town.home.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()
        ]


@pytest.mark.parametrize("name", ["lines", "quotes", "urlish", "letters"])
def test_what_a_service_makes_of_its_secret_is_in_nothing_that_is_written(
    name: str, new_town: Callable[[], Town]
) -> None:
    town, secret = new_town(), SECRETS[name]
    (town.folder / "planted").write_bytes(f"{secret}\n".encode())
    label = town.build(main=TELLS_ALL)
    town.plan({"secrets": {"PLANTED": {"file": str(town.folder / "planted")}}})
    done = town.deploy(label)
    assert done.code != 0
    assert "it says <secret PLANTED>" in done.said
    commands = ("status", "explain", "ledger export --samples", "history --json")
    said = [done.out + done.err, *(town.headgate(*command.split()).out for command in commands)]
    own = town.home / "versions"  # where the service's own log is
    said += [
        file.read_bytes().decode(errors="replace")
        for file in town.home.rglob("*")
        if file.is_file() and not file.is_relative_to(own)
    ]
    assert len(said) > 5
    for text in said:
        assert not traces(secret, text), text[:2000]
