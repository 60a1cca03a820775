"""Draws faces at random: proportions, expression, pose and appearance."""
from __future__ import annotations

from typing import Dict, Optional, Sequence

import numpy as np

from .parameters import HAIR_STYLES, IDENTITY, OCCLUDERS, FaceParameters

# WFLW's test attributes.
ATTRIBUTES = ('blur', 'occlusion', 'expression', 'largepose', 'illumination', 'makeup')
# All colours BGR; skins from light to dark.
_SKINS = np.array([
    [168, 187, 230], [152, 178, 224], [134, 164, 214], [110, 148, 202], [80, 118, 176],
    [58, 88, 140], [42, 64, 104], [32, 47, 76]], dtype=np.float64)
_HAIRS = np.array([
    [22, 24, 28], [28, 36, 48], [35, 52, 78], [52, 84, 122], [95, 145, 190], [30, 58, 120],
    [150, 152, 155], [205, 208, 210]], dtype=np.float64)
_HAIR_SHARES = (0.25, 0.2, 0.16, 0.11, 0.09, 0.06, 0.07, 0.06)
_HAIRS_OF_DARK_SKIN = (0, 0, 1, 6)
_IRISES = np.array([
    [35, 50, 75], [45, 70, 105], [75, 110, 95], [140, 120, 85], [125, 115, 105]], dtype=np.float64)
_IRIS_SHARES = (0.38, 0.27, 0.1, 0.15, 0.1)
# Shares of HAIR_STYLES.
_STYLES_OF_MEN, _STYLES_OF_WOMEN = (0.62, 0.08, 0.03, 0.19, 0.08), (0.17, 0.23, 0.5, 0.01, 0.09)


def _clipped(value: float, low: float = -1.0, high: float = 1.0) -> float:
    return float(np.clip(value, low, high))


def _floats(values) -> tuple:
    return tuple(float(value) for value in values)


def sample_identity(rng: np.random.Generator) -> Dict[str, float]:
    """Draw the proportions of a face: one value per entry of ``IDENTITY``."""
    return {name: _clipped(rng.normal(mean, deviation), low, high)
            for name, (mean, deviation, low, high) in IDENTITY.items()}


def sample_expression(rng: np.random.Generator, strength: float = 1.0) -> dict:
    """Draw an expression.

    Args:
        rng: Source of randomness.
        strength: 1 for everyday expressions; above, the exaggerated ones of an expression test set.

    Returns:
        dict: Fields of ``FaceParameters``.
    """
    open_mouth = rng.random() < 0.32 * min(strength, 2.5)
    jaw = rng.beta(1.5, 2.0) * min(0.7 * strength, 1.0) if open_mouth else 0.0
    part = rng.uniform(0.1, 1.0) if rng.random() < 0.45 else 0.0
    pucker = rng.uniform(0.2, 1.0) if rng.random() < 0.12 * strength else 0.0
    smile = _clipped(rng.normal(0.25, 0.4 * strength), -0.7, 1.0) * (1.0 - pucker)
    squint = _clipped(rng.normal(0.05 + 0.15 * max(smile, 0), 0.12), 0, 0.6)
    blink = [squint, squint]
    draw = rng.random()
    if draw < 0.07:
        blink = [1.0, 1.0]
    elif draw < 0.10:
        blink[int(rng.integers(2))] = 1.0
    brow = _clipped(rng.normal(0.0, 0.4 * strength))
    asymmetry = float(rng.normal(0, 0.15 * strength))
    return dict(
        jaw_open=float(jaw),
        lips_part=float(part),
        smile=smile,
        pucker=float(pucker),
        mouth_shift=_clipped(rng.normal(0, 0.25 * strength)),
        blink=_floats(blink),
        brow_raise=(_clipped(brow + asymmetry), _clipped(brow - asymmetry)),
        gaze=(_clipped(rng.normal(0, 0.4)), _clipped(rng.normal(0, 0.3))))


def sample_appearance(rng: np.random.Generator) -> dict:
    """Draw skin, hair, light, camera and what lies on the face; nothing here moves a landmark."""
    tone = rng.beta(1.0, 1.5) * (len(_SKINS) - 1)
    low = min(int(tone), len(_SKINS) - 2)
    skin = _SKINS[low] + (tone - low) * (_SKINS[low + 1] - _SKINS[low])
    skin = np.clip(skin * rng.normal(1.0, 0.03, 3), 15, 250)
    hair = _HAIRS[rng.choice(len(_HAIRS), p=_HAIR_SHARES)]
    if tone > 4.0:
        hair = _HAIRS[rng.choice(_HAIRS_OF_DARK_SKIN)]
    azimuth, elevation = rng.normal(0, 0.75), rng.normal(-0.35, 0.4)
    light = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation),
                      np.cos(azimuth) * np.cos(elevation)])
    light[2] = max(light[2], 0.05)
    warm = rng.normal(0, 0.07)
    male = rng.random() < 0.5
    bearded = male and rng.random() < 0.45
    makeup = 0.0 if male or rng.random() < 0.5 else rng.uniform(0.2, 0.8)
    style = rng.choice(HAIR_STYLES, p=_STYLES_OF_MEN if male else _STYLES_OF_WOMEN)
    draw = rng.random()
    glasses = 'dark' if draw < 0.035 else 'clear' if draw < 0.17 else 'none'
    draw = rng.random()
    occluder = OCCLUDERS[int(rng.integers(len(OCCLUDERS)))] if draw < 0.10 else 'none'
    # The order of the draws is part of the data sets' definition.
    return dict(
        skin=_floats(skin),
        hair_color=_floats(hair * rng.uniform(0.8, 1.2)),
        hair_style=str(style),
        hair_volume=float(rng.uniform(0.04, 0.16 if male else 0.26)),
        hairline=float(rng.uniform(-0.88, -0.6)),
        iris_color=_floats(_IRISES[rng.choice(len(_IRISES), p=_IRIS_SHARES)]),
        lip_red=float(rng.uniform(0.2, 0.8)),
        makeup=float(makeup),
        beard=float(rng.uniform(0.15, 0.95)) if bearded else 0.0,
        mustache=(float(rng.uniform(0.2, 0.95))
                  if bearded or (male and rng.random() < 0.06) else 0.0),
        age=float(rng.beta(1.3, 2.0)),
        glasses=glasses,
        light=_floats(light / np.linalg.norm(light)),
        light_color=(float(1 - warm), 1.0, float(1 + warm)),
        ambient=float(rng.uniform(0.32, 0.75)),
        occluder=occluder,
        blur=float(rng.exponential(0.0018)) if rng.random() < 0.5 else 0.0,
        motion_blur=float(rng.uniform(0.006, 0.025)) if rng.random() < 0.05 else 0.0,
        noise=float(min(rng.exponential(3.5), 14.0)),
        jpeg_quality=int(rng.integers(35, 98)),
        exposure=_clipped(rng.normal(1.0, 0.16), 0.55, 1.4),
        monochrome=bool(rng.random() < 0.05),
        appearance_seed=int(rng.integers(2**31)))


def sample_yaw(rng: np.random.Generator, yaw_range: Sequence[float],
               profile_share: float = 0.0) -> float:
    """Draw a yaw in degrees, to either side.

    Args:
        rng: Source of randomness.
        yaw_range: Smallest and largest absolute yaw, drawn uniformly.
        profile_share: Share that is drawn from the range's end up to 90 degrees instead.

    Raises:
        ValueError: For a range beyond 0 to 90 degrees, or one that falls.
    """
    low, high = float(yaw_range[0]), float(yaw_range[1])
    if not 0 <= low <= high <= 90:
        raise ValueError(
            f'yaw_range must satisfy 0 <= low <= high <= 90 degrees, got {tuple(yaw_range)}')
    size = rng.uniform(high, 90) if rng.random() < profile_share else rng.uniform(low, high)
    return float(size if rng.random() < 0.5 else -size)


def sample_face_parameters(
        rng: np.random.Generator,
        yaw_range: Sequence[float] = (0.0, 60.0),
        profile_share: float = 0.1,
        pitch_range: float = 20.0,
        roll_range: float = 25.0,
        expression_strength: float = 1.0,
        attribute: Optional[str] = None) -> FaceParameters:
    """Draw a whole face.

    Args:
        rng: Source of randomness; the result depends on its state only.
        yaw_range: Smallest and largest absolute yaw in degrees.
        profile_share: Share of faces drawn from the end of ``yaw_range`` up to 90 degrees instead.
        pitch_range: Largest absolute pitch in degrees.
        roll_range: Largest absolute roll in degrees.
        expression_strength: 1 for everyday expressions.
        attribute: One of WFLW's test attributes (``ATTRIBUTES``) that the picture must show; None
            leaves all to chance.

    Returns:
        FaceParameters: The face.

    Raises:
        ValueError: For a wrong range or an unknown attribute.

    Example:
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
    appearance = {**sample_appearance(rng), **_showing(rng, attribute)}
    return FaceParameters(
        identity=identity,
        yaw=yaw,
        pitch=_clipped(rng.normal(0, 0.6 * pitch_range), -pitch_range, pitch_range),
        roll=float(rng.uniform(-roll_range, roll_range)),
        center=_floats(0.5 + rng.uniform(-0.07, 0.07, 2)),
        scale=float(rng.uniform(0.23, 0.34)),
        camera_distance=float(rng.uniform(6.0, 14.0)),
        **expression,
        **appearance)


def _showing(rng: np.random.Generator, attribute: Optional[str]) -> dict:
    """Fields of the appearance that make a picture show ``attribute``."""
    if attribute == 'occlusion':
        return dict(occluder=str(rng.choice(OCCLUDERS)))
    if attribute == 'blur':
        return dict(blur=float(rng.uniform(0.008, 0.018)))
    if attribute == 'makeup':
        return dict(makeup=float(rng.uniform(0.75, 1.0)), beard=0.0, mustache=0.0)
    if attribute == 'illumination':
        side = 1.0 if rng.random() < 0.5 else -1.0
        light = np.array([side * 0.95, rng.uniform(-0.4, 0.2), 0.12])
        return dict(light=_floats(light / np.linalg.norm(light)), ambient=0.12,
                    exposure=float(rng.choice([0.5, 0.7, 1.4])))
    return {}
