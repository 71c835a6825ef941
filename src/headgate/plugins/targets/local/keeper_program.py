"""How the keeper is run: one program per home, under the same supervisor as what it looks after."""

import sys
from pathlib import Path

import headgate
from headgate.plugins.targets.local.layout import Layout
from headgate.ports.processes import Processes, Program

NAME = "headgate.keeper"


def keeper_program(home: Path, made_of: str, guards: str = "") -> Program:
    """The program; `made_of` says what makes its `Processes` from the home, as `module:name`; so does `guards`."""
    words = [str(home), made_of, *([guards] if guards else [])]
    return Program(
        name=NAME,
        argv=(sys.executable, "-P", "-m", "headgate.plugins.targets.local.keeper", *words),
        directory=str(home),
        log=str(home / "log" / "keeper.log"),
        # This very package, and another program as soon as it is another release of it: then it is replaced.
        env={
            "PYTHONPATH": str(Path(headgate.__file__).parent.parent),
            "HEADGATE_KEEPER": headgate.__version__,
        },
        start_retries=1_000_000,
        stop_wait_s=5.0,
        log_max_bytes=2_000_000,
        log_keep=3,
    )


def keeper_of(home: Path, processes: Processes, guards: str = "") -> Program:
    """The keeper whose `Processes` are of the class of `processes`, whoever asks for it: the same program."""
    made_of = f"{type(processes).__module__}:{type(processes).__qualname__}"
    return keeper_program(Layout(home).home, made_of, guards)
