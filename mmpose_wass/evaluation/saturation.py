"""How much a failure rate can still tell: the paper's Table 1, recomputed for a result file.

A rate over N faces moves in steps of 1/N. Where a model fails on one, three or two faces of a whole
test set, the rate says next to nothing about another model: the paper calls it *saturated*
(Section 3, Table 1). Counted per landmark the same result has K times as many units.
"""
from __future__ import annotations

import math
from typing import Any, Dict, List, Sequence, Tuple, Union

import numpy as np

from .functional import failure_rate_images, failure_rate_landmarks, image_errors
from .functional.failure_rate import check_threshold
from .result_reading import ResultFile

#: Thresholds of the table, as fractions: the paper's 10 %, and the other usual one.
TABLE_THRESHOLDS = (0.08, 0.10)

#: Up to so many failing images a rate is called saturated: chance moves a count of n by about its
#: root, a third of it at 9. The paper calls one to three saturated.
SATURATED_IMAGES = 9


def wilson_interval(failures: int, count: int, z: float = 1.959964) -> Tuple[float, float]:
    """Wilson's score interval of a rate: where it would lie on another sample of that size.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 1927. Unlike the textbook interval it is sound near 0, where saturated rates are.

    Args:
        failures (int): Failures among ``count`` independent units.
        count (int): Units.
        z (float): Quantile of the normal distribution; the default gives 95 %.

    Returns:
        tuple[float, float]: Lower and upper limit, fractions; NaN without units.

    Examples:
        >>> [round(100 * limit, 2) for limit in wilson_interval(3, 689)]
        [0.15, 1.27]
    """
    if not count:
        return float('nan'), float('nan')
    rate, weight = failures / count, z * z / count
    center = (rate + weight / 2) / (1 + weight)
    margin = z / (1 + weight) * math.sqrt(rate * (1 - rate) / count + weight / (4 * count))
    return max(0.0, center - margin), min(1.0, center + margin)


def failure_counts(result: Union[ResultFile, np.ndarray],
                   thresholds: Sequence[float] = TABLE_THRESHOLDS) -> List[Dict[str, Any]]:
    """Failing images and landmarks of an evaluation, and what one of them is worth.

    Args:
        result (ResultFile | np.ndarray): Of :func:`~mmpose_wass.evaluation.load_result`, or errors
            [N, K] as fractions, NaN where not scored.
        thresholds (Sequence[float]): Fractions of the normalisation distance.

    Returns:
        list[dict]: For each threshold:

        - ``threshold``;
        - ``images``, ``points``: faces and landmarks that are scored;
        - ``failing_images``, ``failing_points``: how many exceed it (strictly);
        - ``failing_images_any``: faces with at least one failing landmark;
        - ``FR_I``, ``FR_L``: rates in per cent (``FR_L`` is the mean over landmarks);
        - ``step_image``, ``step_point``: what one failing image or landmark adds, in per cent: the
          last rows of Table 1;
        - ``FR_I_low``, ``FR_I_high``: 95 % interval of ``FR_I`` (Wilson), in per cent;
        - ``saturated``: at most :data:`SATURATED_IMAGES` images fail.

    Raises:
        ValueError: If a threshold is not positive.

    Examples:
        >>> import numpy as np
        >>> row, = failure_counts(np.array([[.02, .3], [.02, .04]]), thresholds=[.1])
        >>> row['failing_images'], row['failing_points'], row['step_image'], row['step_point']
        (1, 1, 50.0, 25.0)
    """
    errors = np.asarray(getattr(result, 'errors', result))
    means = image_errors(errors)
    images = int((~np.isnan(means)).sum())
    points = int((~np.isnan(errors)).sum())
    rows = []
    for threshold in map(check_threshold, thresholds):
        with np.errstate(invalid='ignore'):
            failing = errors > threshold
            failing_images = int((means > threshold).sum())
        low, high = wilson_interval(failing_images, images)
        rows.append(dict(
            threshold=threshold,
            images=images,
            points=points,
            failing_images=failing_images,
            failing_points=int(failing.sum()),
            failing_images_any=int(failing.any(axis=1).sum()),
            FR_I=100 * failure_rate_images(errors, threshold),
            FR_L=100 * failure_rate_landmarks(errors, threshold),
            step_image=100 / images if images else float('nan'),
            step_point=100 / points if points else float('nan'),
            FR_I_low=100 * low,
            FR_I_high=100 * high,
            saturated=failing_images <= SATURATED_IMAGES))
    return rows


def saturation_table(results: Dict[str, ResultFile],
                     thresholds: Sequence[float] = TABLE_THRESHOLDS
                     ) -> Tuple[List[str], List[List[str]]]:
    """Table 1 for any number of evaluations, as text cells.

    Args:
        results (dict[str, ResultFile]): Evaluations by the name to show.
        thresholds (Sequence[float]): Fractions of the normalisation distance.

    Returns:
        tuple: Header, and a row for each evaluation and threshold.
    """
    header = ['result', 'landmarks', 'images', 'θ', 'failing images', 'FR_I %', '95 % interval',
              '1 image %', 'failing landmarks', 'FR_L %', '1 landmark %', 'saturated']
    rows = []
    for name, result in results.items():
        for row in failure_counts(result, thresholds):
            rows.append([
                name, f'{result.num_landmarks}', f'{row["images"]}', f'{row["threshold"]:g}',
                f'{row["failing_images"]}', f'{row["FR_I"]:.3g}',
                f'{row["FR_I_low"]:.2g}–{row["FR_I_high"]:.2g}', f'{row["step_image"]:.2g}',
                f'{row["failing_points"]}', f'{row["FR_L"]:.3g}', f'{row["step_point"]:.2g}',
                'yes' if row['saturated'] else 'no'
            ])
    return header, rows
