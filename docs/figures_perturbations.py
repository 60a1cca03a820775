#!/usr/bin/env python
"""Draws the perturbations (the form of the paper's Figure 3) into docs/figures/perturbations.png.

Faces are rendered by the plugin; occlusion and blur are the registered transforms with the
protocol's levels.
"""
from __future__ import annotations

import argparse
import sys
from io import BytesIO
from pathlib import Path
from typing import List

import matplotlib

matplotlib.use('Agg')

import matplotlib.pyplot as plt
import numpy as np
from mmengine.registry import init_default_scope
from mmpose.registry import TRANSFORMS
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import mmpose_wass  # noqa: E402,F401  (registers the transforms)
from mmpose_wass.datasets.perturbations import get_protocol  # noqa: E402
from mmpose_wass.datasets.synthetic import (  # noqa: E402
    project_landmarks,
    render_face,
    sample_sequence,
    to_scheme,
)

VISIBLE, HIDDEN, MOTION, BOX = '#009E73', '#D55E00', '#E69F00', '#56B4E9'
SIDE = 320
#: Seed and frame of the sequence that each example is taken from.
EXAMPLES = ((21, 24), (8, 12))
EPILOG = """\
examples:
  python docs/figures_perturbations.py
  python docs/figures_perturbations.py --out work_dirs/figures
"""


def frames_of(seed: int, frame: int) -> List[dict]:
    """A frame as a pipeline's results, with the landmarks of its neighbours."""
    sequence = sample_sequence(np.random.default_rng(seed), frame + 2, 'S1')
    points = [to_scheme(project_landmarks(sequence[index], SIDE), '300w').astype(np.float32)[None]
              for index in (frame - 1, frame, frame + 1)]
    low, high = points[1][0].min(axis=0), points[1][0].max(axis=0)
    center, half = (low + high) / 2, (high - low).max() / 2
    return dict(
        img=render_face(sequence[frame], SIDE, degraded=False).image,
        img_path=f'{seed}/{frame}.png',
        image_identity=f'figure {seed}/{frame}',
        bbox=np.concatenate([center - half, center + half])[None].astype(np.float32),
        keypoints=points[1], prev_keypoints=points[0], frame_keypoints=points[1],
        next_keypoints=points[2])


def draw_face(axis: plt.Axes, results: dict, title: str) -> None:
    """The part of the image that a model sees, with box and landmarks."""
    box, points = results['bbox'][0], results['keypoints'][0]
    hidden = results.get('occluded', np.zeros((1, len(points)), bool))[0]
    axis.imshow(results['img'][..., ::-1], interpolation='bilinear')
    axis.add_patch(plt.Rectangle(box[:2], *(box[2:] - box[:2]), fill=False, color=BOX, lw=1))
    for mask, colour in ((~hidden, VISIBLE), (hidden, HIDDEN)):
        axis.plot(*points[mask].T, '.', ms=3, color=colour)
    center, half = (box[:2] + box[2:]) / 2, .625 * (box[2] - box[0])
    axis.set(xlim=(center[0] - half, center[0] + half), ylim=(center[1] + half, center[1] - half),
             xticks=[], yticks=[], title=title)
    for spine in axis.spines.values():
        spine.set_visible(False)


def draw_motion(axis: plt.Axes, results: dict) -> None:
    """An arrow along the motion of the nose, longer than the motion is."""
    landmark = get_protocol()['motion_blur']['landmark']
    start, end = (results[name][0, landmark] for name in ('prev_keypoints', 'next_keypoints'))
    side = results['bbox'][0, 2] - results['bbox'][0, 0]
    step = (end - start) / np.linalg.norm(end - start) * .16 * side
    middle = results['keypoints'][0, landmark]
    axis.annotate('', middle + step, middle - step, zorder=5,
                  arrowprops=dict(arrowstyle='-|>', color=MOTION, lw=2, shrinkA=0, shrinkB=0))


def perturbations(args=None) -> plt.Figure:
    """Occlusion and motion blur, untouched, medium and large, on two faces."""
    init_default_scope('mmpose')
    kinds = dict(occlusion='SyntheticOcclusion', motion_blur='SyntheticMotionBlur')
    figure, axes = plt.subplots(2, 3 * len(EXAMPLES), figsize=(11.4, 4.2), layout='constrained')
    for row, (name, kind) in enumerate(kinds.items()):
        for number, example in enumerate(EXAMPLES):
            results = frames_of(*example)
            first = axes[row, 3 * number]
            draw_face(first, results, 'untouched' if row == 0 else 'motion of the nose')
            if row == 1:
                draw_motion(first, results)
            for column, (level, severity) in enumerate(get_protocol()[name]['levels'].items(), 1):
                perturbed = TRANSFORMS.build(dict(type=kind, level=level))(dict(results))
                draw_face(axes[row, 3 * number + column], perturbed, f'{level} ({severity:g})')
        axes[row, 0].set_ylabel(name.replace('_', ' '), fontsize=11)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=ROOT / 'docs/figures', metavar='DIR',
                        help='where it goes (default: docs/figures)')
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    plt.rcParams.update({'font.size': 9, 'axes.titlesize': 9, 'savefig.bbox': 'tight'})
    path = args.out / 'perturbations.png'
    drawn = BytesIO()
    perturbations().savefig(drawn, dpi=85)
    # Two bits less of each colour, without dithering, are not seen and save a third of the file.
    pixels = np.array(Image.open(drawn).convert('RGB')).astype(int)
    Image.fromarray(np.clip((pixels + 2) // 4 * 4, 0, 255).astype(np.uint8)).save(
        path, optimize=True)
    print(f'{path}: {path.stat().st_size / 1e3:.0f} kB')


if __name__ == '__main__':
    main()
