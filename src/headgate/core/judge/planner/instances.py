"""How much a blind pick of instances can prove at best, said before anything is deployed.

Where errors must be more than a blind pick of k of n instances explains (`exchange`), one look can never give a p-value
under 1/C(n, k), nor one interval an e-value over C(n, k): with few instances it takes many intervals.
"""

import math

from headgate.core.judge.evidence.alpha import needed
from headgate.core.judge.words import percent
from headgate.core.model.criteria import JudgeSpec


def smallest_p_value(n: int, k: int) -> float:
    """The smallest p-value that `k` of `n` instances can give: 1/C(n, k). Raises ValueError unless 0 < k < n."""
    if not 0 < k < n:
        raise ValueError(f"{k} of {n} instances are no comparison: both arms need one at least")
    return 1 / math.comb(n, k)


def too_few_instances(spec: JudgeSpec, stable: int, canary: int) -> str:
    """What a plan is told about its instances where a blind pick is asked for: a sentence, or nothing."""
    if not spec.exchangeable:
        return ""
    if min(stable, canary) < 2:  # noqa: PLR2004 - the second key needs several on both arms
        return f"{canary} and {stable} instances cannot be told apart by a blind pick: each arm needs two at least"
    smallest, enough = smallest_p_value(stable + canary, canary), needed(spec)
    if 1 / smallest >= enough:
        return ""
    looks = math.ceil(math.log(enough) / -math.log(smallest))
    return (
        f"{canary} of {stable + canary} instances: one interval proves at most 1 in {1 / smallest:.0f} "
        f"({percent(smallest)}, {percent(1 / enough)} is asked): it takes {looks} bad intervals at least"
    )
