"""What is written down, and by whom it may be changed: effects, endpoints, folders, redaction."""

import asyncio
import errno
import os
import socket
import subprocess
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core.machine.events import EffectId
from headgate.core.model import Configuration, SecretSource, Unit, Version
from headgate.plugins.targets.local import effect_log, launch
from headgate.plugins.targets.local.effect_log import finish, overtaken
from headgate.plugins.targets.local.endpoints import allocate, is_free, usable
from headgate.plugins.targets.local.footprint import footprints, usages
from headgate.plugins.targets.local.layout import STOPPED_KEPT, Layout, slug
from headgate.plugins.targets.local.lock import locked
from headgate.plugins.targets.local.record import Desired, Done, Endpoint
from headgate.plugins.targets.local.redaction import Redaction, tail
from headgate.ports import Permanent, Temporary


def effect(sequence: int, release: str = "r") -> EffectId:
    return EffectId(release, sequence, 0)


def begin(log: tuple[Done, ...], identity: EffectId, kind: Literal["prepare", "stop"]) -> tuple[Done, ...]:
    after = effect_log.begin(log, identity, kind)
    assert after is not None
    return after


# --- effects ----------------------------------------------------------------------------------------------------------


def test_an_effect_acts_once() -> None:
    log = begin((), effect(1), "prepare")
    assert begin(log, effect(1), "prepare") == log  # interrupted: it may finish
    log = begin(finish(log, effect(1)), effect(2), "stop")
    assert effect_log.begin(finish(log, effect(2)), effect(1), "prepare") is None
    assert overtaken(log, effect(1))
    assert not overtaken(log, effect(2))


def test_a_late_effect_of_the_same_release_is_refused_and_one_of_another_is_not() -> None:
    log = begin((), effect(5), "prepare")
    with pytest.raises(Permanent, match="stale"):
        begin(log, effect(4), "stop")
    assert begin(log, effect(4, "s"), "stop")[-1].effect == effect(4, "s")


def test_an_effect_that_was_overtaken_before_it_finished_is_refused() -> None:
    log = begin(begin((), effect(1), "prepare"), effect(2), "stop")
    with pytest.raises(Permanent, match="stale"):
        begin(log, effect(1), "prepare")


@given(st.lists(st.tuples(st.sampled_from("rs"), st.integers(1, 6), st.booleans()), max_size=30))
def test_within_a_release_time_never_runs_backwards(calls: list[tuple[str, int, bool]]) -> None:
    log: tuple[Done, ...] = ()
    acted: dict[str, int] = {}
    for release, sequence, finished in calls:
        try:
            after = effect_log.begin(log, effect(sequence, release), "prepare")
        except Permanent:
            continue
        if after is None:
            continue
        assert sequence >= acted.get(release, 0)
        acted[release] = sequence
        log = finish(after, effect(sequence, release)) if finished else after


# --- ports ------------------------------------------------------------------------------------------------------------


def test_ports_are_free_distinct_and_the_same_again() -> None:
    names = [f"a.{n}" for n in range(5)]
    found = allocate(names, ())
    assert len({one.port for one in found}) == 5
    assert all(20_000 <= one.port < 30_000 for one in found)
    assert allocate(names, ()) == found
    assert {one.port for one in allocate(names, [one.port for one in found])}.isdisjoint(
        one.port for one in found
    )


def test_a_port_in_use_is_passed_over_and_none_left_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(Permanent, match="no port of"):
            allocate(["a"], (), [port])
    assert is_free(port)


def test_ports_of_outgoing_connections_are_avoided_where_possible() -> None:
    low, high = (int(word) for word in Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert list(usable([low - 1, low, high, high + 1])) == [low - 1, high + 1]
    assert list(usable([low, high])) == [low, high]


# --- folders ----------------------------------------------------------------------------------------------------------


def version(service: str = "web", key: str = "a") -> Version:
    return Version(Unit("shop", "production", service), key * 64, "c" * 64)


@pytest.mark.parametrize("name", ["..", "a/b", "", "A", "a.b", "ü", "a" * 99, "a\nb", "a b", "%s"])
def test_no_name_leaves_its_folder_or_meets_another(tmp_path: Path, name: str) -> None:
    folder = Layout(tmp_path).folder(version(name))
    assert folder.path.parent.parent == tmp_path / "versions" / "shop" / "production"
    assert folder.path.resolve() == folder.path
    assert slug(name) not in {"", ".", ".."}
    assert slug(name) != slug(f"{name}x")
    assert set(folder.names(1)[0]) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


def test_stopped_versions_keep_their_logs_for_a_while(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    running = layout.folder(version(key="f"))
    running.desire(Desired(version(key="f"), Configuration(("x",))))
    keys = "0123456789abcde"
    for age, key in enumerate(keys):
        folder = layout.folder(version(key=key))
        log = folder.output(folder.names(1)[0])
        log.parent.mkdir(parents=True)
        log.write_text("said")
        os.utime(folder.path, (age, age))
        folder.retire()
    left = {path.name[0] for path in running.path.parent.iterdir()}
    assert "f" in left
    assert len(left) <= STOPPED_KEPT + 2


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    folder = Layout(tmp_path).folder(version())
    folder.path.mkdir(parents=True)
    (folder.path / "endpoints.json").write_text("[{]")
    with pytest.raises(Permanent, match=r"endpoints\.json is not what Headgate wrote"):
        folder.endpoints()


def test_a_disk_that_takes_nothing_is_temporary(tmp_path: Path) -> None:
    (tmp_path / "versions").write_text("in the way")
    with pytest.raises(Temporary, match="cannot"):
        Layout(tmp_path).folder(version()).publish((Endpoint("a", "h", 1),))


def test_the_lock_is_waited_for_within_bounds(tmp_path: Path) -> None:
    async def contend() -> None:
        async with locked(tmp_path / "lock"):
            with pytest.raises(Temporary, match="has held"):
                async with locked(tmp_path / "lock", 0.05):
                    raise AssertionError
        async with locked(tmp_path / "lock", 0.05):
            pass

    asyncio.run(contend())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_does_not_stop_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    life = tmp_path / "life.json"
    launch._replace(str(life), '{"launches": 1, "refused": "something long"}')

    def full(path: str, *_: object) -> int:
        raise OSError(number, "no room")

    really_open = os.open
    monkeypatch.setattr(
        os, "open", lambda path, *rest: really_open(path, *rest) if path == str(life) else full(path)
    )
    launch._replace(str(life), '{"launches": 2}')
    assert launch._read_life(str(life)) == {"launches": 2}
    with pytest.raises(OSError, match="no room"):
        launch._replace(str(tmp_path / "new.json"), "{}")


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_known_values_are_replaced_longest_first() -> None:
    redaction = Redaction({"A": "sesame", "B": "open sesame", "C": "ab", "D": "line one\nline two"})
    assert (
        redaction.clean("open sesame! sesame? ab: line two")
        == "<secret B>! <secret A>? <secret C>: <secret D>"
    )
    assert redaction.clean("cable, absent") == "cable, absent", "a short one is struck where it stands alone"


def test_what_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    assert Redaction.of({"A": SecretSource("file", str(tmp_path / "none"))}).clean("text") == "text"


@pytest.mark.parametrize(
    ("content", "seen"),
    [(b"\xff\xfe", "not text in UTF-8"), (b"a\0b", "holds a NUL"), (b"x" * 70_000, "more than 65536")],
)
def test_a_secret_that_cannot_be_one_is_refused_without_its_value(
    tmp_path: Path, content: bytes, seen: str
) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(launch.CannotStart, match=seen) as caught:
        launch.read_secret("A", "file", str(tmp_path / "key"), {})
    assert "xxx" not in str(caught.value)


def test_a_secret_loses_its_last_line_break_only(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(" a\n\n")
    assert launch.read_secret("A", "file", str(tmp_path / "key"), {}) == " a\n"


def test_the_tail_of_a_log_is_bounded(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_text("".join(f"line {n}\n" for n in range(10_000)))
    assert tail(log).splitlines() == [f"line {n}" for n in range(9_980, 10_000)]
    log.write_text("x" * 1_000_000)
    assert len(tail(log)) == 4000
    log.write_text("first " + "hunter2-" * 600 + " last")
    assert tail(log) == "last"
    log.write_text("hunter2" * 600 + "\n" + "\U0001f511" * 3900 + "\nlast")
    assert tail(log) == f"{chr(0x1F511) * 3900}\nlast"


def test_a_footprint_is_of_the_whole_tree() -> None:
    measured = footprints([os.getpid(), 2**22 + 1])
    assert measured[os.getpid()] > 10_000_000
    assert measured[2**22 + 1] == 0


def test_what_a_tree_uses_is_summed_and_what_is_gone_left_out() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        used = usages({"own": os.getpid(), "child": child.pid, "gone": 2**22 + 1})
        child.kill()
    assert set(used) == {"own", "child"}
    assert used["own"].memory > used["child"].memory > 100_000
    assert used["own"].threads > used["child"].threads == 1
    assert used["own"].files >= 3
    assert used["own"].cpu_s > 0
