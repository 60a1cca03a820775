"""All that is known about how well a conversion fits: as text, CSV, JSON and pictures."""
from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Optional

import numpy as np

from .annotations import AnnotatedFaces
from .check import (
    ShapeCheck,
    check_on_annotations,
    check_on_rendered_faces,
    check_on_shapes,
    rendered_schemes,
)
from .common import CommonLandmarks
from .mean_shape import mean_shape_of_faces
from .scheme import get_scheme

# Turns of the heads in the picture of rendered faces, degrees.
_DRAWN_YAWS = (5, 20, 40, 60)
_DRAWN_SIZE = 320


@dataclass(frozen=True)
class CheckReport:
    """Residuals of a conversion.

    Attributes:
        shapes (ShapeCheck): The fit of the mean shapes.
        columns (dict[str, np.ndarray]): By kind of measurement, [C] distances in inter-ocular
            units.
        notes (tuple[str, ...]): What could not be measured, and what was left out.
    """
    shapes: ShapeCheck
    columns: Mapping[str, np.ndarray]
    notes: tuple

    @property
    def common(self) -> CommonLandmarks:
        """The conversion."""
        return self.shapes.common

    def text(self) -> str:
        """The table to print."""
        common = self.common
        width = max(18, *(len(key) + 2 for key in self.columns))
        lines = [
            f'{common.model_scheme} and {common.data_scheme}, variant {common.variant}: '
            f'{len(common)} common landmarks, {sum(common.named_equal)} of the same name',
            f'  source: {common.source}',
            *(f'  {note}' for note in self.notes),
            '  distances in inter-ocular units; on mean shapes after a fit of scale and shift; '
            '~ marks approximations',
            f'  {"":4}{"landmark":38}{common.model_scheme:26}{common.data_scheme:26}'
            + ''.join(f'{key:>{width}}' for key in self.columns)]
        for place, name in enumerate(common.names):
            lines.append(
                f'  {place:3} {" " if common.named_equal[place] else "~"} {name[:35]:36}'
                f'{points_text(common, "model", place):26}{points_text(common, "data", place):26}'
                + ''.join(f'{values[place]:{width}.4f}' for values in self.columns.values())
                + ('  <- look' if name in self.shapes.notable else ''))
        for label, value_of in (('mean', np.mean), ('max', np.max)):
            lines.append(f'  {label:94}' + ''.join(f'{value_of(values):{width}.4f}'
                                                   for values in self.columns.values()))
        return '\n'.join(lines)

    def summary(self) -> dict:
        """Numbers for ``residuals.json``."""
        common = self.common
        return dict(
            model_scheme=common.model_scheme,
            data_scheme=common.data_scheme,
            variant=common.variant,
            source=common.source,
            landmarks=len(common),
            named_equal=sum(common.named_equal),
            notable=self.shapes.notable,
            notes=list(self.notes),
            residuals={key: dict(mean=float(values.mean()), max=float(values.max()))
                       for key, values in self.columns.items()})

    def write(self, folder: Path) -> List[str]:
        """Write the pictures and the CSV.

        Args:
            folder (Path): Folder; it is made.

        Returns:
            list[str]: The files.
        """
        from .drawing import draw_check
        folder.mkdir(parents=True, exist_ok=True)
        common = self.common
        stem = f'{folder}/{common.model_scheme}_{common.data_scheme}_{common.variant}'
        written = [draw_check(self.shapes, f'{stem}.png'), f'{stem}.csv']
        with open(written[1], 'w', newline='', encoding='utf-8') as file:
            table = csv.writer(file)
            table.writerow(['landmark', 'named_equal', common.model_scheme, common.data_scheme,
                            *self.columns])
            for place, name in enumerate(common.names):
                table.writerow([
                    name, common.named_equal[place], points_text(common, 'model', place),
                    points_text(common, 'data', place),
                    *(f'{values[place]:.6f}' for values in self.columns.values())])
        if {common.model_scheme, common.data_scheme} <= rendered_schemes():
            written.append(_draw_rendered(common, f'{stem}_rendered.png'))
        return written


def report_on(common: CommonLandmarks,
              faces: Optional[Mapping[str, AnnotatedFaces]] = None,
              rendered: int = 100) -> CheckReport:
    """Measure a conversion in every way there is data for.

    Args:
        common (CommonLandmarks): The conversion.
        faces (Mapping[str, AnnotatedFaces], optional): Annotations by scheme. One side's replace
            the mean shape of that scheme; with both, images annotated in both are compared.
        rendered (int): Rendered faces to measure on; 0 for none.

    Returns:
        CheckReport: The residuals.

    Raises:
        ValueError: If annotations do not fit their scheme.
    """
    faces, notes = dict(faces or {}), []
    shapes = []
    for scheme in (common.model_scheme, common.data_scheme):
        own = faces.get(scheme)
        if own is not None:
            enough = own.valid.sum(axis=1) >= 2
            notes.append(f'{scheme}: mean shape of {int(enough.sum())} faces of {own.path}')
            if not enough.all():
                notes[-1] += f'; {int((~enough).sum())} with fewer than two landmarks left out'
            shapes.append(mean_shape_of_faces(own.points[enough], own.valid[enough],
                                              get_scheme(scheme).outer_eye_corners))
        else:
            shapes.append(None)
    check = check_on_shapes(common, *shapes)
    columns: Dict[str, np.ndarray] = {'mean shapes': check.residuals}
    if rendered:
        distances = check_on_rendered_faces(common, rendered)
        if distances is None:
            notes.append('rendered faces are not annotated in both schemes')
        else:
            columns['rendered, mean'] = distances.mean(axis=0)
            columns['rendered, max'] = distances.max(axis=0)
    if {common.model_scheme, common.data_scheme} <= set(faces):
        distances, unpaired = check_on_annotations(common, faces[common.model_scheme],
                                                   faces[common.data_scheme])
        notes.append(f'{len(distances)} images are annotated in both schemes, {unpaired} faces in '
                     'one only')
        if len(distances) and np.isfinite(distances).any(axis=0).all():
            columns['own images, mean'] = np.nanmean(distances, axis=0)
            columns['own images, max'] = np.nanmax(distances, axis=0)
        else:
            notes.append('too few of them have all landmarks, so they are not compared')
    return CheckReport(check, columns, tuple(notes))


def points_text(common: CommonLandmarks, side: str, place: int) -> str:
    """A group of indices as text.

    Args:
        common (CommonLandmarks): The conversion.
        side (str): ``'model'`` or ``'data'``.
        place (int): Which common landmark.

    Examples:
        >>> from mmpose_wass.landmarks import get_common_landmarks
        >>> points_text(get_common_landmarks('300w', 'cofw'), 'model', 5)
        '17, 21'
    """
    group = getattr(common, f'{side}_points')[place]
    weights = getattr(common, f'{side}_weights')
    if weights is None or weights[place] is None:
        return ', '.join(map(str, group))
    return ' + '.join(f'{weight:.2f}*{point}' for point, weight in zip(group, weights[place]))


def _draw_rendered(common: CommonLandmarks, path: str) -> str:
    from mmpose_wass.datasets.synthetic import render_face, sample_face_parameters, to_scheme

    from .drawing import draw_check_on_faces
    random = np.random.default_rng(1)
    faces = [render_face(sample_face_parameters(random, (0.0, yaw), 0.0), _DRAWN_SIZE,
                         degraded=False) for yaw in _DRAWN_YAWS]
    model, data = (
        np.stack([take(to_scheme(face.landmarks, scheme))[0] for face in faces])
        for take, scheme in ((common.model_landmarks, common.model_scheme),
                             (common.data_landmarks, common.data_scheme)))
    return draw_check_on_faces(common, [face.image for face in faces], model, data, path)
