"""The paper's claims as comparisons of systems, and what measurements say of them."""
from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from .statistics import Estimate, Evidence, System

HOLDS, PARTLY, MIXED, NOT_SEEN, UNDECIDED, CONTRADICTED, OPEN = (
    'holds', 'partly', 'mixed', 'not seen', 'cannot tell', 'contradicted', 'not measured')
#: An interval that reaches so far on both sides, as a share of the worse side's value, decides
#: nothing.
_WIDE = 0.2
#: Name of the measure that is of maps, not of landmarks.
FAR_MASS = 'far mass'


@dataclass(frozen=True)
class Comparison:
    """One side of a claim: a system is better than another.

    Attributes:
        better (System): The one that the paper says is better.
        worse (System): The other.
        test (str): Name of the test.
        measure (str): Of ``statistics.MEASURES``, or :data:`FAR_MASS`; smaller is better.
    """
    better: System
    worse: System
    test: str
    measure: str


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    Attributes:
        source (str): Where it stands.
        text (str): What it says.
        comparisons (tuple[Comparison, ...]): What has to be seen.
        equal (tuple[Comparison, ...]): The same with one way of reading maps and one sigma for
            both, where the paper's comparison changes several things at once.
    """
    source: str
    text: str
    comparisons: Tuple[Comparison, ...]
    equal: Tuple[Comparison, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A comparison and its difference, better less worse; None: not measured."""
    comparison: Comparison
    estimate: Optional[Estimate]


def check_claim(comparisons: Sequence[Comparison],
                evidence: Evidence) -> Tuple[str, List[Finding]]:
    """What measurements say of a claim.

    Args:
        comparisons: What has to be seen.
        evidence: The records.

    Returns:
        tuple[str, list[Finding]]: ``'holds'`` if every difference has the claimed sign and its
        95 % interval leaves out 0; ``'partly'`` if some have, ``'mixed'`` if others have the
        opposite sign for certain; ``'contradicted'`` if only the opposite is certain. If no
        interval leaves out 0: ``'cannot tell'`` where one holds both a gain and a loss of a fifth,
        else ``'not seen'``. ``'not measured'`` if a comparison lacks its runs. And every
        difference.
    """
    findings = [Finding(one, _difference(one, evidence)) for one in comparisons]
    if any(found.estimate is None for found in findings):
        return OPEN, findings
    certain = [found.estimate for found in findings if found.estimate.excludes_zero]
    right = sum(one.high < 0 for one in certain)
    wrong = len(certain) - right
    if right:
        return (HOLDS if right == len(findings) else MIXED if wrong else PARTLY), findings
    if wrong:
        return CONTRADICTED, findings
    return (UNDECIDED if any(_is_wide(found, evidence) for found in findings)
            else NOT_SEEN), findings


def _difference(one: Comparison, evidence: Evidence) -> Optional[Estimate]:
    if one.measure == FAR_MASS:
        return evidence.far_mass_difference(one.better, one.worse, one.test)
    return evidence.difference(one.better, one.worse, one.test, one.measure)


def _is_wide(found: Finding, evidence: Evidence) -> bool:
    one = found.comparison
    if one.measure == FAR_MASS:
        return False
    reach = _WIDE * evidence.estimate(one.worse, one.test, one.measure).value
    return found.estimate.low < -reach and found.estimate.high > reach


def _all(better: System, worse: System, tests: Sequence[str],
         measures: Sequence[str] = ('NME', 'FR_L@0.10')) -> Tuple[Comparison, ...]:
    return tuple(Comparison(better, worse, test, measure) for test in tests
                 for measure in measures)


# Maps here have half of the paper's 64 pixels: sigma 1.5 is the paper's 3, 1 is its 2.
_L2, _L2_LOCAL = System('l2_s1_rate8', 'max'), System('l2_s1_rate8', 'local')
_L2_WIDE = System('l2_s15_rate8', 'local')
_W, _W_WIDE = (System(f'w_{sigma}_rate8', 'bc') for sigma in ('s1', 's15'))
_JS = System('js_rate8', 'bc')
# At a learning rate of 1e-3, as those that it is compared with.
_SLOW, _SLOW_WIDEST = System('w_s1', 'bc'), System('w_s3', 'bc')
_RATES = ('FR_L@0.10', 'FR_L@0.20')

#: In the order of the paper.
CLAIMS = (
    Claim('Table 2', 'The barycentre (GET_BC) improves a model trained with W and a large σ.',
          _all(_W_WIDE, System('w_s15_rate8', 'max'), ('clean', ))),
    Claim('Table 2', 'GET_BC ruins a model trained with L2.',
          _all(_L2, System('l2_s1_rate8', 'bc'), ('clean', ))
          + _all(System('l2_s15_rate8', 'max'), System('l2_s15_rate8', 'bc'), ('clean', ))),
    Claim('Tables 3, 6', 'W with a small σ is more precise than L2.',
          _all(_W, _L2, ('clean', ), ('NME', )), _all(_W, _L2_LOCAL, ('clean', ), ('NME', ))),
    Claim('Table 8', 'W with a large σ fails less than L2 under occlusion.',
          _all(_W_WIDE, _L2, ('occlusion_medium', 'occlusion_large'), _RATES),
          _all(_W_WIDE, _L2_WIDE, ('occlusion_medium', 'occlusion_large'), _RATES)),
    Claim('Table 9', 'W with a large σ is better than L2 under motion blur, on video.',
          _all(_W_WIDE, _L2, ('video_blur_medium', 'video_blur_large')),
          _all(_W_WIDE, _L2_WIDE, ('video_blur_medium', 'video_blur_large'))),
    Claim('Table 10', 'W beats Jensen-Shannon on equal terms (σ 1, GET_BC), on other data.',
          _all(_W, _JS, ('rendered_wflw', 'video'))),
    Claim('Table 10', 'W beats soft-arg-max on equal terms (σ 1, GET_BC), on other data.',
          _all(_SLOW, System('softargmax', 'bc'), ('rendered_wflw', 'video'))),
    Claim('Table 10', 'W beats L2 of softmaxed maps on equal terms (σ 1, GET_BC), on other data.',
          _all(_W, System('softmax_mse_rate8', 'bc'), ('rendered_wflw', 'video'))),
    Claim('Sec. 7.2', 'A larger σ is more robust under challenging conditions …',
          _all(_W_WIDE, _W, ('occlusion_large', 'video_blur_large'), _RATES)
          + _all(_SLOW_WIDEST, _SLOW, ('occlusion_large', 'video_blur_large'), _RATES)),
    Claim('Sec. 7.2', '… and costs precision.',
          _all(_W, _W_WIDE, ('clean', ), ('NME', ))
          + _all(_SLOW, _SLOW_WIDEST, ('clean', ), ('NME', ))),
    Claim('Sec. 7.2', 'CoordConv with W and a small σ improves NME further.',
          _all(System('w_s1_coordconv', 'bc'), _SLOW, ('clean', ), ('NME', ))),
    Claim('Tables 5, 7', 'W is better than L2 across data sets.',
          _all(_W_WIDE, _L2, ('imm73', 'rendered_wflw', 'rendered_aflw', 'video')),
          _all(_W_WIDE, _L2_WIDE, ('imm73', 'rendered_wflw', 'rendered_aflw', 'video'))),
    Claim('Figure 6', 'Maps trained with W have no spurious activations, those of L2 do.',
          _all(_W, _L2, ('clean', 'occlusion_large', 'video_blur_large'), (FAR_MASS, )),
          _all(_W_WIDE, _L2_WIDE, ('clean', 'occlusion_large', 'video_blur_large'), (FAR_MASS, ))),
)
