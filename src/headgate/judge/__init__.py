"""The judge alone, for those who bring their own traffic and their own measurements.

    from headgate.judge import Interval, Judge, JudgeSpec

    judge = Judge(JudgeSpec((ErrorRatio(),), alpha=0.01))
    verdict = judge.observe(Interval(at=15.0, stable=ArmCounts(1425, 1), canary=ArmCounts(75, 9), weight=5))
    verdict.kind, verdict.evidence, verdict.reason

`headgate judge` is the same over newline-delimited JSON. What is computed, for each interval with n1 canary and n0
stable requests of which x1 and x0 went badly (x = x1 + x0):

*Evidence against the canary.* Given x, x1 is binomial with q(r) = r n1 / (r n1 + n0) if the canary's bad share is r
times stable's. The e-process is the mixture over ratios r_k above the allowed r0 (`ErrorRatio.factor`) of

    E_k = product over intervals of [ (r_k / r0)^x1 ((r0 n1 + n0) / (r_k n1 + n0))^x ] ^ (1 / phi)

with half of the mass betting from the start and the rest from later moments, spread over `horizon_s`. phi is how
bursty errors are, learnt from stable alone or declared. While the canary is no worse than allowed, the mean of the
evidence is at most 1, so P(it ever reaches 1 / alpha) <= alpha, however often one looks (Ville 1939). The mixture:
Robbins 1970; anytime-valid inference: Howard, Ramdas, McAuliffe & Sekhon 2021; counts given their total: Lindon & Malek
2022; restarts: Shin, Ramdas & Rinaldo 2024.

*Evidence for the canary*, against "at least `worse` times worse and worse by at least `worse_by`": the safe test of two
proportions (Turner, Ly & Gruenwald 2024). `pass` is said once it has reached 1 / beta in the present step.

*Several metrics*: the weighted average of their e-values, valid under any dependence (Vovk & Wang 2021); culprits by
e-BH (Wang & Ramdas 2022). *Latency*: being over a bucket bound is an error like any other. *Means*: two proportions.

The formulas, and the reasons for each number, are beside the code in `headgate.core.judge`.
"""

from headgate.core.model.criteria import ErrorRatio, JudgeSpec, Latency, MeanCriterion
from headgate.core.model.verdict import Evidence, Verdict, VerdictKind
from headgate.judge.interval import ArmCounts, Buckets, InstanceCounts, Interval, MeanSum
from headgate.judge.judge import Answer, Judge, MetricAnswer, answer

__all__ = [
    "Answer",
    "ArmCounts",
    "Buckets",
    "ErrorRatio",
    "Evidence",
    "InstanceCounts",
    "Interval",
    "Judge",
    "JudgeSpec",
    "Latency",
    "MeanCriterion",
    "MeanSum",
    "MetricAnswer",
    "Verdict",
    "VerdictKind",
    "answer",
]
