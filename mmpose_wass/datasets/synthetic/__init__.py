"""Rendered, exactly annotated faces in the official layouts of the face landmark data sets.

One parametric 3D face stands behind all landmark schemes. Conventions:

* Landmarks follow the semantics of the 300W and WFLW annotations: brows along their upper (and
  lower) edge, lids and lips
  on their rims, the nose's bridge down to its tip and its base along the nostrils' lower rim.
* The jaw line follows what is visible: on the side that is turned away it slides to the visible
  silhouette of the face.
* Other points that the head itself hides keep their projected 3D position; COFW's flags mark them
  as occluded.
* Whole-number coordinates are pixel centres, so a mirrored picture has ``x' = width - 1 - x``.
"""

from .motion import sample_sequence
from .parameters import FaceParameters, sample_face_parameters
from .render import RenderedFace, project_landmarks, render_face
from .schemes import to_scheme
from .shape import Camera, FaceShape
from .sheet import contact_sheet, mean_shape_error, sheet_of_dataset
from .splits import LAYOUTS
from .write import write_dataset

__all__ = [
    'LAYOUTS',
    'Camera',
    'FaceParameters',
    'FaceShape',
    'RenderedFace',
    'contact_sheet',
    'mean_shape_error',
    'project_landmarks',
    'render_face',
    'sample_face_parameters',
    'sample_sequence',
    'sheet_of_dataset',
    'to_scheme',
    'write_dataset',
]
