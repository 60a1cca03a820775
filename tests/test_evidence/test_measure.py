"""What is measured is what the model's own test measures, and each reading is its own."""
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpose.registry import MODELS
from test_evidence.small_evidence import SMALL, TESTS

from mmpose_wass.evidence import CONFIG_ROOT, read_experiments
from mmpose_wass.evidence.map_statistics import map_statistics
from mmpose_wass.evidence.measure import measure, read_tests, units_of_tests

NAMES = ('wkl_s15', 'l2_s1', 'dark')


@pytest.fixture(scope='module')
def models(rendered_300w, tmp_path_factory):
    """Config and weights of untrained models by experiment."""
    folder = tmp_path_factory.mktemp('models')
    experiments = read_experiments(CONFIG_ROOT / 'evidence' / 'cpu.py')
    found = {}
    for name in NAMES:
        cfg = experiments[name].config(0, {'300w': str(rendered_300w)}, None)
        cfg.merge_from_dict(dict(SMALL))
        cfg.work_dir = str(folder / name)
        torch.manual_seed(1)
        model = MODELS.build(cfg.model)
        with torch.no_grad():  # maps that differ from face to face
            model.head.final_layer.weight.mul_(400)
        cfg.dump(folder / f'{name}.py')
        torch.save(dict(state_dict=model.state_dict()), folder / f'{name}.pth')
        found[name] = (folder / f'{name}.py', folder / f'{name}.pth')
    return found


@pytest.fixture(scope='module')
def protocol(rendered_300w, tmp_path_factory):
    file = tmp_path_factory.mktemp('tests') / 'tests.py'
    file.write_text(TESTS)
    return read_tests(file, {'300w': str(rendered_300w)})


@pytest.fixture(scope='module')
def measured(models, protocol):
    return {name: measure(*models[name], *protocol, say=lambda line: None) for name in NAMES}


@pytest.mark.parametrize('name, reading', [('wkl_s15', 'bc'), ('l2_s1', 'max'), ('dark', 'own')])
def test_the_model_s_own_reading_equals_its_own_test(models, measured, name, reading):
    config, checkpoint = models[name]
    cfg = Config.fromfile(str(config))
    cfg.load_from = str(checkpoint)
    # Validation takes all rendered faces, the test those of `common`.
    cfg.test_dataloader.dataset.ann_file = 'annotations/face_landmarks_300w_valid_common.json'
    expected = Runner.from_cfg(cfg).test()
    found = measured[name].metrics['clean'][reading]
    assert found['faces'] > 2
    for measure_name in ('NME', 'FR_L@0.10', 'AUC@0.10'):
        assert found[measure_name] == pytest.approx(expected[f'face/{measure_name}'], rel=1e-4)


def test_faces_are_what_the_measures_are_means_of(measured):
    for one in measured.values():
        for test, readings in one.metrics.items():
            for reading in set(readings) - {'maps'}:
                faces = 100 * one.faces[f'{test}/{reading}'].mean(axis=0)
                found = readings[reading]
                expected = [found[name] for name in ('NME', 'FR_L@0.10', 'FR_L@0.20')]
                np.testing.assert_allclose(faces, expected, rtol=1e-6)
                ced = found['ced']
                place = int(np.argmin(np.abs(np.asarray(ced['thresholds']) - .1)))
                assert 100 * (1 - ced['landmarks'][place]) == pytest.approx(
                    found['FR_L@0.10'], abs=1e-3)


def test_readings_and_tests_are_told_apart(measured):
    found = measured['wkl_s15'].metrics
    assert list(found) == ['clean', 'occlusion_large']
    assert set(found['clean']) == {'max', 'bc', 'maps'}
    assert len({found[test][reading]['NME'] for test in found for reading in ('max', 'bc')}) == 4
    assert set(measured['dark'].metrics['clean']) == {'own'}
    signals = set(found['clean']['bc']['confidence'])
    assert signals == {'score', 'peak', 'probability_peak', 'deviation', 'entropy', 'far_mass'}
    assert set(measured['dark'].metrics['clean']['own']['confidence']) == {'score'}


@pytest.mark.parametrize('name, own', [('wkl_s15', 'bc'), ('l2_s1', 'max')])
def test_flip_test_is_that_of_the_model(models, rendered_300w, tmp_path, name, own):
    """Distributions are averaged, or values, as the head itself does it."""
    file = tmp_path / 'tests.py'
    file.write_text(TESTS + f"""
readings['flipped'] = dict(readings['{own}'], flip=True, tests=('clean', ))
""")
    found = measure(*models[name], *read_tests(file, {'300w': str(rendered_300w)}),
                    say=lambda line: None).metrics
    assert 'flipped' not in found['occlusion_large']
    config, checkpoint = models[name]
    cfg = Config.fromfile(str(config))
    cfg.load_from = str(checkpoint)
    cfg.model.test_cfg.flip_test = True
    cfg.test_dataloader.dataset.ann_file = 'annotations/face_landmarks_300w_valid_common.json'
    expected = Runner.from_cfg(cfg).test()
    for measure_name in ('NME', 'FR_L@0.10'):
        assert found['clean']['flipped'][measure_name] == pytest.approx(
            expected[f'face/{measure_name}'], rel=1e-4)
    assert found['clean']['flipped']['NME'] != found['clean'][own]['NME']


def test_units_are_found_in_names(rendered_300w, tmp_path):
    file = tmp_path / 'tests.py'
    file.write_text(TESTS.replace("title='clean',", r"title='clean', unit=r'(\w)\.\w+$',"))
    roots = {'300w': f'{rendered_300w}/'}
    found = units_of_tests(read_tests(file, roots)[0])
    assert list(found) == ['clean'] and all(len(unit) == 1 for unit in found['clean'])
    file.write_text(TESTS.replace("title='clean',", "title='clean', unit='(person)',"))
    with pytest.raises(ValueError, match="test clean: unit '.person.' finds nothing in "):
        units_of_tests(read_tests(file, roots)[0])


def test_a_reading_of_an_unknown_test_is_named(tmp_path):
    file = tmp_path / 'tests.py'
    file.write_text(TESTS + "readings['bc']['tests'] = ('cleen', )\n")
    with pytest.raises(KeyError, match='reading names the tests cleen'):
        read_tests(file, {})


def test_lost_data_and_unknown_sets_are_named(models, tmp_path):
    file = tmp_path / 'tests.py'
    file.write_text(TESTS)
    with pytest.raises(FileNotFoundError, match='test clean: .*--data 300w=DIR'):
        measure(*models['l2_s1'], *read_tests(file, {'300w': str(tmp_path / 'nowhere')}))
    file.write_text(TESTS.replace("test_set='common'", "test_set='usual'"))
    with pytest.raises(KeyError, match='test clean names the test set usual of 300w'):
        read_tests(file, {})


def test_map_statistics_of_known_maps():
    maps = torch.zeros(1, 3, 32, 32)
    maps[0, 0] = 1 / 32**2
    maps[0, 1, 5, 7] = 1
    maps[0, 2, 5, 5], maps[0, 2, 5, 25] = .75, .25
    found = {name: values[0].tolist() for name, values in map_statistics(maps, 3 * maps).items()}
    assert found['entropy'] == pytest.approx([2 * np.log(32), 0, .562335], abs=1e-4)
    assert found['deviation'] == pytest.approx([np.sqrt(2 * (32**2 - 1) / 12), 0, np.sqrt(75)],
                                               rel=1e-4)
    assert found['far_mass'][1:] == pytest.approx([0, .25], abs=1e-6)
    assert found['peak'] == pytest.approx([3 / 32**2, 3, 2.25])
    assert found['probability_peak'] == pytest.approx([1 / 32**2, 1, .75])
