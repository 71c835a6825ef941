"""Folders that are their owner's alone, whatever the umask is. Light: an instance's start loads this."""

import os

PRIVATE = 0o700


def private_folder(path: "str | os.PathLike[str]") -> None:
    """Make it, and those above it that are missing, each for its owner only. Raises OSError.

    `mkdir` with parents leaves those to the umask. What is there already stays as it is.
    """
    missing: list[str] = []
    at = os.fspath(path)
    while at and not os.path.isdir(at):  # noqa: PTH112 - pathlib would cost a third of an instance's start
        missing.append(at)
        at = os.path.dirname(at)  # noqa: PTH120 - as above
    for folder in reversed(missing):
        try:
            os.mkdir(folder, PRIVATE)  # noqa: PTH102 - as above
        except FileExistsError:
            if not os.path.isdir(folder):  # noqa: PTH112 - as above
                raise
        else:
            os.chmod(folder, PRIVATE)  # noqa: PTH101 - an odd umask takes away from the owner, too
