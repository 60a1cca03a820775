#!/usr/bin/env python
"""Draws the figures of the documentation into docs/figures.

Everything shown is computed by this script. Three figures need trained models (--models), and the
last one reads what the benchmarks have written; without these they are left out, and the script
says so.
"""
from __future__ import annotations

import argparse
import json
import sys
from io import BytesIO
from pathlib import Path
from typing import Callable, Dict, List, Optional

import matplotlib

matplotlib.use('Agg')

import matplotlib.pyplot as plt
import matplotlib.ticker
import numpy as np
import torch
from mmengine.registry import init_default_scope
from PIL import Image
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'benchmarks')]

from methods import dense_potentials  # noqa: E402
from pairs import exact_transport, gaussian_map  # noqa: E402

from mmpose_wass.landmarks import get_scheme  # noqa: E402
from mmpose_wass.ot import (  # noqa: E402
    barycenter,
    disc_radius,
    softmax_map,
    wasserstein1,
)
from mmpose_wass.ot.graded import ACCURACIES  # noqa: E402
from mmpose_wass.ot.graded_geometry import GradedGeometry  # noqa: E402
from mmpose_wass.ot.grid import graded_axis  # noqa: E402
from mmpose_wass.robustness.models import read_models  # noqa: E402
from mmpose_wass.visualization.figures import (  # noqa: E402
    error_scale_figure,
    loss_landscape_figure,
    targets_figure,
)
from mmpose_wass.visualization.figures.loss_landscape import shades  # noqa: E402
from mmpose_wass.visualization.heatmaps import (  # noqa: E402
    heatmap_figure,
    side_by_side_figure,
    strips_figure,
)
from mmpose_wass.visualization.heatmaps.choose import (  # noqa: E402
    DEFAULT_LANDMARKS,
    choose_places,
    choose_rows,
)
from mmpose_wass.visualization.heatmaps.faces import (  # noqa: E402
    frontal_face,
    rendered_faces,
)
from mmpose_wass.visualization.heatmaps.predict import (  # noqa: E402
    FaceRunner,
    read_perturbation,
)

TARGET, PREDICTION, THIRD, FOURTH = '#2a7f4f', '#c1443c', '#34699a', '#8a6db0'
EXAMPLES = """\
examples:
  all figures; the last one from the benchmarks' own files:
    python benchmarks/loss_accuracy.py && python benchmarks/loss_speed.py
    python docs/make_figures.py
  two of them, elsewhere:
    python docs/make_figures.py --only shrinkage potential --out work_dirs/figures
  what two models see on rendered faces:
    python docs/make_figures.py --only heatmaps side_by_side failures \\
        --models l2.py l2.pth wass.py wass.pth
"""


def displacement(args) -> plt.Figure:
    """The paper's Figure 4: two Gaussians drift apart."""
    return loss_landscape_figure(compare_exact=True)


def targets(args) -> plt.Figure:
    """The paper's Figure 5: targets of several sigmas."""
    return targets_figure()


def error_scale(args) -> plt.Figure:
    """The paper's Figure 7: errors of 5 to 20 % on a face."""
    face = frontal_face()
    scheme = get_scheme(face.scheme)
    name = 'right_eye_inner_corner'
    return error_scale_figure(face.results['img'], face.results['keypoints'][0],
                              scheme.landmark_names.index(name), scheme.outer_eye_corners,
                              name=name.replace('_', ' '))


def heatmaps(args) -> Optional[plt.Figure]:
    """The paper's Figure 6: the heatmaps of a hidden landmark."""
    views = _views(args, 'heatmaps', count=120, shown=2, landmarks=DEFAULT_LANDMARKS)
    return views and heatmap_figure(choose_rows(views), list(views))


def side_by_side(args) -> Optional[plt.Figure]:
    """The paper's Figure 12: several models on the same faces."""
    views = _views(args, 'side_by_side', count=4, shown=4)
    return views and side_by_side_figure(views)


def failures(args) -> Optional[plt.Figure]:
    """What HeatmapVisualizationHook draws: the worst faces of the last model."""
    if not args.models:
        return _views(args, 'failures', 0, 0)
    last = argparse.Namespace(models=args.models[-2:], names=args.names[-1:])
    views = _views(last, 'failures', count=60, shown=2, pick='worst')
    return strips_figure(next(iter(views.values())), 'The worst faces (2), step 5')


def _views(args, figure: str, count: int, shown: int, landmarks=None,
           pick: str = 'first') -> Optional[dict]:
    """What the models of the command line make of rendered faces, partly hidden."""
    if not args.models:
        print(f'left out {figure}: it needs trained models, --models CONFIG CHECKPOINT ...')
        return None
    init_default_scope('mmpose')
    models = read_models(list(zip(args.models[::2], args.models[1::2])), args.names)
    runners = {model.name: FaceRunner(model.build(), model.cfg, model.scheme,
                                      read_perturbation('occlusion:large')) for model in models}
    faces = rendered_faces(count)
    places = choose_places(runners, faces, 'hidden' if landmarks else pick, shown,
                           landmarks=landmarks)
    return {name: runner.run([faces[place] for place in places])
            for name, runner in runners.items()}


def optimise(potential_of: Callable[[Tensor], Tensor], size: int, steps: int,
             start: Tensor) -> Tensor:
    """Minimise a loss over the logits with Adam; its derivative with respect to p is given."""
    logits = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=1e-3)
    for _ in range(steps):
        p = softmax_map(logits)
        optimizer.zero_grad()
        (p * potential_of(p.detach())).sum().backward()
        optimizer.step()
        schedule.step()
    return softmax_map(logits.detach())


def width(p: Tensor) -> float:
    """Standard deviation of a map along one axis, in pixels."""
    size = p.shape[-1]
    index = torch.arange(size, dtype=p.dtype)
    centre = barycenter(p)[0]
    variance = (((index[None, :] - centre[0])**2 + (index[:, None] - centre[1])**2) * p[0])
    return float((variance.sum() / 2).sqrt())


def shrinkage(args) -> plt.Figure:
    """What minimises plain entropic transport, against what minimises W1."""
    size, sigma, centre = 25, 1.5, (12, 12)
    q = torch.tensor(gaussian_map((size, size), centre, sigma))[None]
    # From a broad bump, off the centre by a pixel.
    start = torch.tensor(gaussian_map((size, size), (13, 12), 3.0)).log()[None]

    def entropic(epsilon: float, iterations: int) -> Callable[[Tensor], Tensor]:
        return lambda p: dense_potentials(p, q, epsilon, iterations)[0].view_as(p)

    def debiased(epsilon: float, iterations: int) -> Callable[[Tensor], Tensor]:

        def potential(p: Tensor) -> Tensor:
            cross = dense_potentials(p, q, epsilon, iterations)[0]
            own = sum(dense_potentials(p, p, epsilon, iterations)) / 2
            return (cross - own).view_as(p)

        return potential

    def graded(p: Tensor) -> Tensor:
        with torch.enable_grad():
            variable = p.clone().requires_grad_()
            wasserstein1(variable, q, radius=disc_radius(sigma)).sum().backward()
        return variable.grad

    found = {
        'entropic, ε = 1 px': (optimise(entropic(1.0, 40), size, 500, start), PREDICTION, '.-'),
        'debiased, ε = 1 px': (optimise(debiased(1.0, 40), size, 500, start), FOURTH, 'o:'),
        'graded solver': (optimise(graded, size, 500, start), THIRD, 'x-'),
    }
    epsilons = [.25, .35, .5, .7, 1.0, 1.4, 2.0]
    widths = [width(optimise(entropic(epsilon, int(40 / min(epsilon, 1))), size, 400, start))
              for epsilon in epsilons]

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    columns = np.arange(size) - centre[0]
    row = int(centre[1])
    axes[0].fill_between(columns, q[0, row].numpy(), color=TARGET, alpha=.25, lw=0, label='target')
    for label, (p, colour, style) in found.items():
        axes[0].plot(columns, p[0, row].numpy(), style, color=colour, ms=6, mfc='none',
                     label=f'{label}: σ = {width(p):.2f} px')
    axes[0].set(xlim=(-7, 7), ylim=(0, None), xlabel='column, px from the centre', ylabel='p',
                title=f'minimisers for a target of σ = {sigma} px')
    axes[0].legend(frameon=False, fontsize=8, loc='upper left')
    axes[0].set_ylim(0, 1.45 * max(float(p[0, row].max()) for p, _, _ in found.values()))
    axes[1].plot(epsilons, np.array(widths) / sigma, 'o-', color=PREDICTION,
                 label='plain entropic transport')
    axes[1].axhline(width(found['graded solver'][0]) / sigma, color=THIRD, label='graded solver')
    axes[1].axhline(1, color=TARGET, ls=':', label='target')
    axes[1].set(xlabel='ε, px', ylabel='σ of the minimiser ÷ σ of the target', ylim=(0, 1.15),
                title='the larger ε, the sharper')
    axes[1].legend(frameon=False, fontsize=8)
    return figure


def potential(args) -> plt.Figure:
    """A prediction with a stray mode, the exact potential, and the solver's."""
    size, sigma = 64, 1.5
    q = gaussian_map((size, size), (24, 34), sigma)
    p = .7 * gaussian_map((size, size), (26, 32), 2.0) + .3 * gaussian_map(
        (size, size), (48, 14), 2.5)
    value, exact = exact_transport(p, q)
    result = wasserstein1(torch.tensor(p)[None], torch.tensor(q)[None], radius=disc_radius(sigma),
                          return_result=True)
    found = result.potential[0].numpy()
    # Both are defined up to a constant: none where the mass lies.
    exact, found = (field - (p * field).sum() for field in (exact, found))
    figure, axes = plt.subplots(1, 4, figsize=(12.6, 3.3), layout='constrained')
    for maps, colour in ((p, PREDICTION), (q, TARGET)):
        axes[0].contourf(maps, levels=np.array([.01, .05, .15, .4, 1]) * maps.max(),
                         cmap=shades(colour))
    axes[0].set(title='target (green),\nprediction (red)', aspect='equal', xlim=(0, size - 1),
                ylim=(size - 1, 0))
    limits = dict(vmin=min(exact.min(), found.min()), vmax=max(exact.max(), found.max()))
    for axis, field, title in ((axes[1], exact, f'exact f\n$W_1$ = {value:.3f} px'),
                               (axes[2], found, f'graded solver\n{float(result.value):.3f} px')):
        image = axis.imshow(field, cmap='viridis', **limits)
        axis.contour(field, levels=np.arange(-60, 60, 5), colors='w', linewidths=.4)
        axis.set_title(title)
    figure.colorbar(image, ax=axes[1:3], shrink=.8).set_label('px')
    gradients = [p * field for field in (exact, found)]
    cosine = (gradients[0] * gradients[1]).sum() / np.prod(list(map(np.linalg.norm, gradients)))
    largest = np.abs(gradients[1]).max()
    image = axes[3].imshow(gradients[1], cmap='RdBu_r', vmin=-largest, vmax=largest)
    axes[3].set_title(f'gradient p (f − ⟨p, f⟩)\ncosine with exact {cosine:.5f}')
    figure.colorbar(image, ax=axes[3], shrink=.8)
    for axis in axes:
        axis.set(xticks=[0, 32, 63], yticks=[0, 32, 63])
    return figure


def geometry(args) -> plt.Figure:
    """Sinks and sources of the graded solver on a map of 64 x 64."""
    size, sigma, centre = 64, 1.5, np.array([25, 36])
    grading = ACCURACIES['fast'].grading
    graded = GradedGeometry((size, size), disc_radius(sigma), grading, torch.device('cpu'),
                            torch.float32)
    disc = graded.disc.numpy() + centre
    axis = graded_axis(grading.spacing, graded.radius, graded.span, grading.growth)
    x, y = (field.ravel()[graded.outer.numpy()] for field in np.meshgrid(axis, axis))
    figure, panels = plt.subplots(1, 2, figsize=(9, 4.3))
    for panel, reach in zip(panels, (None, 14)):
        panel.plot(x + centre[0], y + centre[1], 's', ms=3.5, color=THIRD, mfc='none',
                   label=f'{len(x)} outer nodes (sources)')
        panel.plot(*disc.T, '.', ms=2.5 if reach is None else 6, color=PREDICTION,
                   label=f'{len(disc)} pixels of the disc (sources and sinks)')
        panel.add_patch(plt.Rectangle((-.5, -.5), size, size, fill=False, color='.4'))
        panel.set(aspect='equal', xlabel='column', ylabel='row')
    panels[0].set(xlim=(-8, 72), ylim=(72, -8), title='the map (grey frame) and its sources')
    panels[1].set(xlim=(centre[0] - 14, centre[0] + 14), ylim=(centre[1] + 14, centre[1] - 14),
                  title=f'about the target: σ = {sigma} px, R = {graded.radius:g} px')
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='lower center', ncol=2, frameon=False)
    figure.subplots_adjust(bottom=.22)
    return figure


def accuracy_and_time(args) -> Optional[plt.Figure]:
    """Error against time of all methods, from the benchmarks' files."""
    files = args.results / 'loss_accuracy.json', args.results / 'loss_speed.json'
    lacking = [str(file) for file in files if not file.is_file()]
    if lacking:
        print(f'left out accuracy_and_time: there is no {" and no ".join(lacking)}')
        return None
    accuracy, speed = (json.loads(file.read_text(encoding='utf-8')) for file in files)
    times = _times(speed, args.sigma)
    reference = times.get(speed['reference'])
    figure, axis = plt.subplots(figsize=(8.4, 4.6))
    shown: List[float] = []
    for label, summary in accuracy['summary'].items():
        if label not in times or summary['error_median'] <= 1e-7:
            print(f'not in accuracy_and_time: {label} '
                  f'({"exact" if label in times else "has no time"})')
            continue
        taken = times[label]['milliseconds']
        colour = THIRD if label.startswith('graded') else '.35'
        axis.plot([taken, taken], [summary['error_median'], summary['error_max']], '-',
                  color=colour, lw=1)
        axis.plot(taken, summary['error_median'], 'o', color=colour)
        axis.plot(taken, summary['error_max'], '_', color=colour, ms=9)
        marks = '~' if times[label]['maps_measured'] < times[label]['maps'] else ''
        # Next to another method's line, the label goes below it.
        below = any(abs(np.log10(taken / other)) < .1 for other in shown)
        axis.annotate(f'{marks}{label}', (taken, summary[f'error_{"median" if below else "max"}']),
                      xytext=(0, -5 if below else 5), textcoords='offset points', fontsize=7.5,
                      color=colour, rotation=-18 if below else 18, va='top' if below else 'bottom')
        shown.append(taken)
    if reference:
        axis.axvline(reference['milliseconds'], color=TARGET, ls=':')
        axis.text(reference['milliseconds'], 1.02, speed['reference'], color=TARGET, fontsize=8,
                  ha='center', transform=axis.get_xaxis_transform())
        maps, threads = reference['maps'], reference['threads']
        axis.set_xlabel(f'ms for {maps} maps of {speed["size"][0]} × {speed["size"][1]}, σ '
                        f'{args.sigma:g} px, forward + backward, {threads} '
                        f'thread{"s" if threads > 1 else ""} on {speed["device"]} '
                        '(~: scaled from fewer maps)', fontsize=8)
    axis.set(xscale='log', yscale='log',
             ylabel=f'relative error, median ● to maximum —,\n{accuracy["pair_count"]} pairs of '
             f'{" and ".join(accuracy["shapes"])}')
    axis.yaxis.set_major_formatter(
        matplotlib.ticker.FuncFormatter(lambda value, _: f'{100 * value:g} %'))
    low, high = axis.get_xlim()
    axis.set_xlim(low, high * 50)
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * 4)
    axis.grid(alpha=.25)
    return figure if shown else None


def _times(speed: dict, sigma: float) -> Dict[str, dict]:
    """The entry of each method at this sigma, with the fewest maps and threads measured."""
    times: Dict[str, dict] = {}
    for entry in sorted(speed['times'], key=lambda item: (item['threads'], item['maps'])):
        if abs(entry['sigma'] - sigma) < 1e-9:
            times.setdefault(entry['method'], entry)
    return times


FIGURES = dict(displacement=displacement, targets=targets, error_scale=error_scale,
               shrinkage=shrinkage, geometry=geometry, potential=potential, heatmaps=heatmaps,
               side_by_side=side_by_side, failures=failures, accuracy_and_time=accuracy_and_time)
#: No figure of the documentation is larger, bytes.
MOST = 190_000


def write(figure: plt.Figure, path: Path) -> None:
    """Write a figure; pictures of faces with fewer colours, and smaller where need be."""
    for dpi, step in ((110, 1), (110, 4), (95, 4), (95, 8), (80, 8), (70, 8)):
        drawn = BytesIO()
        figure.savefig(drawn, dpi=dpi)
        # Two or three bits less of each colour, without dithering, are hardly seen.
        pixels = np.array(Image.open(drawn).convert('RGB')).astype(int)
        pixels = np.clip((pixels + step // 2) // step * step, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(path, optimize=True)
        if path.stat().st_size <= MOST:
            return


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', nargs='+', choices=FIGURES, default=list(FIGURES), metavar='NAME',
                        help=f'figures to draw: {", ".join(FIGURES)} (default: all)')
    parser.add_argument('--out', type=Path, default=ROOT / 'docs/figures', metavar='DIR',
                        help='where they go (default: docs/figures)')
    parser.add_argument('--results', type=Path, default=ROOT / 'work_dirs/benchmarks',
                        metavar='DIR', help='folder with loss_accuracy.json and loss_speed.json '
                        '(default: work_dirs/benchmarks)')
    parser.add_argument('--models', nargs='+', default=[], metavar='FILE',
                        help='configs and checkpoints in pairs, for heatmaps, side_by_side and '
                        'failures')
    parser.add_argument('--names', nargs='+', default=[], metavar='NAME',
                        help='what to call them (default: by their files)')
    parser.add_argument('--sigma', type=float, default=1.5, metavar='PX',
                        help='sigma of the times shown (default: %(default)s)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    plt.rcParams.update({'font.size': 9, 'axes.spines.top': False, 'axes.spines.right': False,
                         'axes.titlesize': 10, 'savefig.bbox': 'tight'})
    for name in args.only:
        figure = FIGURES[name](args)
        if figure is None:
            continue
        path = args.out / f'{name}.png'
        write(figure, path)
        plt.close(figure)
        print(f'{path}: {path.stat().st_size / 1e3:.0f} kB')


if __name__ == '__main__':
    main()
