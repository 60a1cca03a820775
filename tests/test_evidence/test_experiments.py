"""Experiments are read strictly, and differ in nothing but what they say."""
import pytest
from test_configs.zoo import FACE, load
from test_evidence.small_evidence import plan

from mmpose_wass.evidence import CONFIG_ROOT, read_experiments
from mmpose_wass.evidence.experiments import data_names, runs_of

ROOTS = {'300w': 'faces/', 'synthetic_300w': 'rendered/'}
ZOO = '300w/td-hm_hrnetv2-w18_{}-1xb16-60e_300w-256x256.py'


@pytest.fixture(scope='module')
def experiments():
    return read_experiments(CONFIG_ROOT / 'evidence' / 'cpu.py')


def flat(value, name=''):
    """From dotted names to values."""
    if isinstance(value, dict):
        children = [(str(key), child) for key, child in plain(value).items()]
    elif isinstance(value, (list, tuple)) and value:
        children = [(str(place), child) for place, child in enumerate(value)]
    else:
        return {name: value}
    return {key: found for one, child in children
            for key, found in flat(child, f'{name}.{one}' if name else one).items()}


def differing(one, other):
    """Names of settings that two configs do not share."""
    first, second = flat(one.to_dict()), flat(other.to_dict())
    return {name for name in set(first) | set(second)
            if name not in first or name not in second or first[name] != second[name]}


def written(tmp_path, text):
    file = tmp_path / 'experiments.py'
    file.write_text(f'plan = {plan(parts=(), start=None, epochs=1)!r}\n{text}')
    return file


def plain(value):
    """Without what MMEngine adds to a config that inherits from a package."""
    return {name: child for name, child in value.items() if name != '_scope_'}


@pytest.mark.parametrize('text, message', [
    ("experiments = dict(a=dict(title='A', learnig_rate=2.))",
     r"experiments.py: experiment a has unknown fields \['learnig_rate'\]"),
    ('experiments = dict(a=dict())', r"experiment a lacks \['title'\]"),
    ("experiments = dict(a=dict(title='A', start='b'))",
     "a starts from 'b', which is not in the file"),
    ("experiments = dict(a=dict(title='A', start='b'), b=dict(title='B'))",
     'a stands before its start b'),
])
def test_wrong_files_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_experiments(written(tmp_path, text))


def test_all_are_read_in_order_and_first_seeds_come_first(tmp_path):
    found = read_experiments(written(
        tmp_path, "experiments = dict(b=dict(title='B', seeds=(4, 7)), a=dict(title='A'))"))
    assert list(found) == ['b', 'a'] and found['b'].seeds == (4, 7) and found['a'].epochs == 1
    assert [(one.name, seed) for one, seed in runs_of(found)] == [('b', 4), ('a', 0), ('b', 7)]
    assert data_names(list(found.values())) == ['300w']


@pytest.mark.parametrize('name, zoo', [
    ('l2_s1', 'l2-sigma1'), ('w_s1', 'wass-sigma1'), ('w_s3', 'wass-sigma3'),
    ('awing', 'awing-sigma1'), ('dark', 'dark-sigma1'), ('js', 'js-sigma1'),
    ('softargmax', 'softargmax-sigma1')])
def test_loss_codec_and_head_are_the_zoo_s(experiments, name, zoo):
    made, official = experiments[name].config(0, ROOTS, None), load(FACE / ZOO.format(zoo))
    sizes = dict(input_size=None, heatmap_size=None)
    assert flat(made.model.head.loss) == flat(official.model.head.loss)
    assert made.model.head.type == official.model.head.type
    for codec in (made.codec, made.model.head.decoder, *(
            step.encoder for step in made.train_dataloader.dataset.pipeline if 'encoder' in step)):
        assert plain(dict(codec, **sizes)) == plain(dict(official.codec, **sizes))
        assert codec.input_size == (128, 128) and codec.heatmap_size == (32, 32)


@pytest.mark.parametrize('one, other, allowed', [
    ('w_s15', 'kl_s15', {'model.head.loss.'}),
    ('w_s15', 'w_s15_mixture', {'model.head.loss.logit_gradient'}),
    ('scratch_w', 'scratch_w_power', {'model.head.loss.logit_gradient'}),
    ('w_s15', 'wkl_s15', {'model.head.loss.'}),
    ('w_s1', 'w_s3', {'model.head.loss.sigma', 'model.head.decoder.sigma', 'codec.sigma',
                      'targets.sigma', 'train_pipeline', 'train_dataloader.dataset.pipeline'}),
    ('w_s1', 'w_s1_coordconv', {'model.type', 'model.coord_conv', 'coord_conv'}),
    ('l2_s1', 'l2_s1_augmented', {'train_pipeline', 'train_dataloader.dataset.pipeline',
                                    'image_perturbations', 'box_perturbations'}),
])
def test_two_experiments_differ_in_what_they_say_alone(experiments, one, other, allowed):
    found = differing(*(experiments[name].config(0, ROOTS, 'w.pth') for name in (one, other)))
    assert found
    assert [name for name in found if not name.startswith(tuple(allowed))] == []


def test_sigma_reaches_the_targets_and_nothing_else_of_the_pipeline(experiments):
    found = differing(*(experiments[name].config(0, ROOTS, None) for name in ('w_s1', 'w_s3')))
    assert all(name.endswith('sigma') for name in found)


def test_a_turn_puts_an_experiment_off(tmp_path):
    found = read_experiments(written(
        tmp_path, "experiments = dict(b=dict(title='B', turn=1), a=dict(title='A', seeds=(0, 1)))"))
    assert [(one.name, seed) for one, seed in runs_of(found)] == [('a', 0), ('b', 0), ('a', 1)]


def test_a_seed_and_a_start_change_nothing_else(experiments):
    one = experiments['w_s1'].config(0, ROOTS, 'w.pth')
    assert differing(one, experiments['w_s1'].config(2, ROOTS, 'w.pth')) == {'randomness.seed'}
    assert differing(one, experiments['w_s1'].config(0, ROOTS, None)) == {'load_from'}
    assert one.load_from == 'w.pth'


def test_perturbations_stand_before_the_crop(experiments):
    cfg = experiments['l2_s1_augmented'].config(0, ROOTS, None)
    steps = [step.type for step in cfg.train_dataloader.dataset.pipeline]
    assert steps[:steps.index('TopdownAffine')][-3:] == [
        'SyntheticOcclusion', 'SyntheticMotionBlur', 'BoxPerturbation']
    assert 'SyntheticOcclusion' not in str(cfg.val_dataloader)


def test_the_schedule_is_stretched_and_the_data_are_those_named(experiments):
    plain, short = experiments['w_s15'], experiments['scratch_w']
    cfg = short.config(1, ROOTS, None)
    assert cfg.train_cfg.max_epochs == short.epochs != plain.epochs
    assert {one['end'] for one in cfg.param_scheduler if one.get('by_epoch', True)} == {
        short.epochs}
    assert cfg.optim_wrapper.optimizer.lr == short.learning_rate
    rendered = experiments['rendered'].config(0, ROOTS, None)
    assert {rendered[f'{split}_dataloader'].dataset.data_root
            for split in ('train', 'val')} == {'rendered/'}
    with pytest.raises(KeyError, match='w_s15 needs the data set 300w.*--data 300w=DIR'):
        plain.config(0, dict(synthetic_300w='rendered/'), None)


def test_an_unknown_part_is_named(experiments):
    from dataclasses import replace
    with pytest.raises(FileNotFoundError, match='nothing.py'):
        replace(experiments['w_s1'], parts=('losses/nothing.py', )).config(0, ROOTS, None)
