"""The numbers that describe one rendered face, and how they are drawn at random."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Dict, Optional, Sequence, Tuple

import numpy as np

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


@dataclass
class FaceParameters:
    """One face in one picture.

    Lengths are in units of the mean distance between the outer eye corners, angles in degrees,
    positions in
    fractions of the image side. ``left`` and ``right`` are the *image* sides of an upright frontal
    face.
    """

    identity: Dict[str, float] = field(
        default_factory=lambda: {k: v[0] for k, v in IDENTITY.items()}
    )
    # Expression
    jaw_open: float = 0.0  # 0 closed .. 1 wide open
    lips_part: float = 0.0  # 0 .. 1, lips apart with the jaw at rest (teeth show)
    smile: float = 0.0  # -0.7 (frown) .. 1
    pucker: float = 0.0  # 0 .. 1
    mouth_shift: float = 0.0  # -1 .. 1, sideways
    blink: Tuple[float, float] = (0.0, 0.0)  # 0 open .. 1 closed, (left, right)
    brow_raise: Tuple[float, float] = (0.0, 0.0)  # -1 .. 1, (left, right)
    gaze: Tuple[float, float] = (0.0, 0.0)  # -1 .. 1, right and down
    # Pose: positive yaw turns the face to the image's right, positive pitch lifts it, positive roll
    # is clockwise
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    center: Tuple[float, float] = (0.5, 0.5)
    scale: float = 0.28  # mean outer-eye distance / image side
    camera_distance: float = 9.0
    # Appearance
    skin: Tuple[float, float, float] = (150.0, 175.0, 222.0)  # BGR
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
    glasses: str = 'none'  # none, clear, dark
    light: Tuple[float, float, float] = (
        0.25,
        -0.4,
        0.88,
    )  # towards the light: right, down, to the viewer
    light_color: Tuple[float, float, float] = (1.0, 1.0, 1.0)
    ambient: float = 0.55
    occluder: str = 'none'  # none, hand, bar, scarf, microphone, patch
    blur: float = 0.0  # fraction of the image side
    motion_blur: float = 0.0
    noise: float = 0.0
    jpeg_quality: int = 95
    exposure: float = 1.0
    monochrome: bool = False
    # Everything that is random but carries no meaning (background, mottling, hair strands) comes
    # from this seed.
    appearance_seed: int = 0
    frame: int = 0  # of a sequence; changes the sensor noise only

    def mirrored(self) -> FaceParameters:
        """The parameters of the mirror image (landmarks mirror exactly, the random background does
        not).
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
            light=(-self.light[0], self.light[1], self.light[2]),
        )


def _truncated(
    rng: np.random.Generator, mean: float, std: float, low: float, high: float, spread: float = 1.0
) -> float:
    return float(np.clip(rng.normal(mean, std * spread), low, high))


def sample_identity(rng: np.random.Generator, spread: float = 1.0) -> Dict[str, float]:
    """Draw the proportions of a face: one value per entry of ``IDENTITY``."""
    return {name: _truncated(rng, *row, spread=spread) for name, row in IDENTITY.items()}


def sample_expression(rng: np.random.Generator, strength: float = 1.0) -> dict:
    """Draw an expression; ``strength`` above 1 gives the exaggerated ones of an expression test
    set.
    """
    open_mouth = rng.random() < 0.32 * min(strength, 2.5)
    jaw = rng.beta(1.5, 2.0) * min(0.7 * strength, 1.0) if open_mouth else 0.0
    part = rng.uniform(0.1, 1.0) if rng.random() < 0.45 else 0.0
    pucker = rng.uniform(0.2, 1.0) if rng.random() < 0.12 * strength else 0.0
    smile = float(np.clip(rng.normal(0.25, 0.4 * strength), -0.7, 1.0)) * (1.0 - pucker)
    squint = float(np.clip(rng.normal(0.05 + 0.15 * max(smile, 0), 0.12), 0, 0.6))
    blink = [squint, squint]
    draw = rng.random()
    if draw < 0.07:
        blink = [1.0, 1.0]
    elif draw < 0.10:
        blink[int(rng.integers(2))] = 1.0
    brow = float(np.clip(rng.normal(0.0, 0.4 * strength), -1, 1))
    asymmetry = float(rng.normal(0, 0.15 * strength))
    return dict(
        jaw_open=float(jaw),
        lips_part=float(part),
        smile=smile,
        pucker=float(pucker),
        mouth_shift=float(np.clip(rng.normal(0, 0.25 * strength), -1, 1)),
        blink=(float(blink[0]), float(blink[1])),
        brow_raise=(
            float(np.clip(brow + asymmetry, -1, 1)),
            float(np.clip(brow - asymmetry, -1, 1)),
        ),
        gaze=(float(np.clip(rng.normal(0, 0.4), -1, 1)), float(np.clip(rng.normal(0, 0.3), -1, 1))),
    )


# Light to dark, BGR.
_SKINS = np.array(
    [
        [168, 187, 230],
        [152, 178, 224],
        [134, 164, 214],
        [110, 148, 202],
        [80, 118, 176],
        [58, 88, 140],
        [42, 64, 104],
        [32, 47, 76],
    ],
    dtype=np.float64,
)
_HAIRS = np.array(
    [
        [22, 24, 28],
        [28, 36, 48],
        [35, 52, 78],
        [52, 84, 122],
        [95, 145, 190],
        [30, 58, 120],
        [150, 152, 155],
        [205, 208, 210],
    ],
    dtype=np.float64,
)
_IRISES = np.array(
    [[35, 50, 75], [45, 70, 105], [75, 110, 95], [140, 120, 85], [125, 115, 105]], dtype=np.float64
)


def sample_appearance(rng: np.random.Generator) -> dict:
    """Draw skin, hair, light and what lies on the face; nothing here moves a landmark."""
    tone = rng.beta(1.0, 1.5) * (len(_SKINS) - 1)
    low = min(int(tone), len(_SKINS) - 2)
    skin = _SKINS[low] + (tone - low) * (_SKINS[low + 1] - _SKINS[low])
    skin = np.clip(skin * rng.normal(1.0, 0.03, 3), 15, 250)
    hair = _HAIRS[rng.choice(len(_HAIRS), p=[0.25, 0.2, 0.16, 0.11, 0.09, 0.06, 0.07, 0.06])]
    if tone > 4.0:
        hair = _HAIRS[rng.choice([0, 0, 1, 6])]
    azimuth, elevation = rng.normal(0, 0.75), rng.normal(-0.35, 0.4)
    light = np.array(
        [
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
            np.cos(azimuth) * np.cos(elevation),
        ]
    )
    light[2] = max(light[2], 0.05)
    warm = rng.normal(0, 0.07)
    male = rng.random() < 0.5
    bearded = male and rng.random() < 0.45
    makeup = 0.0 if male or rng.random() < 0.5 else rng.uniform(0.2, 0.8)
    style = rng.choice(
        HAIR_STYLES, p=[0.62, 0.08, 0.03, 0.19, 0.08] if male else [0.17, 0.23, 0.5, 0.01, 0.09]
    )
    draw = rng.random()
    glasses = 'dark' if draw < 0.035 else 'clear' if draw < 0.17 else 'none'
    draw = rng.random()
    kinds = ('hand', 'bar', 'scarf', 'microphone', 'patch')
    occluder = kinds[int(rng.integers(len(kinds)))] if draw < 0.10 else 'none'
    return dict(
        skin=tuple(float(v) for v in skin),
        hair_color=tuple(float(v) for v in hair * rng.uniform(0.8, 1.2)),
        hair_style=str(style),
        hair_volume=float(rng.uniform(0.04, 0.16 if male else 0.26)),
        hairline=float(rng.uniform(-0.88, -0.6)),
        iris_color=tuple(float(v) for v in _IRISES[rng.choice(5, p=[0.38, 0.27, 0.1, 0.15, 0.1])]),
        lip_red=float(rng.uniform(0.2, 0.8)),
        makeup=float(makeup),
        beard=float(rng.uniform(0.15, 0.95)) if bearded else 0.0,
        mustache=float(rng.uniform(0.2, 0.95))
        if bearded or (male and rng.random() < 0.06)
        else 0.0,
        age=float(rng.beta(1.3, 2.0)),
        glasses=glasses,
        light=tuple(float(v) for v in light / np.linalg.norm(light)),
        light_color=(float(1 - warm), 1.0, float(1 + warm)),
        ambient=float(rng.uniform(0.32, 0.75)),
        occluder=occluder,
        blur=float(rng.exponential(0.0018)) if rng.random() < 0.5 else 0.0,
        motion_blur=float(rng.uniform(0.006, 0.025)) if rng.random() < 0.05 else 0.0,
        noise=float(min(rng.exponential(3.5), 14.0)),
        jpeg_quality=int(rng.integers(35, 98)),
        exposure=float(np.clip(rng.normal(1.0, 0.16), 0.55, 1.4)),
        monochrome=bool(rng.random() < 0.05),
        appearance_seed=int(rng.integers(2**31)),
    )


def sample_yaw(
    rng: np.random.Generator, yaw_range: Sequence[float], profile_share: float = 0.0
) -> float:
    """Draw |yaw| uniformly from ``yaw_range`` (degrees), a ``profile_share`` of them from its end
    up to 90.
    """
    low, high = float(yaw_range[0]), float(yaw_range[1])
    if not 0 <= low <= high <= 90:
        raise ValueError(
            f'yaw_range must satisfy 0 <= low <= high <= 90 degrees, got {tuple(yaw_range)}'
        )
    size = rng.uniform(high, 90) if rng.random() < profile_share else rng.uniform(low, high)
    return float(size if rng.random() < 0.5 else -size)


def sample_face_parameters(
    rng: np.random.Generator,
    yaw_range: Sequence[float] = (0.0, 60.0),
    profile_share: float = 0.1,
    pitch_range: float = 20.0,
    roll_range: float = 25.0,
    expression_strength: float = 1.0,
    attribute: Optional[str] = None,
) -> FaceParameters:
    """Draw a whole face.

    Args:
        rng: Source of randomness; the result depends on its state only.
        yaw_range: Smallest and largest |yaw| in degrees.
        profile_share: Share of faces drawn from the end of ``yaw_range`` up to 90 degrees instead.
        pitch_range: |pitch| stays below this, degrees.
        roll_range: |roll| stays below this, degrees.
        expression_strength: 1 for everyday expressions.
        attribute: One of WFLW's test attributes (``blur``, ``occlusion``, ``expression``,
            ``largepose``,
            ``illumination``, ``makeup``) that the picture must show; None leaves all to chance.

    Returns:
        FaceParameters: The face.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> face = sample_face_parameters(rng, yaw_range=(30, 45), profile_share=0)
        >>> 30 <= abs(face.yaw) <= 45
        True
    """
    if attribute not in (None, *ATTRIBUTES):
        raise ValueError(f'attribute must be None or one of {ATTRIBUTES}, got {attribute!r}')
    identity = sample_identity(rng)
    expression = sample_expression(rng, 2.2 if attribute == 'expression' else expression_strength)
    yaw = sample_yaw(rng, (50, 90) if attribute == 'largepose' else yaw_range, profile_share)
    appearance = sample_appearance(rng)
    if attribute == 'occlusion':
        appearance['occluder'] = str(rng.choice(['hand', 'bar', 'scarf', 'microphone', 'patch']))
    elif attribute == 'blur':
        appearance.update(blur=float(rng.uniform(0.008, 0.018)))
    elif attribute == 'makeup':
        appearance.update(makeup=float(rng.uniform(0.75, 1.0)), beard=0.0, mustache=0.0)
    elif attribute == 'illumination':
        side = 1.0 if rng.random() < 0.5 else -1.0
        light = np.array([side * 0.95, rng.uniform(-0.4, 0.2), 0.12])
        appearance.update(
            light=tuple(float(v) for v in light / np.linalg.norm(light)),
            ambient=0.12,
            exposure=float(rng.choice([0.5, 0.7, 1.4])),
        )
    return FaceParameters(
        identity=identity,
        yaw=yaw,
        pitch=float(np.clip(rng.normal(0, 0.6 * pitch_range), -pitch_range, pitch_range)),
        roll=float(rng.uniform(-roll_range, roll_range)),
        center=(float(0.5 + rng.uniform(-0.07, 0.07)), float(0.5 + rng.uniform(-0.07, 0.07))),
        scale=float(rng.uniform(0.23, 0.34)),
        camera_distance=float(rng.uniform(6.0, 14.0)),
        **expression,
        **appearance,
    )


ATTRIBUTES = ('blur', 'occlusion', 'expression', 'largepose', 'illumination', 'makeup')
FIELD_NAMES = tuple(f.name for f in fields(FaceParameters))
