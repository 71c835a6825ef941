"""The project's own commands as real processes: cut off, abandoned, late, talkative, and full of secrets."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from headgate.core.model import Command, SecretSource, Version
from headgate.marks import mark_of, marked
from headgate.plugins.targets.local.execute import OUTPUT_MAX
from headgate.plugins.targets.local.layout import slug
from headgate.ports import Permanent
from tests.plugins.processes.daemons import until
from tests.plugins.targets.host import Host, run

pytestmark = [pytest.mark.e2e]


def shell(apply: str, check: str = "test -e made", undo: str = "", limit_s: float = 20.0) -> Command:
    checks, undoes = (("sh", "-c", words) if words else () for words in (check, undo))
    return Command("migrate", ("sh", "-c", apply), checks, undoes, limit_s=limit_s)


SLOW = shell("echo >> runs; sleep 1; touch made", undo="rm -f made")


def mark(local: Host, version: Version) -> int:
    folder = local.folder(version)
    return mark_of(str(folder.path), f"{folder.prefix}command-{slug('migrate')}")


def running(local: Host, version: Version) -> list[int]:
    return [pid for pid, found in marked().items() if found == mark(local, version)]


def made(local: Host, version: Version, name: str = "made") -> bool:
    folder = local.folder(version)
    return (folder.tree(f"{folder.prefix}command-{slug('migrate')}") / name).exists()


def runs(local: Host, version: Version) -> int:
    folder = local.folder(version)
    return len((folder.tree(f"{folder.prefix}command-{slug('migrate')}") / "runs").read_text().splitlines())


def abandoned(local: Host, version: Version, command: Command, effect: object) -> None:
    """Begun by a controller that dies as soon as the command runs."""

    async def begun() -> None:
        order = asyncio.ensure_future(local.target.execute(effect, version, command))  # type: ignore[arg-type]
        while not made(local, version, "runs"):  # noqa: ASYNC110 - a process of its own
            await asyncio.sleep(0.02)
        order.cancel()
        await asyncio.gather(order, return_exceptions=True)

    run(begun())


def cut_off(local: Host, version: Version) -> None:
    """Kill whatever runs under the command's mark, and wait until it is gone."""
    for pid in running(local, version):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not running(local, version))


def test_a_command_outlives_whoever_asked_for_it_and_runs_once(local: Host) -> None:
    version, effect = local.version(), local.effect()
    abandoned(local, version, SLOW, effect)
    assert run(local.target.execute(effect, version, SLOW)).outcome == "applied"
    assert (made(local, version), runs(local, version)) == (True, 1)


def test_what_was_cut_off_is_asked_about_and_run_again_where_it_is_not_there(local: Host) -> None:
    version, effect = local.version(), local.effect()
    abandoned(local, version, SLOW, effect)
    cut_off(local, version)
    assert run(local.target.execute(effect, version, SLOW)).outcome == "applied"
    assert runs(local, version) == 2


def test_what_was_cut_off_after_its_change_is_not_run_again(local: Host) -> None:
    version, effect = local.version(), local.effect()
    command = shell("touch made; echo >> runs; sleep 5")
    abandoned(local, version, command, effect)
    cut_off(local, version)
    assert run(local.target.execute(effect, version, command)).outcome == "applied"
    assert runs(local, version) == 1


def test_of_what_was_cut_off_and_cannot_be_asked_about_nothing_is_known(local: Host) -> None:
    version, effect = local.version(), local.effect()
    command = shell("echo >> runs; sleep 5", check="")
    abandoned(local, version, command, effect)
    cut_off(local, version)
    assert run(local.target.execute(effect, version, command)).outcome == "unknown"
    assert runs(local, version) == 1


def test_an_undo_ends_what_was_abandoned(local: Host) -> None:
    version, command = local.version(), shell("touch made; echo >> runs; sleep 60", undo="rm made")
    abandoned(local, version, command, local.effect())
    assert run(local.target.execute(local.effect(), version, command, undo=True)).outcome == "applied"
    assert (made(local, version), running(local, version)) == (False, [])


def test_a_command_keeps_to_its_limit_and_leaves_nothing_running(local: Host) -> None:
    version = local.version()
    late = run(local.target.execute(local.effect(), version, shell("sleep 60 & sleep 60", limit_s=0.5)))
    assert (late.outcome, "took longer than 0.5 s" in late.note) == ("not_applied", True), late
    until(lambda: not running(local, version))


def test_what_a_command_leaves_in_the_background_holds_nothing_up(local: Host) -> None:
    version = local.version()
    assert (
        run(local.target.execute(local.effect(), version, shell("sleep 60 & touch made"))).outcome
        == "applied"
    )
    until(lambda: not running(local, version))


def test_a_talkative_command_is_cut_in_the_middle(local: Host) -> None:
    version, effect = local.version(), local.effect()
    loud = shell("echo first; head -c 5000000 /dev/zero; echo last; exit 1")
    assert "last" in run(local.target.execute(effect, version, loud)).note
    kept = (local.folder(version).path / "commands" / str(effect) / "output.log").read_bytes()
    assert kept.startswith(b"first")
    assert b"bytes are left out" in kept
    assert len(kept) < 2 * OUTPUT_MAX + 100


def test_no_secret_is_told(local: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "correct-horse-battery")
    version = local.version(secrets={"PASSWORD": SecretSource("env", "DATABASE_PASSWORD")})
    told = run(local.target.execute(local.effect(), version, shell('echo "no: $PASSWORD"; exit 1'))).note
    assert "no:" in told
    assert "correct-horse-battery" not in told


def test_a_program_that_is_not_there_is_told(local: Host) -> None:
    with pytest.raises(Permanent, match="there is no program 'migrat'"):
        run(local.target.execute(local.effect(), local.version(), Command("migrate", ("migrat",))))
