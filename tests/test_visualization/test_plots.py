"""Plots: the right numbers and curves are in them, and nothing global is touched."""
import json
import re
import sys

import cv2
import matplotlib
import numpy as np
import pytest

from mmpose_wass.visualization import plot_cumulative_error, plot_training_curve
from mmpose_wass.visualization.curve import read_scalars

NAN = float('nan')


def svg_texts(path):
    return re.findall(r'<text[^>]*>([^<]*)</text>', path.read_text())


class TestCumulativeError:
    errors = np.array([[.02, .2], [.04, NAN], [NAN, NAN]])

    def test_legend_tells_auc_and_failure_rate(self, tmp_path):
        path = tmp_path / 'new' / 'ced.svg'
        curves = {'ours': self.errors, 'theirs': np.zeros((2, 2))}
        assert plot_cumulative_error(curves, str(path), title='A title') == str(path)
        texts = svg_texts(path)
        # Image means .11 and .04: areas 0 and .6; landmarks: rates 0 and 1, areas .7 and 0.
        assert 'ours: AUC 0.300, FR 50.00 %' in texts
        assert 'ours: AUC 0.350, FR 50.00 %' in texts
        assert texts.count('theirs: AUC 1.000, FR 0.00 %') == 2
        assert {'A title', 'Images', 'Landmarks'} <= set(texts)

    def test_picture(self, tmp_path):
        path = tmp_path / 'ced.png'
        plot_cumulative_error({str(i): self.errors + i / 100 for i in range(9)}, str(path))
        picture = cv2.imread(str(path))
        assert picture.shape[0] > 500 and picture.shape[1] > 1200
        blue = (picture == np.array([0xB2, 0x72, 0x00])).all(axis=-1)
        assert blue.sum() > 500

    def test_refusals(self, tmp_path):
        with pytest.raises(ValueError, match='at least one'):
            plot_cumulative_error({}, str(tmp_path / 'ced.png'))
        with pytest.raises(ValueError, match="'empty': no landmark is scored"):
            plot_cumulative_error({'empty': np.full((2, 2), NAN)}, str(tmp_path / 'ced.png'))
        with pytest.raises(ValueError, match="found ending 'jpgg'"):
            plot_cumulative_error({'a': self.errors}, str(tmp_path / 'ced.jpgg'))

    def test_global_state_is_left_alone(self, tmp_path):
        before = dict(matplotlib.rcParams)
        plot_cumulative_error({'a': self.errors}, str(tmp_path / 'ced.pdf'))
        assert dict(matplotlib.rcParams) == before
        pyplot = sys.modules.get('matplotlib.pyplot')
        assert pyplot is None or not pyplot.get_fignums()


def write_run(path, epochs=4, **last):
    """Lines as MMEngine's LocalVisBackend writes them: validations count epochs as steps."""
    with open(path, 'w') as file:
        for epoch in range(1, epochs + 1):
            for step in (10 * epoch - 5, 10 * epoch):
                record = dict(lr=1e-3 / step, loss=3 / step, loss_kl=2 / step, loss_w=1 / step,
                              epoch=epoch, iter=step, step=step)
                file.write(json.dumps(record) + '\n')
            record = {'face/NME': 10 / epoch, 'face/AUC@0.10': epoch / 10, 'time': 1.,
                      'step': epoch}
            if epoch == epochs:
                record.update(last)
            file.write(json.dumps(record) + '\n')


class TestTrainingCurve:

    def test_reading(self, tmp_path):
        write_run(tmp_path / 'scalars.json')
        training, validation = read_scalars(str(tmp_path / 'scalars.json'))
        assert (len(training), len(validation)) == (8, 4)
        assert [record['step'] for record in validation] == [1, 2, 3, 4]

    def test_default_measures_and_their_best(self, tmp_path):
        write_run(tmp_path / 'scalars.json', epochs=5, **{'face/NME': 9.})
        path = tmp_path / 'curve.svg'
        plot_training_curve(str(tmp_path / 'scalars.json'), str(path), title='Run 1')
        texts = svg_texts(path)
        assert 'face/NME: best 2.50 % at epoch 4' in texts
        assert {'loss', 'loss_kl', 'loss_w', 'learning rate', 'iteration', 'epoch', 'per cent',
                'Run 1'} <= set(texts)
        assert not any('AUC' in text for text in texts)

    def test_chosen_measures(self, tmp_path):
        write_run(tmp_path / 'scalars.json')
        path = tmp_path / 'curve.svg'
        plot_training_curve(str(tmp_path / 'scalars.json'), str(path), measures=['face/AUC@0.10'])
        assert 'face/AUC@0.10: best 0.40 at epoch 4' in svg_texts(path)
        with pytest.raises(KeyError, match='no measure named NME; it has face/NME'):
            plot_training_curve(str(tmp_path / 'scalars.json'), str(path), measures=['NME'])

    def test_infinite_measure(self, tmp_path):
        write_run(tmp_path / 'scalars.json', **{'face/NME': float('inf')})
        path = tmp_path / 'curve.svg'
        plot_training_curve(str(tmp_path / 'scalars.json'), str(path))
        assert 'face/NME: best 3.33 % at epoch 3' in svg_texts(path)

    def test_run_by_iterations_without_validation(self, tmp_path):
        lines = [json.dumps(dict(loss=.5, step=step)) for step in (1, 2)]
        (tmp_path / 'scalars.json').write_text('\n'.join(lines))
        path = tmp_path / 'curve.svg'
        plot_training_curve(str(tmp_path / 'scalars.json'), str(path))
        assert 'Validation' not in svg_texts(path)
        lines.append(json.dumps({'face/NME': 5., 'step': 2}))
        (tmp_path / 'scalars.json').write_text('\n'.join(lines))
        plot_training_curve(str(tmp_path / 'scalars.json'), str(path))
        assert 'face/NME: best 5.00 % at iteration 2' in svg_texts(path)

    def test_refusals(self, tmp_path):
        scalars, path = tmp_path / 'scalars.json', str(tmp_path / 'curve.png')
        with pytest.raises(FileNotFoundError, match='vis_data/scalars.json'):
            plot_training_curve(str(scalars), path)
        scalars.write_text('{"face/NME": 1.0, "step": 1}\n')
        with pytest.raises(ValueError, match='no line has the field "loss"'):
            plot_training_curve(str(scalars), path)
        scalars.write_text('{"loss": 1.0, "step": 1}\n{"loss"\n')
        with pytest.raises(ValueError, match='line 2: not a JSON object'):
            plot_training_curve(str(scalars), path)
