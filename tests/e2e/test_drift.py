"""What the ledger says is asked of the world: declared, recorded and real, by the commands that people type."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from headgate.plugins.processes.supervisord import Supervisord
from tests.e2e.town import Done, Town

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-3"), pytest.mark.timeout(180)]


def unit(town: Town) -> dict[str, Any]:
    (found,) = town.status()["units"]
    return dict(found)


def kinds(town: Town) -> dict[str, str]:
    """What is not as it should be, by its kind: the command that mends it."""
    return {one["kind"]: one["command"] for one in town.status()["drift"]}


def mended(done: Done, name: str) -> str:
    (found,) = [one["command"] for one in done.report["drift"] if one["subject"] == name]
    return str(found)


def kill(process: psutil.Process) -> None:
    process.send_signal(signal.SIGKILL)


def test_status_says_runs_only_when_the_world_does(new_town: Callable[[], Town]) -> None:
    town = new_town()
    label = town.build()
    town.promoted(label)
    well = unit(town)
    assert (well["condition"], well["real"]["status"], town.status()["drift"]) == ("runs", 200, [])
    assert town.headgate("doctor").code == 0

    daemon = town.one("supervisord")
    daemon.suspend()
    try:
        assert "process daemon: no answer within" in town.headgate("status").said
        kill(town.one("targets.local.keeper"))  # who would start another daemon
    finally:
        kill(daemon)  # what it kept running runs on, and nobody keeps it running any more
    daemon.wait(20.0)
    assert unit(town)["condition"] == "unknown"
    assert mended(town.headgate("doctor", "--json"), "process daemon") == "headgate up"
    for shop in town.shops(label):
        kill(shop)
    town.until(lambda: unit(town)["condition"] == "down", "status to say that users are not served")
    assert unit(town)["real"]["status"] == 503
    assert "answers 503" in town.headgate("status").said
    assert town.headgate("doctor").code == 1

    town.up()
    town.until(lambda: unit(town)["condition"] == "runs", "the service to run again")


def test_one_of_two_instances_that_crashes_again_and_again_is_seen(new_town: Callable[[], Town]) -> None:
    town = new_town()
    town.plan({"instances": 2})
    label = town.build()
    town.promoted(label)
    for _ in range(3):
        one = town.shops(label)[0]
        kill(one)
        town.until(lambda: len(town.shops(label)) == 2, "the instance to be started again")
    seen = unit(town)
    assert seen["real"]["instances"][0]["restarts"] + seen["real"]["instances"][1]["restarts"] >= 3
    assert "restart" in town.headgate("status").said


def test_the_size_alone_is_deployed_without_a_failed_request(new_town: Callable[[], Town]) -> None:
    town = new_town()
    label = town.build()
    town.promoted(label)
    for size in (3, 1):
        town.plan({"instances": size})
        assert kinds(town)["size"].startswith("headgate deploy")
        with town.customers() as customers:
            done = town.deploy(label)
        assert (done.code, done.report["outcome"]) == (0, "promoted"), done.said
        customers.seen.nothing_bad()
        assert len(town.shops(label)) == size
        assert (unit(town)["recorded"]["instances"], town.status()["drift"]) == (size, [])
    again = town.deploy(label)
    assert again.report["outcome"] == "unchanged"
    assert all(summary.closed for summary in town.releases())


def test_a_renamed_service_is_refused_by_name_until_the_old_one_is_retired(
    new_town: Callable[[], Town],
) -> None:
    town = new_town()
    label = town.build()
    town.promoted(label)
    town.rename("shop")
    plan = town.headgate("plan", "--artifact", label)
    assert plan.code == 3
    assert "web runs and is no longer in headgate.yaml" in plan.said.replace(
        "production/web:", "production/web"
    )
    refused = town.deploy(label)
    assert (refused.code, refused.report["outcome"]) == (3, "refused")
    assert "is taken by" in refused.report["reason"]
    assert town.get().status == 200
    assert kinds(town)["undeclared"].startswith("headgate retire")

    assert town.headgate("retire", "web").code == 2  # nobody is there to confirm it
    gone = town.headgate("retire", "web", "--reason", "it is called shop now")
    assert gone.code == 0, gone.said
    assert town.shops(label) == []
    with pytest.raises(ConnectionRefusedError):
        town.get()
    assert town.promoted(label)
    assert town.get().status == 200
    town.verify()


def test_a_service_that_left_the_file_is_retired_by_the_daemon(new_town: Callable[[], Town]) -> None:
    town = new_town()
    label = town.build()
    town.promoted(label)
    town.up()
    assert town.headgate("retire", "web", "--yes").code == 0
    assert town.shops(label) == []
    assert town.status()["units"] == []
    assert town.promoted(label)  # as a first release
    assert town.headgate("retire", "web", "--yes").code == 0
    assert town.headgate("retire", "web", "--yes").code != 0  # there is nothing left to retire


def test_the_daemon_prepares_what_is_missing(new_town: Callable[[], Town]) -> None:
    """As after somebody removed the program by hand: nothing is there, and the ledger says that it runs."""
    town = new_town()
    label = town.build()
    town.promoted(label)
    town.up()
    (name,) = [path.stem for path in (town.home / "run" / "programs").glob("*.web.*.conf")]
    asyncio.run(Supervisord(town.home).remove([name]))
    assert unit(town)["condition"] != "runs"
    town.until(lambda: unit(town)["condition"] == "runs", "the daemon to mend it")
    assert len(town.shops(label)) == 1
