"""How long people wait: Erlang's formulas, and the estimate told to a contact in a queue.

Throughout, *erlangs* is the offered load (arrivals per second times the mean handling time in seconds), *agents* the
number of conversations that can be handled at once, and times are seconds unless they are timedeltas. The formulas
assume arrivals at random and exponential handling times; see A. K. Erlang, "Solution of some Problems in the Theory of
Probabilities of Significance in Automatic Telephone Exchanges" (1917) and C. Palm, "Methods of Judging the
Annoyance Caused by Congestion" (1953) for queues that people leave.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import attrs

MIN_COMPLETIONS: Final = 5
"""Fewer finished conversations than this say nothing about how long one takes."""
STEPS: Final = (1, 2, 5, 10, 15, 30)
"""Minutes that an announced wait is rounded to; beyond the last one, its multiples."""

_MINUTE: Final = timedelta(minutes=1)
_NEGLIGIBLE: Final = -50.0  # natural logarithm of a probability beside the largest one that no longer counts


# ---------------------------------------------------------------------------------------------------------- Erlang B


def erlang_b(agents: int, erlangs: float) -> float:
    """Return the share of arrivals that find all agents busy and are turned away.

    ``B(0) = 1``, ``B(n) = A·B(n-1) / (n + A·B(n-1))``.

    :raises ValueError: an argument is negative.
    """
    _check_load(agents, erlangs)
    blocking = 1.0
    for n in range(1, agents + 1):
        blocking = erlangs * blocking / (n + erlangs * blocking)
    return blocking


def agents_for_blocking(erlangs: float, max_blocking: float) -> int:
    """Return the fewest agents that turn away at most the share *max_blocking* of arrivals.

    :raises ValueError: the load is negative or *max_blocking* not between 0 and 1.
    """
    _check_load(0, erlangs)
    _check_share("max_blocking", max_blocking)
    agents, blocking = 0, 1.0
    while blocking > max_blocking:
        agents += 1
        blocking = erlangs * blocking / (agents + erlangs * blocking)
    return agents


# ---------------------------------------------------------------------------------------------------------- Erlang C


def erlang_c(agents: int, erlangs: float) -> float:
    """Return the share of arrivals that have to wait when everybody waits as long as it takes.

    ``C = B / (1 - (A/N)(1 - B))``.

    :raises ValueError: an argument is negative, or the agents cannot keep up (*erlangs* is not below *agents*): the
        queue then grows for ever and there is no such share.
    """
    blocking = erlang_b(agents, erlangs)
    if erlangs >= agents:
        raise ValueError(f"{agents} agents cannot keep up with a load of {erlangs}: it must be below their number")
    return blocking / (1 - erlangs / agents * (1 - blocking))


def service_level(agents: int, erlangs: float, handle: float, target: float) -> float:
    """Return the share of arrivals answered within *target* seconds, for a mean handling time of *handle* seconds.

    ``1 - C·exp(-(N - A)·t / AHT)``.

    :raises ValueError: as for :func:`erlang_c`, or *handle* is not positive or *target* negative.
    """
    _check_handle(handle)
    if target < 0:
        raise ValueError(f"a target is 0 seconds or more, not {target}")
    return 1 - erlang_c(agents, erlangs) * math.exp(-(agents - erlangs) * target / handle)


def mean_wait(agents: int, erlangs: float, handle: float) -> float:
    """Return the mean wait in seconds over all arrivals (the average speed of answer): ``C·AHT / (N - A)``.

    :raises ValueError: as for :func:`erlang_c`, or *handle* is not positive.
    """
    _check_handle(handle)
    return erlang_c(agents, erlangs) * handle / (agents - erlangs)


@attrs.frozen
class Staffing:
    """How many agents a load needs, and what they achieve; made by :func:`staffing`."""

    agents: int
    """At work at once."""
    scheduled: int
    """On the plan, so that as many are at work in spite of breaks and absence."""
    service_level: float
    occupancy: float
    wait_probability: float


def staffing(
    erlangs: float,
    handle: float,
    *,
    target: float,
    level: float = 0.8,
    max_occupancy: float = 1.0,
    shrinkage: float = 0.0,
) -> Staffing:
    """Return the fewest agents that answer the share *level* within *target* seconds, busy *max_occupancy* at most.

    *handle* is the mean handling time in seconds, *shrinkage* the share of paid time not spent answering.

    :raises ValueError: a share is not between 0 and 1, or a time is out of range.
    """
    _check_load(0, erlangs)
    _check_share("level", level)
    if not 0 < max_occupancy <= 1:
        raise ValueError(f"max_occupancy is above 0 and at most 1, not {max_occupancy}")
    agents = max(1, math.floor(erlangs) + 1, _ceil(erlangs / max_occupancy))
    while (reached := service_level(agents, erlangs, handle, target)) < level:
        agents += 1
    return Staffing(agents, scheduled(agents, shrinkage), reached, erlangs / agents, erlang_c(agents, erlangs))


def scheduled(agents: int, shrinkage: float) -> int:
    """Return how many agents to plan for so that *agents* are at work when the share *shrinkage* is away.

    :raises ValueError: *shrinkage* is not at least 0 and below 1.
    """
    if not 0 <= shrinkage < 1:
        raise ValueError(f"shrinkage is at least 0 and below 1, not {shrinkage}")
    return _ceil(agents / (1 - shrinkage))


# ---------------------------------------------------------------------------------------------------------- Erlang A


@attrs.frozen
class Abandonment:
    """A queue that people leave when their patience ends; made by :func:`erlang_a`."""

    wait_probability: float
    """Share of arrivals that find all agents busy."""
    abandon_probability: float
    """Share of arrivals that leave before they are answered."""
    mean_queue: float
    """Mean number of people waiting."""
    mean_wait: float
    """Mean wait in seconds over all arrivals, those who leave included."""
    occupancy: float
    """Share of the agents' time spent handling."""


def erlang_a(agents: int, arrivals: float, handle: float, patience: float) -> Abandonment:
    """Return how a queue behaves whose people wait *patience* seconds on average before they leave.

    *arrivals* is per second, *handle* the mean handling time in seconds. The stationary distribution of the
    birth-death chain with death rate ``min(n, N)/AHT + max(n - N, 0)/patience``; it exists for every load.

    :raises ValueError: *agents* is negative or another argument not positive.
    """
    _check_load(agents, 0)
    _check_handle(handle)
    if not (arrivals > 0 and patience > 0):
        raise ValueError(f"arrivals and patience are above 0, not {arrivals} and {patience}")
    weights = list(_chain(agents, arrivals, 1 / handle, 1 / patience))
    largest = max(weights)
    # weights are logarithms, since those of a large overload are beyond any float
    scaled = [math.exp(weight - largest) for weight in weights]
    total = math.fsum(scaled)
    queue = math.fsum((n - agents) * weight for n, weight in enumerate(scaled) if n > agents) / total
    leaving = queue / patience / arrivals
    busy = arrivals * handle * (1 - leaving)
    return Abandonment(
        wait_probability=math.fsum(scaled[agents:]) / total,
        abandon_probability=leaving,
        mean_queue=queue,
        mean_wait=queue / arrivals,
        occupancy=busy / agents if agents else 0.0,
    )


def _chain(agents: int, arrivals: float, mu: float, theta: float) -> Iterator[float]:
    """Yield the logarithms of the unscaled probabilities of 0, 1, 2… people until the rest is negligible."""
    weight = peak = 0.0
    n = 0
    while True:
        yield weight
        n += 1
        step = math.log(arrivals) - math.log(min(n, agents) * mu + max(n - agents, 0) * theta)
        weight += step
        peak = max(peak, weight)
        if n > agents and step < 0 and weight - peak < _NEGLIGIBLE:
            return


# ------------------------------------------------------------------------------------------- the wait at a position


def position_mean(ahead: int, slots: int, handle: float, patience: float | None = None) -> float:
    """Return the mean wait in seconds of somebody with *ahead* people before them while all *slots* are busy.

    ``(k + 1)·AHT / N``; when those ahead may leave after *patience* seconds on average, the sum of
    ``1 / (N/AHT + i/patience)`` for i from 0 to k.

    :raises ValueError: *ahead* is negative, *slots* below 1, or a time not positive.
    """
    _check_position(ahead, slots, handle)
    if patience is None:
        return (ahead + 1) * handle / slots
    if not patience > 0:
        raise ValueError(f"patience is above 0 seconds, not {patience}")
    return math.fsum(1 / (slots / handle + i / patience) for i in range(ahead + 1))


def position_quantile(ahead: int, slots: int, handle: float, p: float) -> float:
    """Return the wait in seconds that is not exceeded with probability *p* at a position.

    The wait is the time of ``k + 1`` releases of one of N busy slots: Erlang distributed with shape ``k + 1`` and rate
    ``N / AHT``. W. Whitt, "Predicting Queueing Delays" (1999).

    :raises ValueError: as for :func:`position_mean`, or *p* is not at least 0 and below 1.
    """
    _check_position(ahead, slots, handle)
    if not 0 <= p < 1:
        raise ValueError(f"a quantile of a wait is at least 0 and below 1, not {p}")
    if p == 0:
        return 0.0
    shape = ahead + 1
    low, high = 0.0, float(shape)
    while _erlang_cdf(shape, high) < p:
        low, high = high, 2 * high
    # the second condition ends it where floats have nothing in between
    while high - low > 1e-12 * high and low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _erlang_cdf(shape, middle) < p else (low, middle)
    return (low + high) / 2 * handle / slots


def _erlang_cdf(shape: int, x: float) -> float:
    """Return the probability that *shape* or more events of rate 1 happen within *x*, which is above 0."""
    # the Poisson probabilities on the smaller side of x, from the largest down, so that nothing that counts underflows
    early = x < shape
    i = shape if early else shape - 1
    term = math.exp(i * math.log(x) - x - math.lgamma(i + 1))
    total = 0.0
    while term > total * 1e-17 and i >= 0:
        total += term
        if early:
            i += 1
            term *= x / i
        else:
            term *= i / x
            i -= 1
    return total if early else 1 - total


@attrs.frozen
class WaitEstimate:
    """A wait as it is announced: a range, never a single number; made by :func:`estimate_wait`."""

    low: timedelta
    """Whole minutes of :data:`STEPS`: the median, rounded down but not below a minute."""
    high: timedelta
    """Whole minutes of :data:`STEPS`: what four in five waits do not exceed, rounded up."""
    p50: timedelta
    """The median, unrounded."""
    p80: timedelta
    """What four in five waits do not exceed, unrounded."""


def estimate_wait(ahead: int, slots: int, mean_handle: timedelta, completions: int) -> WaitEstimate | None:
    """Return how long somebody waits with *ahead* people before them in the order they will be served.

    *slots* is the number of conversations that those on duty can hold at once, all of them taken; *mean_handle* the
    mean time a slot is held, and *completions* how many conversations that mean is made of. None when nobody is on
    duty or there are fewer than :data:`MIN_COMPLETIONS`: no number is better than an invented one.

    :raises ValueError: *ahead*, *slots* or *completions* is negative, or *mean_handle* not positive.
    """
    if slots < 0 or completions < 0:
        raise ValueError(f"slots and completions are 0 or more, not {slots} and {completions}")
    handle = mean_handle.total_seconds()
    _check_position(ahead, max(slots, 1), handle)
    if slots == 0 or completions < MIN_COMPLETIONS:
        return None
    p50, p80 = (timedelta(seconds=position_quantile(ahead, slots, handle, p)) for p in (0.5, 0.8))
    return WaitEstimate(low=_round_down(p50), high=_round_up(p80), p50=p50, p80=p80)


def _round_down(wait: timedelta) -> timedelta:
    whole = wait // (STEPS[-1] * _MINUTE) * STEPS[-1]
    return (whole or max((step for step in STEPS if step * _MINUTE <= wait), default=STEPS[0])) * _MINUTE


def _round_up(wait: timedelta) -> timedelta:
    for step in STEPS:
        if wait <= step * _MINUTE:
            return step * _MINUTE
    return -(-wait // (STEPS[-1] * _MINUTE)) * STEPS[-1] * _MINUTE


# ------------------------------------------------------------------------------------------------------------ checks


def _ceil(value: float) -> int:
    # a quotient that is whole but for rounding must not cost another agent
    return math.ceil(value - 1e-9)


def _check_load(agents: int, erlangs: float) -> None:
    if agents < 0 or not erlangs >= 0:
        raise ValueError(f"agents and load are 0 or more, not {agents} and {erlangs}")


def _check_handle(handle: float) -> None:
    if not 0 < handle < math.inf:
        raise ValueError(f"a handling time is above 0 seconds, not {handle}")


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} is between 0 and 1, not {value}")


def _check_position(ahead: int, slots: int, handle: float) -> None:
    if ahead < 0 or slots < 1:
        raise ValueError(f"a position has 0 or more ahead and 1 or more slots, not {ahead} and {slots}")
    _check_handle(handle)
