"""Rendered, exactly annotated faces in the official layouts of the face landmark data sets.

One parametric 3D face stands behind all landmark schemes. Conventions:

* Landmarks follow the semantics of the 300W and WFLW annotations: brows along their upper (and
  lower) edge, lids and lips on their rims, the nose's bridge down to its tip, and its base along
  the nostrils' lower rim.
* The jaw line follows what is visible: on the side that is turned away it slides to the visible
  silhouette of the face.
* Other points that the head itself hides keep their projected 3D position; COFW's flags mark them
  as occluded.
* Whole-number coordinates are pixel centres, so a mirrored picture has ``x' = width - 1 - x``.

From the inside out: :mod:`.parameters` describe a face, :mod:`.sampling` and :mod:`.motion` draw
them at random, :mod:`.geometry` gives them a shape, :mod:`.painting` and :mod:`.render` a picture,
:mod:`.splits` and :mod:`.write` make data sets of pictures.
"""
from .geometry import Camera, FaceShape
from .motion import sample_sequence
from .parameters import FaceParameters
from .render import RenderedFace, project_landmarks, render_face
from .sampling import sample_face_parameters
from .schemes import to_scheme
from .sheet import contact_sheet, sheet_of_dataset
from .splits import LAYOUTS
from .write import write_dataset

__all__ = [
    'LAYOUTS', 'Camera', 'FaceParameters', 'FaceShape', 'RenderedFace', 'contact_sheet',
    'project_landmarks', 'render_face', 'sample_face_parameters', 'sample_sequence',
    'sheet_of_dataset', 'to_scheme', 'write_dataset'
]
