"""Calls to the daemon: XML-RPC over its unix socket, each bounded in time."""

import http.client
import xmlrpc.client
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from headgate.ports import Temporary
from headgate.unix_sockets import connect

CALL_S = 5.0
"""The longest one call may take; none of ours waits for a process."""

BAD_NAME = 10
NOT_RUNNING = 70
ALREADY_STARTED = 60
ALREADY_ADDED = 90
STILL_RUNNING = 91
SPAWN_ERROR = 50


class Absent(Temporary):
    """No daemon listens."""


class Refused(Temporary):
    """The daemon answered with a fault; `code` is supervisor's number for it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=CALL_S)
        self._path = path

    def connect(self) -> None:
        self.sock = connect(self._path, CALL_S)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: tuple[str, dict[str, str]] | str) -> http.client.HTTPConnection:
        made = _Connection(self._path)
        self._connection = (host, made)  # what the transport closes at the end, and after a failure
        return made


def call(path: Path, method: str, *arguments: str | int | bool) -> Any:  # noqa: ANN401 - whatever the daemon answers
    """The answer of the daemon at `path` to `supervisor.<method>`. Raises Absent, Refused or Temporary."""
    transport = _Transport(path)
    try:
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)
    except xmlrpc.client.Fault as fault:
        raise Refused(
            fault.faultCode, f"supervisord refused {method}{arguments}: {fault.faultString}"
        ) from fault
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise Absent(f"no process daemon listens at {path}; start it with `headgate up`") from error
    except (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError) as error:
        raise Temporary(
            f"supervisord at {path} did not answer {method}: {type(error).__name__}: {error}"
        ) from error
