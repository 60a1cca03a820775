"""All pictures of a page that its records allow."""
from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Sequence

from .calibration import SIGNALS, draw_calibration
from .cumulative import draw_cumulative_errors
from .gradient_descent import draw_gradient_descent
from .gradient_maps import draw_gradient_over_map
from .gradient_training import draw_gradient_through_training, logged_gradients
from .levels import COLUMNS, draw_level_curves
from .systems import DrawnSystem, FilePath, Groups
from .tradeoff import draw_tradeoff
from .training import draw_training_curves

#: Tests with a picture of their cumulative errors.
CUMULATIVE_TESTS = ('clean', 'occlusion_large', 'video_blur_large')


def draw_page_pictures(groups: Groups, folder: FilePath, systems: Sequence[Sequence[str]],
                       tradeoff: Sequence[Sequence[str]], calibrated: Sequence[Sequence[str]],
                       training: Sequence[str]) -> Dict[str, str]:
    """Draw what the records allow: systems without a record of a test are left out there.

    Args:
        groups: Records by experiment.
        folder: Where pictures go; it is made.
        systems: Triples of experiment, reading and label, of cumulative errors and levels.
        tradeoff: The same for the picture of precision against robustness.
        calibrated: The same for systems with a picture of their confidences each.
        training: Names of experiments with a training curve.

    Returns:
        dict[str, str]: File by the picture's name, in the order of the arguments; those that
        nothing can be drawn of are missing.
    """
    folder = Path(folder)
    drawn: Dict[str, str] = {}

    def put(name: str, function, *arguments, **options) -> None:
        drawn[name] = function(*arguments, folder / f'{name}.png', **options)

    for test in CUMULATIVE_TESTS:
        there = _there(groups, systems, [test])
        if there:
            put(f'cumulative_{test}', draw_cumulative_errors, groups, there, test)
    levels = [test for column in COLUMNS.values() for test in column.values()]
    there = _there(groups, systems, levels)
    if there:
        put('levels', draw_level_curves, groups, there)
    there = _there(groups, tradeoff, ['clean', 'occlusion_large'])
    if there:
        put('tradeoff', draw_tradeoff, groups, there)
    for experiment, reading, label in calibrated:
        if _there(groups, [(experiment, reading, label)], ['clean', 'occlusion_large']):
            known = groups[experiment][0].content['tests']['clean'][reading]['confidence']
            put(f'calibration_{experiment}', draw_calibration, groups, experiment, reading,
                [name for name in SIGNALS if name in known], title=label)
    names = [name for name in training if groups.get(name)]
    if names:
        put('training', draw_training_curves, groups, names)
    watched = [name for name in names if logged_gradients(groups[name][0])]
    if watched:
        put('gradient_through_training', draw_gradient_through_training, groups, watched)
    put('gradient_over_map', draw_gradient_over_map)
    put('gradient_descent', draw_gradient_descent)
    return drawn


def _there(groups: Groups, systems: Sequence[Sequence[str]],
           tests: Sequence[str]) -> List[DrawnSystem]:
    """Systems that a record holds all tests of."""
    found = [DrawnSystem(*system) for system in systems]
    return [system for system in found if groups.get(system.experiment) and all(
        system.reading in record.content['tests'].get(test, {})
        for record in groups[system.experiment] for test in tests)]
