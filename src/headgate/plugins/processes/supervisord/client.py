"""Calls to the daemon: XML-RPC over its unix socket, each bounded in time."""

import xmlrpc.client
from http import HTTPStatus
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from headgate.kit.http_once import NoAnswer, ask_once
from headgate.ports import Temporary
from headgate.unix_sockets import connect

CALL_S = 5.0
"""The longest one call may take; none of ours waits for a process."""

ANSWER_MAX_BYTES = 16 * 1024 * 1024

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


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def request(
        self,
        host: Any,  # noqa: ANN401 - the library's signature
        handler: str,
        request_body: Any,  # noqa: ANN401 - as above
        verbose: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> Any:  # noqa: ANN401 - as above
        """One call over a connection of its own. Raises OSError, NoAnswer and the library's errors."""
        connection, headers = connect(self._path, CALL_S), {"content-type": "text/xml"}
        status, answer = ask_once(
            connection, "POST", handler, request_body, headers, within_s=CALL_S, max_bytes=ANSWER_MAX_BYTES
        )
        if status != HTTPStatus.OK:
            raise xmlrpc.client.ProtocolError(handler, status, f"status {status}", {})
        parser, unmarshaller = self.getparser()
        parser.feed(answer)
        parser.close()
        return unmarshaller.close()


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
    except (OSError, NoAnswer, xmlrpc.client.Error, ExpatError) as error:
        raise Temporary(
            f"supervisord at {path} did not answer {method}: {type(error).__name__}: {error}"
        ) from error
