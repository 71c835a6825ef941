"""The output of a program that this process has started, read to its end and within a limit. Light."""

import os
import selectors
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

CHUNK_BYTES = 64 * 1024
_POLL_S = 0.05


def read_output(process: "subprocess.Popen[bytes]", take: "Callable[[bytes], None]", deadline: float) -> bool:
    """Give each piece of what `process` writes to `take`, until it ends; false when its `deadline` is over first.

    The deadline is one of `time.monotonic`. The end of the process is what counts, not that of its output: something
    that it left in the background may hold that open. Raises OSError, and what `take` raises.
    """
    assert process.stdout is not None, "made with a pipe"
    descriptor, closed = process.stdout.fileno(), False
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            if not closed and selector.select(0 if ended else _POLL_S):
                chunk = os.read(descriptor, CHUNK_BYTES)
                take(chunk)
                closed = not chunk
            elif ended:
                return True
            elif closed:
                time.sleep(_POLL_S)
    return process.poll() is not None
