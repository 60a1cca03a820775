"""Random numbers belong to an image, whatever the machine, the process and the order."""
from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from mmpose.registry import DATASETS
from test_datasets.perturbation_data import (
    dataset_config,
    pixel_hashes,
    test_pipeline,
    write_frames,
)

from mmpose_wass.datasets.perturbations import (
    get_protocol,
    image_identity,
    level_severity,
    occlusion_sizes,
    relative_identity,
    stable_uniforms,
)

PERTURBATIONS = [
    dict(type='SyntheticOcclusion', level='large', seed=3),
    dict(type='SyntheticMotionBlur', level='large', direction='random', seed=3),
    dict(type='BoxPerturbation', shift=.1, scale=.2, seed=3),
]
FRAMES = {'a': range(1, 6), 'b/c': range(1, 5)}


def philox(key, count):
    """Philox 4x64 with ten rounds in plain integers, as its authors describe it (Salmon et al.,
    SC 2011), with NumPy's first counter, 1."""
    mask, numbers, counter = 2**64 - 1, [], 0
    while len(numbers) < count:
        counter += 1
        x, k = [counter, 0, 0, 0], [key & mask, key >> 64]
        for _ in range(10):
            high_0, low_0 = divmod(0xD2E7470EE14C6C93 * x[0], 2**64)
            high_1, low_1 = divmod(0xCA5A826395121157 * x[2], 2**64)
            x = [high_1 ^ x[1] ^ k[0], low_1, high_0 ^ x[3] ^ k[1], low_0]
            k = [(k[0] + 0x9E3779B97F4A7C15) & mask, (k[1] + 0xBB67AE8584CAA73B) & mask]
        numbers += x
    return numbers[:count]


def test_numbers_are_fixed():
    """A change would change every published result."""
    found = stable_uniforms('helen/testset/1.jpg', 0, 'occlusion', (4, ))
    np.testing.assert_allclose(found, [0.21908186, 0.04155904, 0.19990388, 0.34641906], atol=1e-8)
    key = '\0'.join(['mmpose_wass perturbation', 'box', '-7', 'a/b.png'])
    key = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=16).digest(), 'little')
    expected = [(number >> 11) / 2**53 for number in philox(key, 9)]
    np.testing.assert_array_equal(stable_uniforms('a/b.png', -7, 'box', (3, 3)).ravel(), expected)


def test_numbers_are_uniform_and_independent():
    names = [f'image {index}.png' for index in range(3000)]
    numbers = np.array([stable_uniforms(name, 0, 'occlusion', (2, )) for name in names])
    assert ((numbers >= 0) & (numbers < 1)).all()
    counts = np.histogram2d(*numbers.T, bins=5, range=[[0, 1], [0, 1]])[0]
    # Chi squared with 24 degrees of freedom: 51 is passed once in a thousand.
    assert ((counts - 120)**2 / 120).sum() < 51
    other_seed = np.array([stable_uniforms(name, 1, 'occlusion', (1, ))[0] for name in names])
    other_use = np.array([stable_uniforms(name, 0, 'motion_blur', (1, ))[0] for name in names])
    for other in (other_seed, other_use):
        assert abs(np.corrcoef(numbers[:, 0], other)[0, 1]) < .08


def test_longer_draws_begin_alike():
    few, more = (stable_uniforms('a', 0, 'x', (count, )) for count in (3, 8))
    np.testing.assert_array_equal(few, more[:3])


@pytest.mark.parametrize('path, folder, name', [
    ('/data/300w/images/helen/1.jpg', '/data/300w/images', 'helen/1.jpg'),
    ('other\\300w\\images\\helen\\1.jpg', 'other\\300w\\images\\', 'helen/1.jpg'),
    ('D:/sets/images/helen/1.jpg', 'D:/sets/images', 'helen/1.jpg'),
    ('s3://bucket//images/helen/1.jpg', 's3://bucket/images/', 'helen/1.jpg'),
    ('./images/helen//1.jpg', 'images', 'helen/1.jpg'),
    ('images/e\u0301.jpg', 'images', '\u00e9.jpg'),
    ('helen/1.jpg', '', 'helen/1.jpg'),
    ('/elsewhere/1.jpg', '/data/images', None),
    ('/data/images2/1.jpg', '/data/images', None),
    ('/absolute/1.jpg', '', None)])
def test_names_on_different_systems(path, folder, name):
    assert relative_identity(path, folder) == name


def test_identity_in_wrapped_data_sets():
    inner = [SimpleNamespace(data_prefix=dict(img='/data')),
             SimpleNamespace(data_prefix=dict(img='/data/300w/images/'))]
    results = dict(img_path='/data/300w/images/helen/1.jpg',
                   dataset=SimpleNamespace(datasets=inner, data_prefix=dict(img_path='')))
    assert image_identity(results) == 'helen/1.jpg'  # the closest folder
    assert image_identity(results, data_root='/data/300w') == 'images/helen/1.jpg'
    assert image_identity(dict(results, image_identity='own')) == 'own'


def test_lacking_identity_is_an_error():
    with pytest.raises(KeyError, match='random=True'):
        image_identity(dict(img_path='/data/1.jpg'))
    with pytest.raises(KeyError, match='data_root'):
        image_identity(dict(img_path='/data/1.jpg'), data_root='/other')
    with pytest.raises(KeyError):
        image_identity(dict(img=np.zeros((2, 2))))


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Two machines keep the same data in different folders."""
    roots = tmp_path_factory.mktemp('one'), tmp_path_factory.mktemp('two') / 'else/where'
    for root in roots:
        write_frames(root, FRAMES)
    return roots


@pytest.fixture(scope='module')
def other_runs(folders, root_dir):
    """The hashes as two other interpreters find them, with other hash seeds and NumPy seeds."""
    code = ('import sys, json, warnings; warnings.simplefilter("ignore")\n'
            'import numpy as np; np.random.seed(int(sys.argv[2]))\n'
            'from pathlib import Path\n'
            'import mmpose_wass\n'
            'from mmpose.registry import DATASETS\n'
            'from mmengine.registry import init_default_scope; init_default_scope("mmpose")\n'
            'from test_datasets.perturbation_data import *\n'
            'def hashes(step):\n'
            '    config = dataset_config(Path(sys.argv[1]), test_pipeline(step))\n'
            '    return pixel_hashes(DATASETS.build(config), 0)\n'
            'print("found " + json.dumps([hashes(step) for step in json.loads(sys.argv[3])]))')
    runs = []
    for root, seed in zip(folders, ('1', '77')):
        environment = dict(
            os.environ, PYTHONPATH=os.pathsep.join([str(root_dir), str(root_dir / 'tests')]),
            PYTHONHASHSEED=seed, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='-1')
        finished = subprocess.run(
            [sys.executable, '-c', code, str(root), seed, json.dumps(PERTURBATIONS)], text=True,
            capture_output=True, timeout=300, env=environment)
        assert finished.returncode == 0, finished.stderr[-3000:]
        line = next(one for one in finished.stdout.splitlines() if one.startswith('found '))
        runs.append(json.loads(line[len('found '):]))
    return runs


@pytest.mark.parametrize('number', range(3), ids=[step['type'] for step in PERTURBATIONS])
def test_pixels_do_not_depend_on_workers_order_or_process(folders, other_runs, number):
    step = PERTURBATIONS[number]

    def build(root=folders[0], step=step, **options):
        steps = test_pipeline() if step is None else test_pipeline(step)
        return DATASETS.build(dataset_config(root, steps, **options))

    expected = pixel_hashes(build(), 0)
    assert len(expected) == 9 and len(set(expected.values())) == 9
    assert not set(pixel_hashes(build(step=None), 0).values()) & set(expected.values())
    for workers in (1, 4):
        assert pixel_hashes(build(folders[1]), workers) == expected
    assert pixel_hashes(build(), 2, order=[7, 0, 3, 8, 1, 5, 2, 6, 4]) == expected
    for run in other_runs:
        assert run[number] == expected
    # Part of a set (as a resumed run sees it), and another seed.
    part = pixel_hashes(build(indices=[2, 6]), 0)
    assert len(part) == 2 and set(part.items()) <= set(expected.items())
    other = pixel_hashes(build(step=dict(step, seed=4)), 0)
    assert not set(other.values()) & set(expected.values())


def test_protocol():
    protocol = get_protocol(1)
    assert protocol['status'] == 'frozen'
    for name in ('occlusion', 'motion_blur'):
        entry = protocol[name]
        assert 0 < level_severity(name, 'medium') < level_severity(name, 'large')
        assert entry['grid'][0] == 0 and list(entry['grid']) == sorted(entry['grid'])
        assert entry['grid'][-1] > level_severity(name, 'large')
    assert protocol['motion_blur']['landmark'] == 33
    with pytest.raises(KeyError, match='version 9'):
        get_protocol(9)
    with pytest.raises(ValueError, match='huge'):
        level_severity('occlusion', 'huge')


def test_occlusion_sizes():
    assert occlusion_sizes(0) == (0, 0)
    assert occlusion_sizes(.2) == (.1, .3) and occlusion_sizes(.45) == (.3, .6)
    severities = np.linspace(0, 1.6, 33)
    sizes = np.array([occlusion_sizes(severity) for severity in severities])
    np.testing.assert_allclose(sizes.mean(axis=1), severities, atol=1e-12)  # what severity means
    assert (np.diff(sizes, axis=0) > 0).all()
