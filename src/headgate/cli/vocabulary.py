"""The verbs there are: the table that `headgate --help` shows, without loading one of them."""

from typing import NamedTuple


class Verb(NamedTuple):
    """A verb's name, the section of the help it stands in, and what it does, in half a line.

    Its command is `command` of `headgate.cli.verbs.<name>`; where `module` is given, it is in the table `COMMANDS` of
    `headgate.cli.verbs.<module>`, under its name.
    """

    name: str
    section: str
    summary: str
    module: str = ""


START = "Start"
RELEASE = "Release"
STEER = "While a release is under way"
LOOK = "Look"
HOUSE = "The house"
HIDDEN = ""

ACTIONS = "actions"
"""The module of the verbs that are one action on a release."""

VERBS: tuple[Verb, ...] = (
    Verb("init", START, "Write a headgate.yaml for the project in this folder."),
    Verb("validate", START, "Check the project file: all that is wrong with it, at once."),
    Verb("schema", START, "Print the JSON Schema of the project file, for editors."),
    Verb("demo", START, "Watch Headgate release good and bad versions under live load."),
    Verb("build", RELEASE, "Build the artifact: the same content gives the same digest."),
    Verb("artifacts", RELEASE, "List what was built and can be deployed."),
    Verb("plan", RELEASE, "Show the steps that a deploy would take; change nothing."),
    Verb("deploy", RELEASE, "Release: shift traffic step by step, judge, promote or roll back."),
    Verb("rollback", RELEASE, "Go back to what an earlier release had promoted."),
    Verb("retry", RELEASE, "Try a release again that was rolled back, and say why."),
    Verb("watch", STEER, "Follow the release that is under way."),
    Verb("pause", STEER, "Move no further; the canary stays watched.", ACTIONS),
    Verb("resume", STEER, "Go on after a pause or a hold.", ACTIONS),
    Verb("approve", STEER, "Say yes to a step that waits for a person.", ACTIONS),
    Verb("promote", STEER, "Promote against or without the judge, and say why.", ACTIONS),
    Verb("abort", STEER, "Undo the release that is under way.", ACTIONS),
    Verb("status", LOOK, "What runs, what is moving, and how to undo it."),
    Verb("doctor", LOOK, "Compare what is declared, recorded and real, in all of the home."),
    Verb("history", LOOK, "The releases there were, and what became of them."),
    Verb("explain", LOOK, "Why a release was decided as it was, with the numbers."),
    Verb("replay", LOOK, "Judge a recorded release again, as it was or by other criteria."),
    Verb("backtest", LOOK, "Judge the last releases again: what other criteria would change."),
    Verb("judge", LOOK, "Judge a canary from numbers alone: JSON lines in, verdicts out."),
    Verb("dashboard", LOOK, "Print a link that opens the dashboard, signed in."),
    Verb("alerts", HOUSE, "Write alert rules for Prometheus or Datadog: tighter ones during a release."),
    Verb("dashboards", HOUSE, "Write a Grafana dashboard of an environment and its releases."),
    Verb("up", HOUSE, "Start the controller as a daemon, to act without a terminal."),
    Verb("down", HOUSE, "Stop the controller; services and proxy run on."),
    Verb("adopt", HOUSE, "Have a home that was copied or moved belong where it is now."),
    Verb("retire", HOUSE, "Stop a service for good that is no longer wanted."),
    Verb("freeze", HOUSE, "Let nothing new begin for a time; list and lift freezes."),
    Verb("barrier", HOUSE, "List what keeps older versions out; lift it with a reason."),
    Verb("token", HOUSE, "Give out, list and revoke tokens for the API and the dashboard."),
    Verb("secret", HOUSE, "Declare secrets that releases by the API may name; list and remove them."),
    Verb("hook", HOUSE, "Let Git hosts and Alertmanager send their news; list and remove hooks."),
    Verb("signals", HOUSE, "Try the sources that releases are measured by."),
    Verb("notify", HOUSE, "Try the channels that are told of releases."),
    Verb("ledger", HOUSE, "Verify, anchor or export the record of all that happened; say which one counts."),
    Verb("simulate", HOUSE, "Run the real machine in a seeded world full of faults."),
    Verb("completion", HOUSE, "Print the completion script for your shell."),
    Verb("version", HOUSE, "Print the version."),
    Verb("controller", HIDDEN, "Be the controller, in this process, until told to stop."),
)
