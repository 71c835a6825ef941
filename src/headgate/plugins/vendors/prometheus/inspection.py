"""Each question with its answer now, and why it has none: for whoever sets a source up."""

import asyncio
import math
from collections.abc import Awaitable, Callable

from headgate.plugins.vendors.prometheus.answer import Series, number
from headgate.plugins.vendors.prometheus.queries import (
    AGE,
    ERRORS,
    LATENCY,
    Queries,
    Query,
    Selector,
    selector,
)
from headgate.ports.errors import PortError, Temporary
from headgate.ports.signals import Look

VALUES_SHOWN = 5

Ask = Callable[[str], Awaitable[list[Series]]]
"""Evaluates a query now. Raises PortError."""


async def inspect(
    queries: Queries, ask: Ask, at: float, stale_after_s: float, instance: str
) -> tuple[Look, ...]:
    """Ask everything at the instant `at`. Raises nothing: what is wrong stands beside the question."""
    answers = await asyncio.gather(*(_asked(query, ask) for query in queries))
    empty = {query.name for query, answer in zip(queries, answers, strict=True) if answer == []}
    looks = [
        await _look(query, answer, ask, empty)
        if query.name != AGE
        else _age(query, answer, at, stale_after_s)
        for query, answer in zip(queries, answers, strict=True)
    ]
    unnamed = [
        Look(
            query.text,
            look.answer,
            f"no series has the label `{instance}`: restarts of a process cannot be told",
        )
        if isinstance(answer, list)
        and len(answer) == 1
        and not look.problem
        and _unnamed(answer, instance, query)
        else look
        for query, answer, look in zip(queries, answers, looks, strict=True)
    ]
    return tuple(unnamed)


async def _asked(query: Query, ask: Ask) -> list[Series] | PortError:
    try:
        return await ask(query.text)
    except PortError as error:
        return error


def _unnamed(answer: list[Series], instance: str, query: Query) -> bool:
    return query.name not in {AGE, LATENCY} and instance not in answer[0].metric


async def _look(query: Query, answer: list[Series] | PortError, ask: Ask, empty: set[str]) -> Look:
    if isinstance(answer, PortError):
        return Look(query.text, "no answer", str(answer))
    if not answer:
        good_news = query.name == ERRORS and "requests" not in empty
        problem = "" if good_news else await _why_empty(query, ask)
        return Look(query.text, "no series" + (", so no errors" if good_news else ""), problem)
    try:
        return Look(query.text, _told(query.name, answer))
    except Temporary as error:
        return Look(query.text, f"{len(answer)} series", str(error))


def _told(name: str, answer: list[Series]) -> str:
    natives = [one.histogram[1] for one in answer if one.histogram is not None]
    if natives:
        total = math.fsum(number(one.count, name) for one in natives)
        return f"{len(natives)} native histograms, {total:,.0f} observations"
    values = [(one.metric, number(one.value[1], name)) for one in answer if one.value is not None]
    if name == LATENCY:
        total = math.fsum(value for metric, value in values if metric.get("le") == "+Inf")
        bounds = {metric.get("le", "") for metric, _ in values}
        return f"{total:,.0f} observations, {len(bounds)} bounds"
    return f"{math.fsum(value for _, value in values):,.0f} in {len(values)} series"


def _age(query: Query, answer: list[Series] | PortError, at: float, stale_after_s: float) -> Look:
    if isinstance(answer, PortError):
        return Look(query.text, "no answer", str(answer))
    if not answer or answer[0].value is None:
        return Look(query.text, "no series")
    age_s = at - number(answer[0].value[1], AGE)
    old = age_s > stale_after_s
    problem = f"the newest sample is too old (`stale_after` allows {stale_after_s:g} s): is it still scraped?"
    return Look(query.text, f"the newest sample is {age_s:.0f} s old", problem if old else "")


async def _why_empty(query: Query, ask: Ask) -> str:
    """Which matcher excludes everything: the first without which something is left."""
    found = selector(query.inner)
    if found is None:
        return "no series: try its parts, from the inside out"
    try:
        if not await ask(f"count({found.metric})"):
            return f"there is no metric `{found.metric}` (or nothing wrote to it in the last minutes)"
        for index, matcher in enumerate(found.matchers):
            rest = Selector(found.metric, (*found.matchers[:index], *found.matchers[index + 1 :]))
            if await ask(f"count({rest})"):
                return f"nothing matches `{matcher}`; {await _values(rest, matcher, ask)}"
    except PortError as error:
        return f"no series; why could not be found out: {error}"
    return f"`{found.metric}` exists, but nothing has all of these labels: {', '.join(found.matchers)}"


async def _values(rest: Selector, matcher: str, ask: Ask) -> str:
    label = matcher.partition("=")[0].rstrip("!")
    series = await ask(f"count by ({label}) ({rest})")
    values = sorted({one.metric.get(label, "") for one in series})
    if values == [""]:
        return f"the series have no label `{label}`"
    shown = ", ".join(repr(value) for value in values[:VALUES_SHOWN])
    return f"`{label}` is {shown}" + (
        f" and {len(values) - VALUES_SHOWN} more" if len(values) > VALUES_SHOWN else ""
    )
