"""Disks that are full, and folders that cannot be written to."""
from __future__ import annotations

import errno
import functools
import json
import logging
import os
import resource
import signal
import subprocess
import tempfile

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from situations import told
from tiny_training import EPOCHS, final_metrics, run_forked, weights, write_training

from mmpose_wass.datasets.synthetic.folder import write_bytes
from mmpose_wass.engine import AtomicLocalBackend, check_writable, results, write_predictions
from mmpose_wass.evaluation import load_result
from mmpose_wass.evaluation.metrics import FaceLandmarkMetric


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('full')


@pytest.fixture(scope='module')
def trained(folder):
    """A training that nothing disturbs. Tests may run in any order, each in another process."""
    write_training(folder, 'whole')
    status, printed = run_forked('train.py', 'whole.py', cwd=folder)
    assert status == 0, printed
    return folder


@pytest.fixture()
def full(monkeypatch):
    """After so many bytes a disk is full: what reaches the system later ends in ENOSPC."""
    def fill(after=0):
        real, left = os.fdopen, [after]

        def opened(*arguments, **options):
            file = real(*arguments, **options)
            write = file.write

            def limited(content):
                left[0] -= len(content)
                if left[0] < 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return write(content)

            class Limited:
                def __getattr__(self, name):
                    return limited if name == 'write' else getattr(file, name)

                def __enter__(self):
                    return self

                def __exit__(self, *error):
                    file.close()
            return Limited()
        monkeypatch.setattr(results.os, 'fdopen', opened)
    yield fill


def test_training_on_a_full_disk(trained):
    folder = trained
    write_training(folder, 'cut', "custom_hooks = [dict(type='KillHook', place='full', epoch=3)]\n"
                                  "default_hooks['checkpoint']['max_keep_ckpts'] = 1\n")
    status, printed = run_forked('train.py', 'cut.py', cwd=folder)
    assert status == 1 and told('full-training', printed) and 'Traceback' not in printed
    assert sorted(file.name for file in (folder / 'cut').glob('epoch_*')) == ['epoch_2.pth']
    assert not list((folder / 'cut').glob('.*.part'))
    write_training(folder, 'cut')
    status, printed = run_forked('train.py', 'cut.py', '--resume', cwd=folder)
    assert status == 0, printed
    assert final_metrics(folder / 'cut') == final_metrics(folder / 'whole')
    ours, theirs = (weights(folder / name / f'epoch_{EPOCHS}.pth') for name in ('cut', 'whole'))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def write_evaluation(prefix, shift=0.0):
    metric = FaceLandmarkMetric(outfile_prefix=prefix)
    metric.dataset_meta = dict(dataset_name='300w')
    points = np.random.default_rng(0).uniform(0, 100, (4, 1, 68, 2))
    metric.process({}, [dict(
        id=place, img_id=place, img_path=f'{place}.png',
        pred_instances=dict(keypoints=one + shift, keypoint_scores=np.ones((1, 68))),
        gt_instances=dict(keypoints=one, keypoints_visible=np.ones((1, 68))))
        for place, one in enumerate(points)])
    return metric.evaluate(4)


@pytest.mark.filterwarnings('error::pytest.PytestUnraisableExceptionWarning')
@pytest.mark.parametrize('after', ['nothing', 'the arrays', 'all but a byte'])
def test_measures_are_not_lost(tmp_path, full, caplog, after):
    """Whichever of the three files the disk ends in, those of the last evaluation stay."""
    write_evaluation(str(tmp_path / 'other'), shift=1.0)
    sizes = {file.name.split('.', 1)[1]: file.stat().st_size for file in tmp_path.iterdir()}
    write_evaluation(str(tmp_path / 'val'))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert len(before) == 6
    full({'nothing': 0, 'the arrays': sizes['errors.npz'] + 100,
          'all but a byte': sum(sizes.values()) - 1}[after])
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        with pytest.raises(OSError) as error, caplog.at_level(logging.ERROR):
            write_evaluation(str(tmp_path / 'val'), shift=1.0)
    finally:
        logger.removeHandler(caplog.handler)
    assert error.value.errno == errno.ENOSPC and str(tmp_path / 'val') in str(error.value)
    assert told('full-metrics', caplog.text) and "'NME': " in caplog.text
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert load_result(tmp_path / 'val').metrics['NME'] == 0


def fill_disk_for(name):
    """Refuse temporary files for the result of a name, as a full disk does."""
    make = tempfile.mkstemp

    def refuse(dir=None, prefix='', suffix=''):
        if prefix == f'.{name}.':
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return make(dir=dir, prefix=prefix, suffix=suffix)
    results.tempfile.mkstemp = refuse


@pytest.mark.parametrize('place', ['metrics', 'predictions', 'dump'])
def test_results_on_a_full_disk(trained, place):
    folder = trained
    files = dict(metrics='m.json', predictions='p.json', dump='d.pkl')
    outputs = {key: folder / f'{place}_{name}' for key, name in files.items()}
    text = (folder / 'whole.py').read_text()
    (folder / 'test.py').write_text(text.replace("outfile_prefix=work_dir + '/val'",
                                                 'outfile_prefix=None'))

    status, printed = run_forked(
        'test.py', 'test.py', 'whole/epoch_4.pth', '--out', outputs['metrics'],
        '--out-predictions', outputs['predictions'], '--dump', outputs['dump'], '--work-dir',
        f'work_{place}', cwd=folder,
        prepare=functools.partial(fill_disk_for, outputs[place].name))
    assert status == 1 and told('full-predictions', printed) and 'Traceback' not in printed
    assert str(outputs[place]) in printed
    assert 'face/NME: ' in printed
    # Whatever could be written is there.
    assert {key for key, file in outputs.items() if file.exists()} == set(outputs) - {place}
    if place != 'metrics':
        assert json.loads(outputs['metrics'].read_text())['metrics']['face/NME'] > 0


@pytest.mark.parametrize('option, name', [
    ('--out', 'taken.json'), ('--out-predictions', 'taken.json'), ('--dump', 'file/x.pkl'),
    ('--out', '/proc/nothing/x.json')])
def test_unwritable_results_are_told_before_the_test(folder, tmp_path, option, name):
    write_training(folder, 'unused')
    torch.save(dict(meta={}, state_dict={}), tmp_path / 'x.pth')
    (tmp_path / 'taken.json').mkdir()
    (tmp_path / 'file').write_text('')
    status, printed = run_forked('test.py', folder / 'unused.py', 'x.pth', option, name,
                                 cwd=tmp_path)
    assert status == 1 and told('full-before', printed) and 'Traceback' not in printed
    assert os.path.basename(name) in printed
    assert 'Epoch(test)' not in printed and 'Load checkpoint' not in printed


def test_dev_full_and_permissions(tmp_path):
    with pytest.raises(OSError) as error, open('/dev/full', 'w') as file:
        file.write('x')
    assert error.value.errno == errno.ENOSPC
    folder = tmp_path / 'locked'
    folder.mkdir()
    if os.geteuid() == 0:
        pytest.skip('root may write anywhere')
    folder.chmod(0o500)
    with pytest.raises(PermissionError, match='choose a folder that you may write to'):
        check_writable(str(folder / 'x.json'))


SIZE = 256 * 1024


@pytest.fixture(scope='module')
def small_disk(tmp_path_factory):
    """A file system of 256 kB where tests may mount one; else a limit on the sizes of files."""
    place = tmp_path_factory.mktemp('small')
    mounted = os.geteuid() == 0 and subprocess.run(
        ['mount', '-t', 'tmpfs', '-o', f'size={SIZE}', 'tmpfs', str(place)],
        capture_output=True).returncode == 0
    if not mounted:
        pytest.skip('needs a file system of its own: root, and mount -t tmpfs')
    yield place
    subprocess.run(['umount', str(place)], check=True)


FACES = [dict(img_path=f'{place}.png', keypoints=np.random.default_rng(place).normal(size=(500, 2)))
         for place in range(40)]
WRITERS = {
    'json': lambda path, scale: results.write_json(path, ['x' * 100] * 40 * scale),
    'predictions.json': lambda path, scale: write_predictions(path, FACES[:scale]),
    'predictions.npz': lambda path, scale: write_predictions(path, FACES[:scale]),
    'checkpoint': lambda path, scale: AtomicLocalBackend().put(bytes(10000 * scale), path),
    'checkpoint.txt': lambda path, scale: AtomicLocalBackend().put_text('é' * 5000 * scale, path),
}


@pytest.mark.parametrize('kind', WRITERS)
def test_a_real_small_disk(small_disk, kind):
    path = small_disk / f'x.{kind}'
    WRITERS[kind](str(path), 1)
    before = path.read_bytes()
    with pytest.raises(OSError) as error:
        for _ in range(3):  # compressed files may take several to fill it
            WRITERS[kind](str(path), 40)
            path.rename(small_disk / f'{len(list(small_disk.iterdir()))}.full')
            path.write_bytes(before)
    assert told('full-any', str(error.value)) and str(path) in str(error.value)
    assert path.read_bytes() == before
    for file in small_disk.iterdir():
        assert not file.name.endswith(('.part', '.tmp'))
        file.unlink()


def test_drawn_images_on_a_real_small_disk(small_disk):
    path = small_disk / 'x.png'
    write_bytes(path, b'1234')
    with pytest.raises(OSError) as error:
        write_bytes(path, bytes(2 * SIZE))
    assert error.value.errno == errno.ENOSPC and str(path) in str(error.value)
    assert path.read_bytes() == b'1234' and [file.name for file in small_disk.iterdir()] == [
        'x.png']
    path.unlink()


def test_the_limit_that_kills_a_write_is_real(tmp_path):
    """What the other tests stand on: a write beyond the limit ends by error or by signal."""
    status, _ = run_forked('none.py', cwd=tmp_path)
    assert status == 1
    for handler, expected in ((signal.SIG_IGN, None), (signal.SIG_DFL, signal.SIGXFSZ)):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGXFSZ, handler)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            try:
                (tmp_path / 'x').write_bytes(bytes(5000))
            except OSError as error:
                os._exit(0 if error.errno == errno.EFBIG else 2)
            os._exit(3)
        _, status = os.waitpid(pid, 0)
        if expected is None:
            assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
        else:
            assert os.WTERMSIG(status) == expected

