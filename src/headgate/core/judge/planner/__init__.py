"""What a canary can see, said beforehand: how long a fault stays hidden, and how long a good version takes.

Closed form: the logarithm of the evidence is a sum over errors, so it drifts and spreads in proportion to time, and the
moment it reaches the threshold is nearly inverse Gaussian (Wald 1947; Siegmund 1985 for what it overshoots by). The
mixture's cost, the tempering by phi, the cap on an interval and the step's length are in it. Slow requests and business
signals are counts like errors; a limit is the same with the canary alone. Where fewer than ten
errors of the canary decide, `simulation` counts them one by one; its randomness is an input.
"""

from headgate.core.judge.planner.forecast import (
    Forecast,
    Sight,
    SignalForecast,
    StepForecast,
    forecast,
    stretches,
)
from headgate.core.judge.planner.ladder import Ladder, best_ladder, ladder_harm
from headgate.core.judge.planner.measured import measured
from headgate.core.judge.planner.passage import Passage, passage, soonest
from headgate.core.judge.planner.promotion import passing_s, promotion_s
from headgate.core.judge.planner.simulation import Draw, simulated
from headgate.core.judge.planner.tempering import watched
from headgate.core.judge.traffic import Stretch, Traffic, Workload
from headgate.core.judge.verdict.way import Watched

__all__ = [
    "Draw",
    "Forecast",
    "Ladder",
    "Passage",
    "Sight",
    "SignalForecast",
    "StepForecast",
    "Stretch",
    "Traffic",
    "Watched",
    "Workload",
    "best_ladder",
    "forecast",
    "ladder_harm",
    "measured",
    "passage",
    "passing_s",
    "promotion_s",
    "simulated",
    "soonest",
    "stretches",
    "watched",
]
