"""tools/visualize.py: every sub-command draws, and says what it cannot."""
from __future__ import annotations

import importlib.util
import sys

import cv2
import numpy as np
import pytest
from robustness_data import write_model

from mmpose_wass.datasets.synthetic import write_dataset
from mmpose_wass.visualization.heatmaps.faces import frontal_face


@pytest.fixture(scope='module')
def tool(root_dir):
    """The tool as a module."""
    specification = importlib.util.spec_from_file_location(
        'visualize_tool', root_dir / 'tools' / 'visualize.py')
    module = importlib.util.module_from_spec(specification)
    sys.modules['visualize_tool'] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules['visualize_tool']


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Two models that are not trained, and their data."""
    root = tmp_path_factory.mktemp('visualize')
    write_dataset('300w', root / '300w', dict(train=1, test=4), seed=3, image_size=96)
    return [*write_model(root, 'probability'), *write_model(root, 'heatmap', seed=1)]


def fails(tool, capsys, *arguments):
    """The message of a call that must fail."""
    with pytest.raises(SystemExit) as stopped:
        tool.main([str(one) for one in arguments])
    assert stopped.value.code not in (0, None)
    return str(stopped.value.code) + capsys.readouterr().err


def test_heatmaps_of_test_data(tool, models, tmp_path, capsys):
    out = tmp_path / 'new' / 'heatmaps.png'
    tool.main(['heatmaps', *models, '--name', 'W', 'L2', '--landmarks', '36', 'nose_tip', '--faces',
               '2', '--pick', 'worst', '--perturb', 'occlusion:large', '--out', str(out)])
    words = capsys.readouterr().out
    assert '2 of 8 faces chosen (worst)' in words and f'picture: {out}' in words
    # 2 faces, 2 landmarks, 2 models, each with its numbers.
    assert words.count('stray mass') == 8 and words.count(', W: error') == 4
    one = tmp_path / 'one.png'
    tool.main(['heatmaps', *models[:2], '--landmarks', 'worst', '--faces', '2', '--pick', 'first',
               '--linear', '--out', str(one)])
    sizes = [cv2.imread(str(path)).shape for path in (out, one)]
    # Three columns of pictures against two, four rows against two.
    assert 1.2 < sizes[0][1] / sizes[1][1] < 1.6 and 1.6 < sizes[0][0] / sizes[1][0] < 2.1


def test_models_side_by_side_on_rendered_faces(tool, models, tmp_path, capsys):
    out = tmp_path / 'compare.png'
    tool.main(['compare', *models, '--rendered', '3', '--out', str(out), '--title', 'Two'])
    words = capsys.readouterr().out
    assert words.count('on these 3 faces') == 2
    assert cv2.imread(str(out)).shape[1] > 3 * 250


def test_photographs(tool, models, tmp_path, capsys):
    face = frontal_face(160)
    cv2.imwrite(str(tmp_path / 'a.png'), face.results['img'])
    left, top, right, bottom = face.results['bbox'][0]
    out = str(tmp_path / 'photograph.png')
    for option in (['--box', left, top, right - left, bottom - top], ['--detector', 'whole_image']):
        tool.main([str(one) for one in (
            'heatmaps', *models[:2], '--images', tmp_path / 'a.png', '--landmarks', 'all',
            '--out', out, *option)])
        assert '1 faces on' in capsys.readouterr().out
    (tmp_path / 'boxes.csv').write_text('file_name,left,top,width,height\nb.png,0,0,9,9\n')
    assert 'no face' in fails(tool, capsys, 'heatmaps', *models[:2], '--images',
                              tmp_path / 'a.png', '--boxes', tmp_path / 'boxes.csv')


@pytest.mark.parametrize('arguments', [
    ['loss-landscape', '--losses', 'wasserstein', '--size', '32', '--sigma', '1'],
    ['targets', '--sigma', '1', '2', '--size', '16'],
    ['error-scale', '--at', '5', '10', '--landmark', 'left_eye_inner_corner']])
def test_figures_of_the_method(tool, arguments, tmp_path, capsys):
    out = tmp_path / 'figure.png'
    tool.main([*arguments, '--out', str(out), '--title', 'Title'])
    picture = cv2.imread(str(out))
    assert min(picture.shape[:2]) > 200 and len(np.unique(picture)) > 50
    assert 'kB' in capsys.readouterr().out


def test_errors_to_scale_on_test_data(tool, models, tmp_path, capsys):
    out = tmp_path / 'scale.png'
    tool.main(['error-scale', '--config', models[0], '--face', '3', '--out', str(out)])
    assert out.is_file()
    assert 'there are 8 faces' in fails(tool, capsys, 'error-scale', '--config', models[0],
                                        '--face', '8')


def test_what_does_not_fit_is_told(tool, models, tmp_path, capsys):
    out = ['--out', tmp_path / 'x.png']
    assert 'pairs' in fails(tool, capsys, 'heatmaps', *models[:3], *out)
    assert 'must end in' in fails(tool, capsys, 'targets', '--out', 'x.gif')
    assert 'needs two models' in fails(tool, capsys, 'compare', *models[:2], '--pick', 'differ')
    assert '--box needs --images' in fails(tool, capsys, 'heatmaps', *models[:2], '--box', 1, 2, 3,
                                           4)
    assert "device 'foo'" in fails(tool, capsys, 'heatmaps', *models[:2], '--device', 'foo', *out)
    assert 'at least 1' in fails(tool, capsys, 'heatmaps', *models[:2], '--faces', 0)
    assert 'no such file' in fails(tool, capsys, 'heatmaps', 'nowhere.py', models[1], *out)
    assert 'no landmark is named' in fails(tool, capsys, 'heatmaps', *models[:2], '--rendered', 1,
                                           '--landmarks', 'elbow', *out)
    assert 'neither a number nor a level' in fails(
        tool, capsys, 'heatmaps', *models[:2], '--perturb', 'occlusion:huge', *out)
    assert 'are hidden' in fails(tool, capsys, 'heatmaps', *models[:2], '--pick', 'hidden', *out)
    assert 'too small' in fails(tool, capsys, 'loss-landscape', '--size', 8, *out)
    assert not (tmp_path / 'x.png').exists()


def test_help_has_examples(tool, capsys):
    for command in ([], ['heatmaps'], ['compare']):
        with pytest.raises(SystemExit) as stopped:
            tool.main([*command, '--help'])
        assert stopped.value.code == 0
        assert 'python tools/visualize.py' in capsys.readouterr().out
