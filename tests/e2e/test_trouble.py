"""The record and the ground it stands on: tampering is found; a busy ledger and a full disk are waited out."""

import json
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.town import Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-2"), pytest.mark.timeout(180)]

DISK_BYTES = 48 * 1024 * 1024
BAKING = [{"weight": "50%", "bake": "3s", "deadline": "100s"}]


def test_a_tampered_artifact_is_refused(town: Town) -> None:
    label = town.build()
    good = town.stable()
    digest = next(artifact.digest for artifact in town.artifacts() if artifact.provenance.label == label)
    file = town.home / "artifacts" / "trees" / digest / "content" / "shop" / "pricing.py"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().replace(b"price", b"prize", 1))
    done = town.deploy(label)
    assert (done.code, done.report["outcome"]) == (3, "refused"), done.said
    assert "shop/pricing.py" in done.report["reason"]
    assert town.answerers() == {good}


def test_a_tampered_ledger_is_found(new_town: Callable[[], Town]) -> None:
    town = new_town()
    town.promoted(town.build())
    assert town.headgate("down").code == 0
    town.verify()
    rewrite_history(town.home / "ledger.sqlite")
    found = town.headgate("ledger", "verify")
    assert found.code == 1
    assert "not what was written" in found.said


def rewrite_history(file: Path) -> None:
    """What nobody should: past the ledger's own triggers, another author for the first release."""
    with sqlite3.connect(file) as ledger:
        for (trigger,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {trigger}")
        (body,) = ledger.execute("SELECT body FROM events WHERE sequence = 1").fetchone()
        changed = body.replace(b'"author":"', b'"author":"not-')
        assert changed != body
        ledger.execute("UPDATE events SET body = ? WHERE sequence = 1", (changed,))
    ledger.close()


def test_a_ledger_that_another_process_locks_is_waited_for(town: Town) -> None:
    new = town.build()
    town.plan(steps=BAKING)
    ledger = sqlite3.connect(town.home / "ledger.sqlite", isolation_level=None)
    with town.customers() as customers:
        command = town.start("deploy", "--artifact", new)
        town.comes_to("baking")
        ledger.execute("BEGIN IMMEDIATE")
        town.until(lambda: "locked" in json.dumps(town.status()["trouble"]), "the release to stand still")
        ledger.execute("ROLLBACK")
        ledger.close()
        done = command.end()
    assert done.code == 0, done.said
    assert "stands still" in done.said
    assert town.answerers() == {new}
    customers.seen.nothing_bad()
    town.verify()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of a few megabytes, where this machine lets us mount one."""
    place = Path(tempfile.mkdtemp(prefix="hg-disk-"))
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "headgate-test", str(place)]
    made = subprocess.run(command, capture_output=True, text=True, check=False) if mount else None
    if made is None or made.returncode != 0:
        place.rmdir()
        pytest.skip(
            f"no small disk can be mounted here: {made.stderr.strip() if made else 'there is no mount'}"
        )
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
    place.rmdir()


def test_a_full_disk_is_waited_out(small_disk: Path, new_town: Callable[..., Town]) -> None:
    town = new_town(home=small_disk / "home")
    town.promoted(town.build())
    new = town.build()
    town.plan(steps=BAKING)
    town.up()
    filler = small_disk / "filler"
    with town.customers() as customers:
        command = town.start("deploy", "--artifact", new)
        town.comes_to("baking")
        fill(filler)
        town.until(lambda: "full" in json.dumps(town.status()["trouble"]), "the release to stand still")
        filler.unlink()
        done = command.end()
    assert done.code == 0, done.said
    assert "stands still" in done.said
    assert town.answerers() == {new}
    customers.seen.nothing_bad()
    town.verify()


def fill(file: Path) -> None:
    """Write until there is no room left."""
    with file.open("wb", buffering=0) as filler:
        try:
            while filler.write(b"\0" * 65536):
                pass
        except OSError:
            return
