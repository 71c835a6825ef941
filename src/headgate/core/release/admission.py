"""Objections to a release that the ledger alone can know, before any question to the world."""

from collections.abc import Collection, Mapping

import msgspec

from headgate.core.legality.barrier import Barrier
from headgate.core.machine.plan import Leg, Plan
from headgate.core.model import Answer, Finding, Intent, Listener, Unit, Version
from headgate.core.model.places import collision, named, retire
from headgate.core.release.adjusting import adjustments


class Known(msgspec.Struct, frozen=True):
    """What the ledger knows when a release is asked for.

    `in_flight` maps a unit to the release that is moving it, `undone` holds the (unit, artifact) that were rolled back
    and have not been promoted since; `undone_versions` the versions, which have a configuration as well. `frozen` maps
    a unit that must not change now to the freeze that says so. `listening` are the listeners that units have now, or
    will have when what is under way is promoted; `declared` the units that the project file names, where anybody said.
    `kept_out` maps a unit to the barrier that its candidate is older than, `meant_for` one to the earlier release that
    its declared `rollback.one_way` was meant for. `ordered_back`: it is a way back that a person orders.
    `overtaken` maps a unit to a later release that was promoted while this one waited for its turn, `platforms` one to
    where it runs.
    """

    in_flight: Mapping[Unit, str]
    undone: Collection[tuple[Unit, str]]
    undone_versions: Collection[Version] = ()
    frozen: Mapping[Unit, str] = {}
    listening: Mapping[Unit, Collection[Listener]] = {}
    declared: Collection[Unit] | None = None
    kept_out: Mapping[Unit, Barrier] = {}
    meant_for: Mapping[Unit, str] = {}
    ordered_back: bool = False
    overtaken: Mapping[Unit, str] = {}
    platforms: Mapping[Unit, str] = {}


class Words(msgspec.Struct, frozen=True):
    """The reasons a person gave, where a rule asks for one. Empty: none was given."""

    retry: str = ""
    break_glass: str = ""


def objections(intents: tuple[Intent, ...], plan: Plan, known: Known, words: Words) -> tuple[Finding, ...]:
    """Every rule's answer to this release; one `fail` refuses it."""
    found = [_in_flight(intent.unit, plan, known) for intent in intents]
    found += [_overtaken(intent.unit, known) for intent in intents]
    found += [_frozen(intent.unit, known, words) for intent in intents]
    found += [_kept_out(intent, known, words) for intent in intents]
    found += [_meant(intent.unit, known) for intent in intents]
    found += [_undone(intent.candidate, known, words) for intent in intents]
    found += [_exposure(intent, plan, words) for intent in intents]
    found += [_placed(leg, known) for leg in plan.legs]
    found += [_stays(leg, known) for leg in plan.legs]
    found += [_changes(leg) for leg in plan.legs]
    return tuple(finding for finding in found if finding.answer != "pass")


def _in_flight(unit: Unit, plan: Plan, known: Known) -> Finding:
    other = known.in_flight.get(unit)
    takes_over = any(leg.unit == unit and leg.takes_over for leg in plan.legs)
    if other is None or takes_over or plan.concurrency != "refuse":
        return Finding("one release at a time", "pass", f"nothing else moves {unit}")
    return Finding(
        "one release at a time",
        "fail",
        f"{other} is moving {unit}",
        hint=f"wait for it, `headgate resume {other}` where it stands still, `headgate abort {other}`, "
        "or declare `concurrency: queue` or `supersede`; where it is frozen, deploy a new version of all that it "
        "has moved",
    )


def _overtaken(unit: Unit, known: Known) -> Finding:
    """Who waited while a fix went forward knew nothing of it: whether it still is wanted is asked anew."""
    other = known.overtaken.get(unit)
    if other is None:
        return Finding("in its turn", "pass", f"nothing that was asked for later has moved {unit}")
    evidence = f"{other} was asked for later, and promoted before its turn came"
    return Finding("in its turn", "fail", evidence, "deploy it again, if it is still wanted")


def _frozen(unit: Unit, known: Known, words: Words) -> Finding:
    freeze = known.frozen.get(unit)
    if freeze is None:
        return Finding("no freeze", "pass", f"nothing forbids {unit} to change now")
    return _excused(
        "no freeze",
        words.break_glass,
        f"{unit} is frozen ({freeze})",
        "wait until it is over (`headgate freeze list`), have it lifted, "
        'or say why this cannot wait: `--break-glass "reason"`',
    )


def _kept_out(intent: Intent, known: Known, words: Words) -> Finding:
    """What is from before an irreversible step cannot work any more; a way back needs the barrier lifted."""
    check, barrier = "not across a barrier", known.kept_out.get(intent.unit)
    if barrier is None:
        return Finding(check, "pass", f"{intent.candidate} is not from before an irreversible step")
    lift = f'`headgate barrier lift {named(barrier.unit)} --reason "..."` where that is no longer so'
    evidence = f"{intent.candidate} is from before {barrier.release}: {barrier.sentence()}"
    if known.ordered_back:
        return Finding(check, "fail", evidence, f"deploy a version that is newer, or {lift}")
    hint = f'deploy a version that is newer, {lift}, or say why it must be: `--break-glass "reason"`'
    return _excused(check, words.break_glass, evidence, hint)


def _meant(unit: Unit, known: Known) -> Finding:
    """A declaration that stayed in the file is none about the next change."""
    check, release = "declared for this release", known.meant_for.get(unit)
    if release is None:
        return Finding(check, "pass", f"{unit} declares nothing that was meant for an earlier release")
    return Finding(
        check,
        "warn",
        f"`rollback.one_way` of {unit} was meant for {release}, and says nothing about this release",
        "take it out of the project file; where this change is one-way as well, give it a reason of its own",
    )


def _undone(candidate: Version, known: Known, words: Words) -> Finding:
    """What was undone may not come again as it was; another configuration is a change, and often the fix."""
    check = "not rolled back before"
    if candidate in known.undone_versions:
        evidence = f"{candidate} was rolled back and nothing has changed since"
        hint = 'deploy something else, or say why it will be different: `--retry "reason"`'
        return _excused(check, words.retry, evidence, hint)
    if (candidate.unit, candidate.artifact) in known.undone:
        evidence = f"the artifact of {candidate} was rolled back; its configuration is another now"
        return Finding(check, "warn", evidence)
    return Finding(check, "pass", f"{candidate} was not rolled back")


def _exposure(intent: Intent, plan: Plan, words: Words) -> Finding:
    leg = next(leg for leg in plan.legs if leg.unit == intent.unit)
    blind = intent.rollout.strategy == "all-at-once" and not leg.change.adjusts
    careless = blind and plan.production and leg.change.baseline is not None
    if not careless:
        return Finding("gradual exposure", "pass", "traffic moves in steps, or nothing is at stake")
    return _excused(
        "gradual exposure",
        words.break_glass,
        f"all-at-once would send every user of {intent.unit} to an unproven version",
        'use `strategy: canary` or `blue-green`, or say why it must be: `--break-glass "reason"`',
    )


def _placed(leg: Leg, known: Known) -> Finding:
    """One port has one owner: the proxy would refuse it, after all the work, and that would look like a bad release."""
    found = collision(leg.unit, leg.change.listener, known.listening, known.declared)
    if found is None:
        return Finding(
            "its ports are free", "pass", f"no other unit of this home has {leg.change.listener.port}"
        )
    return Finding("its ports are free", "fail", found.sentence(), found.mend())


def _stays(leg: Leg, known: Known) -> Finding:
    """A release replaces a version beside itself, under one traffic: two platforms share none."""
    runs = known.platforms.get(leg.unit, leg.platform)
    if runs == leg.platform:
        return Finding("one platform", "pass", f"{leg.unit} stays on the platform `{runs}`")
    said = f"{leg.unit} runs on the platform `{runs}`; a release does not move it to `{leg.platform}`"
    hint = f"`{retire(leg.unit)}` stops it there; then deploy it. Or declare `platform: {runs}`"
    return Finding("one platform", "fail", said, hint)


def _changes(leg: Leg) -> Finding:
    """A version cannot be compared with itself: where it stays, something around it must become another."""
    if not leg.change.adjusts:
        return Finding("something changes", "pass", f"{leg.unit} does not run {leg.change.candidate} yet")
    around = adjustments(leg)
    if around:
        return Finding("something changes", "pass", f"{leg.change.candidate} stays: {', '.join(around)}")
    return Finding(
        "something changes",
        "fail",
        f"{leg.unit} runs {leg.change.candidate} already",
        "deploy something else",
    )


def _excused(check: str, reason: str, evidence: str, hint: str) -> Finding:
    """A rule that a person may overrule with a reason, which is then on record."""
    answer: Answer = "warn" if reason.strip() else "fail"
    return Finding(check, answer, f"{evidence} ({reason})" if reason.strip() else evidence, hint)
