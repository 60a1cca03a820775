"""Load a config by file name, or by MMPose's short name for one of its own."""

from __future__ import annotations

import os

from mmengine.config import Config


def load_config(name: str) -> Config:
    """Load a config.

    Args:
        name: A file, or ``mmpose::`` and a path below MMPose's ``configs`` folder, such as
            ``mmpose::face_2d_keypoint/topdown_heatmap/300w/td-hm_hrnetv2-w18_8xb64-60e_300w-256x256``.

    Returns:
        Config: The config.

    Raises:
        FileNotFoundError: If there is no such file; names similar ones in its folder.
        ValueError: If it is no config.
    """
    if '::' in name:
        from mmengine.hub import get_config
        try:
            return get_config(name if name.endswith('.py') else f'{name}.py')
        except (FileNotFoundError, KeyError, AssertionError) as error:
            raise FileNotFoundError(
                f'config {name}: not found in the installed package ({error}). '
                'Write it as package::path below its configs folder.') from error
    if not os.path.isfile(name):
        folder = os.path.dirname(os.path.abspath(name))
        message = f'config {name}: no such file.'
        if os.path.isdir(folder):
            beside = sorted(one for one in os.listdir(folder) if one.endswith('.py'))
            if beside:
                message += f' In {folder} there are: {", ".join(beside[:12])}'
                message += ', …' if len(beside) > 12 else '.'
        else:
            message += f' The folder {folder} does not exist either.'
        raise FileNotFoundError(
            f'{message} A config of MMPose itself can be named as '
            'mmpose::face_2d_keypoint/topdown_heatmap/…')
    if not name.endswith(('.py', '.json', '.yaml', '.yml')):
        raise ValueError(f'config {name}: a config ends in .py, .json, .yaml or .yml')
    return Config.fromfile(name)
