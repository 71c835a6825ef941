"""`headgate version`."""

import platform

from headgate import __version__
from headgate.cli import options
from headgate.cli.screen import print_json, say


@options.verb("version", "headgate version --json")
@options.as_json
def command(*, as_json: bool) -> None:
    """Print the version."""
    if as_json:
        print_json({"headgate": __version__, "python": platform.python_version()})
    else:
        say(f"headgate {__version__}")
