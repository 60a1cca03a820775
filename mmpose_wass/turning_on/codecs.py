"""Turn MMPose's heatmap codecs into :class:`BarycenterCodec`, in every place of a config."""

from __future__ import annotations

from typing import Any

from .config_walk import find_typed, rewrite_typed, type_name

CONVERTIBLE_CODECS = ('MSRAHeatmap', 'UDPHeatmap', 'MegviiHeatmap', 'BarycenterCodec')
COORDINATES = ('half_pixel', 'mmpose', 'udp')

# The sigma that a codec uses when its config names none (heatmap pixels).
_DEFAULT_SIGMA = dict(UDPHeatmap=2.0, BarycenterCodec=1.5)


def codec_sigma(codec: dict) -> float:
    """Return the standard deviation of the Gaussian that a heatmap codec draws.

    Args:
        codec: The config of an ``MSRAHeatmap``, ``UDPHeatmap``, ``MegviiHeatmap`` or
            ``BarycenterCodec``.

    Returns:
        float: Sigma in heatmap pixels. For ``MegviiHeatmap``, which only names the size of an
        OpenCV blur kernel, it is the sigma that OpenCV derives from that size:
        ``0.3 * ((size - 1) / 2 - 1) + 0.8``.

    Raises:
        ValueError: If the config names neither sigma nor kernel size.

    Examples:
        >>> codec_sigma(dict(type='MSRAHeatmap', sigma=2))
        2.0
        >>> round(codec_sigma(dict(type='MegviiHeatmap', kernel_size=11)), 3)
        2.0
    """
    name = type_name(codec)
    if name == 'MegviiHeatmap':
        size = codec.get('kernel_size')
        if isinstance(size, (list, tuple)):
            size = size[0]
        if size is not None:
            return 0.3 * ((float(size) - 1) / 2 - 1) + 0.8
    sigma = codec.get('sigma', _DEFAULT_SIGMA.get(name))
    if isinstance(sigma, (list, tuple)):
        sigma = sum(float(value) for value in sigma) / len(sigma)
    if sigma is None:
        raise ValueError(f'the codec {name} names no sigma: give one with sigma=... (--sigma)')
    return float(sigma)


def barycenter_codec(codec: dict, *, sigma: float | None, coordinates: str, **options) -> dict:
    """Return the :class:`BarycenterCodec` config that takes the place of a heatmap codec.

    Args:
        codec: The config to replace.
        sigma: Sigma of the targets in heatmap pixels; ``None`` keeps the codec's own.
        coordinates: ``'half_pixel'``, ``'mmpose'`` or ``'udp'``.
        **options: Other arguments of ``BarycenterCodec``; ``None`` values are left out.

    Returns:
        dict: A new config.
    """
    kept = dict(codec) if type_name(codec) == 'BarycenterCodec' else {}
    kept.update(
        type='BarycenterCodec',
        input_size=tuple(codec['input_size']),
        heatmap_size=tuple(codec['heatmap_size']),
        sigma=codec_sigma(codec) if sigma is None else float(sigma),
        coordinates=coordinates)
    kept.update({key: value for key, value in options.items() if value is not None})
    return kept


def check_codecs(cfg: Any, head: dict) -> None:
    """Refuse a config that encodes or decodes with something other than heatmaps.

    Args:
        cfg: The config.
        head: Its heatmap head.

    Raises:
        ValueError: Naming the place and the codec that was found there.
    """
    places = []
    for path, node in find_typed(cfg):
        if type_name(node) == 'GenerateTarget':
            places.append((f'{path}.encoder', node.get('encoder', None)))
    decoder = head.get('decoder')
    if decoder is not None:
        places.append(('model.head.decoder', decoder))
    if not places:
        raise ValueError(
            'found no codec: the config has neither a GenerateTarget with an encoder in a '
            'pipeline nor model.head.decoder. A top-down heatmap config of MMPose has both.')
    for path, found in places:
        for codec in found if isinstance(found, (list, tuple)) else [found]:
            if type_name(codec) not in CONVERTIBLE_CODECS:
                raise ValueError(
                    f'{path} is {type_name(codec) or codec!r}, which makes no heatmaps that '
                    f'can be compared as distributions. Codecs that can be turned: '
                    f'{", ".join(CONVERTIBLE_CODECS)}.')


def choose_coordinates(cfg: Any, coordinates: str | None) -> str:
    """Choose the coordinate convention that fits the pipelines' ``TopdownAffine``.

    Args:
        cfg: The config.
        coordinates: The caller's wish, or ``None`` to follow the pipelines: ``'udp'`` where
            ``TopdownAffine(use_udp=True)``, else ``'half_pixel'``. Either is exact under the
            flip test with ``shift_heatmap=False``.

    Returns:
        str: ``'half_pixel'``, ``'mmpose'`` or ``'udp'``.

    Raises:
        ValueError: For an unknown name, or if the pipelines disagree and nothing was asked for.
    """
    if coordinates is not None:
        if coordinates not in COORDINATES:
            raise ValueError(
                f'coordinates must be one of {", ".join(COORDINATES)}, got {coordinates!r}')
        return coordinates
    affines = [(path, node) for path, node in find_typed(cfg) if type_name(node) == 'TopdownAffine']
    # What runs are the data loaders' pipelines; variables beside them may be leftovers (some of
    # MMPose's own configs set `train_pipeline` without handing it to the loader).
    running = [(path, node) for path, node in affines if '_dataloader.' in path]
    places = {True: [], False: []}
    for path, node in running or affines:
        places[bool(node.get('use_udp', False))].append(path)
    if places[True] and places[False]:
        raise ValueError(
            'the pipelines disagree: TopdownAffine has use_udp=True at '
            f'{", ".join(places[True])} but not at {", ".join(places[False])}. '
            "Say which is meant: coordinates='udp' or coordinates='half_pixel'.")
    return 'udp' if places[True] else 'half_pixel'


def set_affine(cfg: Any, coordinates: str) -> None:
    """Make every ``TopdownAffine`` agree with the coordinate convention (in place)."""
    for _, node in find_typed(cfg):
        if type_name(node) == 'TopdownAffine' \
                and bool(node.get('use_udp', False)) != (coordinates == 'udp'):
            node['use_udp'] = coordinates == 'udp'


def replace_codecs(cfg: Any, **options) -> int:
    """Replace every heatmap codec of a config in place, wherever it lies.

    MMPose copies its ``codec`` by value into the head and into each pipeline, which in turn are
    copied into the data loaders and whatever wraps their data sets; so every dictionary whose
    type is a heatmap codec is replaced, at any depth and in lists.

    Args:
        cfg: The config's dictionary.
        **options: Arguments of :func:`barycenter_codec`.

    Returns:
        int: The number of codecs replaced.
    """
    count = 0

    def change(node: dict) -> dict | None:
        nonlocal count
        if type_name(node) not in CONVERTIBLE_CODECS:
            return None
        count += 1
        return barycenter_codec(node, **options)

    rewrite_typed(cfg, change)
    return count
