"""Ours against the baseline that is hardest to beat, under the same conditions."""
from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

from .statistics import Estimate, Evidence, System

#: The line: so much less of ... in per cent.
FEWER_FAILURES = 20.0
#: ... this measure on this test.
ROBUSTNESS = ('occlusion_large', 'FR_L@0.10')
PRECISION = ('clean', 'NME')


@dataclass(frozen=True)
class Contest:
    """One row.

    Attributes:
        augmented (str): Whether training images of both were augmented.
        trick (str): What both have at test time.
        ours (System): Our system, in its best reading.
        baseline (System): The baseline that fails least, in its best reading.
        clean (Estimate): Difference of the clean NME.
        ratio (Estimate): Change of the failure rate in per cent.
        our_rate (float): Our failure rate in per cent.
        base_rate (float): The baseline's.
        is_met (bool): Clean NME not above the baseline's interval, and so many fewer failures.
    """
    augmented: str
    trick: str
    ours: System
    baseline: System
    clean: Estimate
    ratio: Estimate
    our_rate: float
    base_rate: float
    is_met: bool


def hold_contest(evidence: Evidence, name: str, baselines: Sequence[str], readings: Sequence[str],
                 augmented: str, trick: str) -> Optional[Contest]:
    """Compare a system of ours with the hardest baseline.

    Args:
        evidence: The records.
        name: Experiment of ours.
        baselines: Experiments of baselines.
        readings: Ways of reading that have the trick; each side has its best one.
        augmented: What the row says of augmentation.
        trick: What the row says of tricks.

    Returns:
        Contest | None: None if one side was not run.
    """
    ours = _least_failures(evidence, [name], readings)
    baseline = _least_failures(evidence, baselines, readings)
    if ours is None or baseline is None:
        return None
    own, other = (evidence.estimate(system, *PRECISION) for system in (ours, baseline))
    found = evidence.ratio(ours, baseline, *ROBUSTNESS)
    return Contest(
        augmented, trick, ours, baseline, evidence.difference(ours, baseline, *PRECISION), found,
        *(evidence.estimate(system, *ROBUSTNESS).value for system in (ours, baseline)),
        is_met=own.value <= other.high and found.value <= -FEWER_FAILURES)


def _least_failures(evidence: Evidence, names: Sequence[str],
                    readings: Sequence[str]) -> Optional[System]:
    found: List[tuple] = []
    for name in names:
        for reading in readings:
            system = System(name, reading)
            value = evidence.estimate(system, *ROBUSTNESS)
            if value is not None and evidence.estimate(system, *PRECISION) is not None:
                found.append((value.value, system))
    return min(found, key=lambda one: one[0])[1] if found else None
