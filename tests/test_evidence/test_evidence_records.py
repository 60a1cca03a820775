"""Records come back as they were written, and a broken one is named."""
import json

import numpy as np
import pytest
from test_evidence.small_evidence import made_up_record

from mmpose_wass.evidence.records import (
    group_by_experiment,
    read_records,
    read_units,
    write_record,
    write_units,
)


def test_round_trip(tmp_path):
    written = made_up_record('w', 0, 4.2)
    path = write_record(tmp_path, written)
    assert path == tmp_path / 'w_seed0.json'
    found, = read_records(tmp_path)
    assert found.name == 'w_seed0' and found.experiment == 'w'
    assert found.content['settings'] == written.content['settings']
    for test, readings in written.content['tests'].items():
        for reading, metrics in readings.items():
            kept = found.content['tests'][test][reading]
            assert kept['NME'] == pytest.approx(metrics['NME'], abs=1e-6)
            np.testing.assert_allclose(kept['ced']['landmarks'], metrics['ced']['landmarks'],
                                       atol=1e-6)
            key = f'{test}/{reading}'
            assert found.faces[key].shape == (40, 3)
            np.testing.assert_allclose(found.faces[key], written.faces[key], rtol=1e-3)


def test_the_same_record_gives_the_same_json(tmp_path):
    first, second = (write_record(tmp_path / name, made_up_record('w', 0, 4.2))
                     for name in ('a', 'b'))
    assert first.read_bytes() == second.read_bytes()


def test_records_are_grouped_by_experiment_and_seed(tmp_path):
    for experiment, seed in (('w', 10), ('l2', 0), ('w', 2)):
        write_record(tmp_path, made_up_record(experiment, seed, 4.2))
    groups = group_by_experiment(read_records(tmp_path))
    assert {name: [one.content['seed'] for one in group] for name, group in groups.items()} == {
        'w': [2, 10], 'l2': [0]}


@pytest.mark.parametrize('damage', ['no json', 'no faces', 'other json', 'half of the faces'])
def test_a_broken_record_is_named(tmp_path, damage):
    write_record(tmp_path, made_up_record('l2', 0, 4.2))
    path = write_record(tmp_path, made_up_record('w', 0, 4.2))
    if damage == 'no json':
        path.write_text(path.read_text()[:100])
    elif damage == 'no faces':
        path.with_suffix('.npz').unlink()
    elif damage == 'half of the faces':
        file = path.with_suffix('.npz')
        file.write_bytes(file.read_bytes()[:200])
    else:
        path.write_text(json.dumps(dict(metrics={})))
    with pytest.raises(ValueError, match=r'w_seed0.json is no record.*Measure the run again'):
        read_records(tmp_path)


def test_an_empty_folder_has_no_records(tmp_path):
    assert read_records(tmp_path) == []


def test_units_come_back_as_numbers(tmp_path):
    write_record(tmp_path, made_up_record('w', 0, 4.2))
    path = write_units(tmp_path, dict(video=['b', 'a', 'b'], imm73=['01', '01']))
    assert read_units(tmp_path) == dict(video=(1, 0, 1), imm73=(0, 0))
    record, = read_records(tmp_path)  # and are no record
    assert record.units['video'] == (1, 0, 1)
    path.write_text('[1, 2')
    with pytest.raises(ValueError, match='test_units.json does not hold .*evidence.py units'):
        read_records(tmp_path)
