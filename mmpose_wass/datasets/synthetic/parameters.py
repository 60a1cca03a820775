"""The numbers that describe one rendered face."""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, Tuple

# name: (mean, standard deviation, smallest, largest). All are factors or offsets of the mean shape.
IDENTITY: Dict[str, Tuple[float, float, float, float]] = {
    'face_width': (1.0, 0.055, 0.88, 1.13),
    'jaw_width': (1.0, 0.07, 0.82, 1.16),
    'chin_length': (1.0, 0.09, 0.78, 1.22),
    'chin_point': (0.0, 0.5, -1.0, 1.0),
    'profile_depth': (1.0, 0.05, 0.88, 1.12),
    'forehead_slope': (0.0, 0.04, -0.08, 0.08),
    'chin_forward': (0.0, 0.045, -0.09, 0.09),
    'eye_size': (1.0, 0.08, 0.84, 1.16),
    'eye_opening': (1.0, 0.16, 0.65, 1.35),
    'eye_spacing': (0.0, 0.012, -0.025, 0.025),
    'eye_tilt': (0.0, 0.014, -0.03, 0.03),
    'brow_height': (0.0, 0.028, -0.05, 0.06),
    'brow_arch': (1.0, 0.3, 0.3, 1.7),
    'brow_thickness': (1.0, 0.25, 0.5, 1.6),
    'brow_tilt': (0.0, 0.02, -0.04, 0.04),
    'brow_length': (1.0, 0.06, 0.85, 1.12),
    'nose_width': (1.0, 0.13, 0.75, 1.35),
    'nose_length': (1.0, 0.07, 0.85, 1.16),
    'nose_height': (1.0, 0.14, 0.7, 1.3),
    'nose_bridge': (0.0, 0.03, -0.06, 0.06),
    'philtrum': (1.0, 0.14, 0.7, 1.35),
    'mouth_width': (1.0, 0.09, 0.8, 1.22),
    'upper_lip': (1.0, 0.25, 0.5, 1.6),
    'lower_lip': (1.0, 0.22, 0.55, 1.6),
    'cheek': (1.0, 0.5, 0.0, 2.0),
}

HAIR_STYLES = ('short', 'fringe', 'long', 'bald', 'beanie')
OCCLUDERS = ('hand', 'bar', 'scarf', 'microphone', 'patch')


@dataclass
class FaceParameters:
    """One face in one picture.

    Lengths are in units of the mean distance between the outer eye corners, angles in degrees,
    positions in fractions of the image side, colours BGR. Left and right are the *image* sides of
    an upright frontal face.

    Attributes:
        identity: Proportions, one value per entry of ``IDENTITY``.
        jaw_open: 0 (closed) to 1 (wide open).
        lips_part: 0 to 1, lips apart with the jaw at rest, so that teeth show.
        smile: -0.7 (frown) to 1.
        pucker: 0 to 1.
        mouth_shift: -1 to 1, sideways.
        blink: (left, right), 0 (open) to 1 (closed).
        brow_raise: (left, right), -1 to 1.
        gaze: (right, down), -1 to 1.
        yaw: Positive turns the face to the image's right.
        pitch: Positive lifts it.
        roll: Positive leans it clockwise.
        center: Where the head's pivot is seen.
        scale: Mean distance between the outer eye corners, as a fraction of the image side.
        camera_distance: From the pivot to the camera.
        skin, hair_color, iris_color: Colours.
        hair_style: One of ``HAIR_STYLES``.
        hair_volume: Thickness of the hair.
        hairline: Height of the hairline.
        lip_red, makeup, beard, mustache, age: 0 to 1.
        glasses: ``none``, ``clear`` or ``dark``.
        light: Towards the light: right, down, to the viewer.
        light_color: Factor of each channel.
        ambient: Share of the light that comes from everywhere.
        occluder: ``none`` or one of ``OCCLUDERS``.
        blur: Standard deviation, as a fraction of the image side.
        motion_blur: Length, as a fraction of the image side.
        noise: Standard deviation of the sensor's noise, of 255.
        jpeg_quality: OpenCV's, 0 to 100.
        exposure: Factor of the brightness.
        monochrome: Whether the picture is grey.
        appearance_seed: All that is random but carries no meaning (background, mottling, hair
            strands) comes from it.
        frame: Of a sequence; changes the sensor's noise only.
    """

    identity: Dict[str, float] = field(
        default_factory=lambda: {name: row[0] for name, row in IDENTITY.items()})
    # Expression
    jaw_open: float = 0.0
    lips_part: float = 0.0
    smile: float = 0.0
    pucker: float = 0.0
    mouth_shift: float = 0.0
    blink: Tuple[float, float] = (0.0, 0.0)
    brow_raise: Tuple[float, float] = (0.0, 0.0)
    gaze: Tuple[float, float] = (0.0, 0.0)
    # Pose
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    center: Tuple[float, float] = (0.5, 0.5)
    scale: float = 0.28
    camera_distance: float = 9.0
    # Appearance
    skin: Tuple[float, float, float] = (150.0, 175.0, 222.0)
    hair_color: Tuple[float, float, float] = (35.0, 45.0, 60.0)
    hair_style: str = 'short'
    hair_volume: float = 0.12
    hairline: float = -0.72
    iris_color: Tuple[float, float, float] = (60.0, 80.0, 105.0)
    lip_red: float = 0.5
    makeup: float = 0.0
    beard: float = 0.0
    mustache: float = 0.0
    age: float = 0.2
    glasses: str = 'none'
    light: Tuple[float, float, float] = (0.25, -0.4, 0.88)
    light_color: Tuple[float, float, float] = (1.0, 1.0, 1.0)
    ambient: float = 0.55
    occluder: str = 'none'
    # Camera
    blur: float = 0.0
    motion_blur: float = 0.0
    noise: float = 0.0
    jpeg_quality: int = 95
    exposure: float = 1.0
    monochrome: bool = False
    appearance_seed: int = 0
    frame: int = 0

    def mirrored(self) -> FaceParameters:
        """The mirror image's parameters.

        Landmarks mirror exactly, the random background does not.
        """
        return replace(
            self,
            mouth_shift=-self.mouth_shift,
            blink=self.blink[::-1],
            brow_raise=self.brow_raise[::-1],
            gaze=(-self.gaze[0], self.gaze[1]),
            yaw=-self.yaw,
            roll=-self.roll,
            center=(1.0 - self.center[0], self.center[1]),
            light=(-self.light[0], self.light[1], self.light[2]))
