"""Secrets reach the service, and nothing else: no file of the home, no record, no log, no process list."""

import hashlib
from collections.abc import Callable

import psutil
import pytest

from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-1"), pytest.mark.timeout(180)]

FROM_FILE = "correct-horse-battery-staple-7261"
FROM_ENVIRONMENT = "tr0ub4dor-and-3-more-words-9184"
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
