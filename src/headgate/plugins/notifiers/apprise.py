"""More than a hundred services, through the library Apprise: Slack, Teams, Discord, mail, PagerDuty, Opsgenie, ...

An Apprise URL (https://appriseit.com/services/) holds credentials: it is read where it is used, and neither it nor what
Apprise logs about it is ever shown. Apprise blocks: it runs in threads of its own, at most THREADS_MAX.
"""

import asyncio
import logging
import re
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from headgate.core.model import SecretSource
from headgate.kit.fence import fenced
from headgate.ports.errors import Permanent, PortError, Temporary
from headgate.ports.marker import lifeless
from headgate.ports.notifier import Message
from headgate.ports.reach import Bounds
from headgate.ports.registry import settings_of
from headgate.ports.secrets import read_secret
from headgate.ports.wires import Wires

THREADS_MAX = 4
"""Messages of all channels under way at once; a service that hangs holds one until Apprise's own timeouts end it."""

_LOGGERS = {"apprise": logging.WARNING, "urllib3": logging.CRITICAL, "requests_oauthlib": logging.CRITICAL}
_STATUS = re.compile(r"\berror=(\d{3})\b")
_PASSING = frozenset({408, 425, 429})
_HTTP_REFUSED, _HTTP_SERVER = 400, 500


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`url` says where the Apprise URL is read; it is a secret as a whole."""

    url: SecretSource


class AppriseNotifier:
    """One Apprise URL. A service has no threads that Apprise knows of: messages are told apart by their titles.

    Apprise connects to nothing that is out of `bounds`.
    """

    def __init__(self, settings: Settings, bounds: Bounds | None = None) -> None:
        self._source = settings.url
        self._bounds = bounds or Bounds()

    async def send(self, message: Message, thread: str) -> str:
        """See Notifier."""
        url = read_secret(self._source).strip()
        await _in_thread(lambda: _say(url, message, self._bounds))
        return ""


def _say(url: str, message: Message, bounds: Bounds) -> None:
    """In a thread: the library takes a second to load, and then waits for the network."""
    import apprise  # noqa: PLC0415 - loaded where it is needed, in the thread

    library: Any = apprise  # its annotations are partial
    _silence()
    asset = library.AppriseAsset(
        app_id="Headgate", app_desc="Headgate", app_url="", async_mode=False, storage_mode="memory"
    )
    service = library.Apprise.instantiate(url, asset=asset)
    if not isinstance(service, library.NotifyBase):
        raise Permanent("what is read as the Apprise URL is not one: see https://appriseit.com/services/")
    channel = library.Apprise(asset=asset)
    channel.add(service)
    title, body = _texts(message)
    with fenced(bounds) as fence:
        result = channel.notify(
            title=title, body=body, notify_type=_type(message), body_format="text", interpret_escapes=False
        )
    if not result and fence.refused:
        raise Permanent(f"{service.service_name}, through Apprise: {fence.refused}")
    if not result:
        raise _refused(str(service.service_name), result)


def _texts(message: Message) -> tuple[str, str]:
    """Title and body; one quiet line where there is nothing more to say. Nobody is called by a name in the text."""
    if not message.lines:
        return "", lifeless(message.title)
    facts = [f"{label}: {value}" for label, value in message.facts if label != "release"]
    rest = [*message.lines, *facts, *([message.link] if message.link else [])]
    return lifeless(message.title), lifeless("\n".join(rest))


def _type(message: Message) -> str:
    if message.moment == "promoted":
        return "success"
    return {"info": "info", "warning": "warning"}.get(message.severity, "failure")


def _refused(service: str, result: Any) -> PortError:  # noqa: ANN401 - the library's result
    """Which service said no, and its status if Apprise noted one: nothing else of its log, which may hold the URL."""
    said = " ".join(str(entry) for one in result for entry in one.logs())
    found = _STATUS.search(said)
    status = int(found[1]) if found else 0
    answered = f" (it answered {status})" if status else ""
    what = f"{service}, through Apprise, did not take the message{answered}"
    if _HTTP_REFUSED <= status < _HTTP_SERVER and status not in _PASSING:
        return Permanent(f"{what}: check the Apprise URL, and what it allows")
    return Temporary(what)


def _silence() -> None:
    """Apprise and what it calls log addresses with credentials in them: nobody but Apprise itself reads that."""
    for name, level in _LOGGERS.items():
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(level)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


_places = threading.BoundedSemaphore(THREADS_MAX)


async def _in_thread(work: Callable[[], None]) -> None:
    """Run `work` in a thread that nobody waits for at the end. Raises what it raises; Temporary when all are taken."""
    if not _places.acquire(blocking=False):
        raise Temporary(f"{THREADS_MAX} earlier messages through Apprise have not ended yet")
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def run() -> None:
        error: PortError | None = None
        try:
            work()
        except PortError as refused:
            error = refused
        except Exception as broken:  # noqa: BLE001 - a library's message may hold the URL: only its kind is told
            error = Temporary(f"Apprise broke down: {type(broken).__name__}")
        finally:
            _places.release()
        loop.call_soon_threadsafe(_settle, done, error)

    try:
        threading.Thread(target=run, name="apprise", daemon=True).start()
    except RuntimeError:
        _places.release()
        raise Temporary("no thread can be started now") from None
    await done


def _settle(done: "asyncio.Future[None]", error: PortError | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


def create(wires: Wires) -> AppriseNotifier:
    """The channel that the settings name."""
    return AppriseNotifier(settings_of(wires, Settings), wires.bounds)
