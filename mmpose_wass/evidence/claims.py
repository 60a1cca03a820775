"""The paper's claims as comparisons of systems, and what measurements say of them."""
from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping, Optional, Sequence, Tuple

from .records import Record
from .statistics import Estimate, System, difference

HOLDS, PARTLY, NOT_SEEN, CONTRADICTED, OPEN = (
    'holds', 'partly', 'not seen', 'contradicted', 'not measured')


@dataclass(frozen=True)
class Comparison:
    """One side of a claim: a system is better than another.

    Attributes:
        better (System): The one that the paper says is better.
        worse (System): The other.
        test (str): Name of the test.
        measure (str): Of ``statistics.MEASURES``; smaller is better.
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
    """
    source: str
    text: str
    comparisons: Tuple[Comparison, ...]


@dataclass(frozen=True)
class Finding:
    """A comparison and its difference, better less worse; None: not measured."""
    comparison: Comparison
    estimate: Optional[Estimate]


def check_claim(claim: Claim, groups: Mapping[str, Sequence[Record]]) -> Tuple[str,
                                                                             List[Finding]]:
    """What measurements say of a claim.

    Returns:
        tuple[str, list[Finding]]: ``'holds'`` if every difference has the claimed sign and its
        95 % interval leaves out 0; ``'partly'`` if some have; ``'contradicted'`` if none has and
        some have the opposite sign for certain; ``'not seen'`` if no interval leaves out 0;
        ``'not measured'`` if a comparison lacks its runs. And every difference.
    """
    findings = [Finding(one, difference(
        groups.get(one.better.experiment, ()), one.better.reading,
        groups.get(one.worse.experiment, ()), one.worse.reading, one.test, one.measure))
        for one in claim.comparisons]
    if any(found.estimate is None for found in findings):
        return OPEN, findings
    right = sum(found.estimate.high < 0 for found in findings)
    wrong = sum(found.estimate.low > 0 for found in findings)
    if right == len(findings):
        return HOLDS, findings
    if right:
        return PARTLY, findings
    return (CONTRADICTED if wrong else NOT_SEEN), findings


_L2, _L2_WIDE = System('l2_s1', 'max'), System('l2_s3', 'max')
_W, _W_WIDE = System('w_s1', 'bc'), System('w_s3', 'bc')


def _all(better: System, worse: System, tests: Sequence[str],
         measures: Sequence[str] = ('NME', 'FR_L@0.10')) -> Tuple[Comparison, ...]:
    return tuple(Comparison(better, worse, test, measure) for test in tests
                 for measure in measures)


#: In the order of the paper.
CLAIMS = (
    Claim('Table 2', 'The barycentre (GET_BC) improves a model trained with W and a large σ.',
          _all(_W_WIDE, System('w_s3', 'max'), ('clean', ))),
    Claim('Table 2', 'GET_BC ruins a model trained with L2.',
          _all(_L2, System('l2_s1', 'bc'), ('clean', ))
          + _all(_L2_WIDE, System('l2_s3', 'bc'), ('clean', ))),
    Claim('Tables 3, 6', 'W with a small σ is as precise as L2, or more.',
          _all(_W, _L2, ('clean', ), ('NME', ))),
    Claim('Table 8', 'W with σ 3 fails less than L2 with σ 1 under occlusion.',
          _all(_W_WIDE, _L2, ('occlusion_medium', 'occlusion_large'), ('FR_L@0.10', 'FR_L@0.20'))),
    Claim('Table 9', 'W with σ 3 is better than L2 with σ 1 under motion blur, on video.',
          _all(_W_WIDE, _L2, ('video_blur_medium', 'video_blur_large'))),
    Claim('Table 10', 'W beats Jensen-Shannon on equal terms (σ 1, GET_BC), on other data.',
          _all(_W, System('js', 'bc'), ('rendered_wflw', 'video'))),
    Claim('Table 10', 'W beats soft-arg-max on equal terms (σ 1, GET_BC), on other data.',
          _all(_W, System('softargmax', 'bc'), ('rendered_wflw', 'video'))),
    Claim('Sec. 7.2', 'A larger σ is more robust under challenging conditions …',
          _all(_W_WIDE, _W, ('occlusion_large', 'video_blur_large'), ('FR_L@0.10', 'FR_L@0.20'))),
    Claim('Sec. 7.2', '… and costs precision.', _all(_W, _W_WIDE, ('clean', ), ('NME', ))),
    Claim('Sec. 7.2', 'CoordConv with W and a small σ improves NME further.',
          _all(System('w_s1_coordconv', 'bc'), _W, ('clean', ), ('NME', ))),
    Claim('Tables 5, 7', 'W is better than L2 across data sets.',
          _all(_W_WIDE, _L2, ('imm73', 'rendered_wflw', 'rendered_aflw', 'video'))),
)
