import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.unix_sockets import ADDRESS_BYTES_MAX, bind, connect, listener_of, listens


@contextlib.contextmanager
def listening(path: Path) -> Iterator[None]:
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        bind(listener, path)
        listener.listen()
        yield


@pytest.mark.parametrize("depth", [0, 10])
def test_a_socket_is_bound_and_reached_however_deep_it_lies(tmp_path: Path, depth: int) -> None:
    folder = tmp_path.joinpath(*["a folder with a long name"] * depth)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "a.sock"
    assert (len(os.fsencode(path)) > ADDRESS_BYTES_MAX) == (depth > 0)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with listening(path):
        assert path.is_socket()
        with contextlib.closing(connect(path, 1.0)) as made:
            assert made.gettimeout() == 1.0
        assert listens(path)
        assert listener_of(path) == os.getpid()
        with pytest.raises(OSError, match="in use"), listening(path):
            pass
    assert not listens(path)
    assert listener_of(path) == 0
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_where_nothing_is_nobody_listens(tmp_path: Path) -> None:
    assert not listens(tmp_path / "none")
    assert not listens(tmp_path / ("x" * 120) / "none")
