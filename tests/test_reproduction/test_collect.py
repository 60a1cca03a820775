"""Numbers come from reports, with what they were measured with, and from nowhere else."""
from __future__ import annotations

import copy
import json

import pytest
from mmengine.config import Config
from reproduction_data import write_report, zoo_model

from mmpose_wass.project import CONFIG_ROOT
from mmpose_wass.reproduction import TABLES, collect_reports, find_table, measure
from mmpose_wass.reproduction.profiles import Profile
from mmpose_wass.reproduction.report import table_data, table_markdown
from mmpose_wass.reproduction.zoo import metafile, model_zoo

TABLE = find_table('2', TABLES)
L2, L2_BC, W_MAX, W = TABLE.rows
STEM = 'td-hm_hrnetv2-w18_l2-sigma1-1xb16-60e_300w-256x256'
METRICS = {'full/face/NME': 3.5, 'full/face/FR_L@0.05': 18.0}


def cells(row):
    return list(TABLE.cells(row))


def test_nothing_measured_says_so():
    text = table_markdown(TABLE, [])
    assert 'Nothing of this has been measured.' in text
    for line in text.splitlines():
        if line.startswith('| HRNet'):
            assert line.endswith('| – | – | – |')
    assert all(number['measured'] is None for row in table_data(TABLE, [])['rows']
               for number in row['numbers'])


def test_a_report_fills_its_own_row_and_no_other(tmp_path):
    write_report(tmp_path, STEM, METRICS)
    reports, remarks = collect_reports([str(tmp_path)])
    assert not remarks
    nme, failures = (measure(cell, reports) for cell in cells(L2))
    assert (nme.value, failures.value) == (3.5, 18.0)
    assert nme.difference == pytest.approx(3.5 - 3.34)
    for row in (L2_BC, W_MAX, W):
        assert all(measure(cell, reports) is None for cell in cells(row))
    text = table_markdown(TABLE, reports)
    assert '| 3.34 | 3.50 | +0.16 | [1] |' in text
    assert text.count('[1]') == 3  # two numbers and the footnote
    assert ('[1] HRNet, 256×256, 60 epochs, pretrained backbone, trained on train, tested on 689 '
            'faces of valid, seed 3') in text


def test_full_size_goes_before_reduced_and_new_before_old(tmp_path):
    write_report(tmp_path / 'a', STEM, {'full/face/NME': 1.0}, date='2020-01-01')
    write_report(tmp_path / 'b', STEM, {'full/face/NME': 2.0}, date='2020-01-02')
    write_report(tmp_path / 'c', STEM, {'full/face/NME': 9.0}, date='2021-01-01', side=128)
    write_report(tmp_path / 'd', STEM, {'full/face/NME': 8.0}, date='2021-01-01', epochs=2)
    cell = cells(L2)[0]
    assert measure(cell, collect_reports([str(tmp_path)])[0]).value == 2.0
    reduced = collect_reports([str(tmp_path / 'c'), str(tmp_path / 'd')])[0]
    assert not any(report.setting.is_full_size for report in reduced)
    assert {report.setting.input_size for report in reduced} == {(128, 128), (256, 256)}


def full_size(folder, **changes):
    write_report(folder, STEM, METRICS, **changes)
    (report, ), remarks = collect_reports([str(folder)])
    assert not remarks
    return report.setting.is_full_size


def changed(**backbone):
    model = copy.deepcopy(zoo_model(STEM))
    model['backbone'].update(backbone)
    return model


def test_only_the_zoos_own_model_is_full_size(tmp_path):
    """A compact model at 256 x 256 for 60 epochs is no measurement of the paper's row."""
    compact = Config.fromfile(CONFIG_ROOT / '_base_/compact_128x128.py').model.to_dict()
    assert full_size(tmp_path / 'own')
    assert not full_size(tmp_path / 'compact', model=compact)
    assert not full_size(tmp_path / 'scratch', model=changed(init_cfg=None))
    assert not full_size(tmp_path / 'deep', model=changed(type='ResNet', depth=50))
    assert not full_size(tmp_path / 'neck', model=dict(changed(), neck=dict(type='CPNNeck')))
    assert not full_size(tmp_path / 'start', notes="load_from='l2.pth'")
    index = metafile(collect_reports([str(tmp_path / 'compact')])[0])
    assert 'Results:' not in index
    found = measure(cells(L2)[0], collect_reports([str(tmp_path / 'compact')])[0])
    assert found.value == 3.5  # it is shown, with its setting
    assert 'ResNet' in found.report.setting.describe()


def test_profiles_tell_full_size_from_reduced(tmp_path):
    cfg = Config.fromfile(CONFIG_ROOT / L2.config)
    compact = Profile('reduced', 256, 60, compact=True, pretrained=False)
    models = [profile.apply(cfg).model.to_dict()
              for profile in (Profile(), Profile(pretrained=False), compact)]
    assert [full_size(tmp_path / str(index), model=model)
            for index, model in enumerate(models)] == [True, False, False]


@pytest.mark.parametrize('checkpoint, own', [
    ('/somewhere/hrnetv2_w18-00eb2006.pth', True), ('hrnetv2_w18.pth', True),
    ('/somewhere/hrnetv2_w18_coco.pth', False), ('torchvision://resnet50', False)])
def test_pretrained_weights_may_lie_elsewhere_but_be_no_others(tmp_path, checkpoint, own):
    start = dict(type='Pretrained', checkpoint=checkpoint)
    assert full_size(tmp_path, model=changed(init_cfg=start)) is own


def test_a_stand_in_is_named_and_has_no_difference(tmp_path):
    table = find_table('10', TABLES)
    row = table.rows[0]
    stem = row.config.split('/')[-1][:-3]
    write_report(tmp_path, stem, {'face/FR_I@0.08': 5.0, 'face/FR_L@0.10': 7.0},
                 notes="stand_in='data/wflw/test.json'")
    reports, _ = collect_reports([str(tmp_path)])
    found = [measure(cell, reports) for cell in table.cells(row)]
    assert found[0].value == 5.0 and found[0].difference is None
    assert found[1] is None  # FR_I@0.10 is not in the report
    assert 'IN PLACE OF data/wflw/test.json' in table_markdown(table, reports)


def test_what_a_union_lacks_is_named(tmp_path):
    write_report(tmp_path, STEM, METRICS, notes="partial='challenge in full'")
    reports, _ = collect_reports([str(tmp_path)])
    assert 'WITHOUT challenge in full' in table_markdown(TABLE, reports)


@pytest.mark.parametrize('value', [None, float('nan'), 'none'])
def test_a_number_that_is_none_is_not_reported(tmp_path, value):
    write_report(tmp_path, STEM, {'full/face/NME': value})
    reports, _ = collect_reports([str(tmp_path)])
    assert measure(cells(L2)[0], reports) is None


def test_other_files_are_passed_over_and_damaged_ones_named(tmp_path):
    write_report(tmp_path, STEM, METRICS)
    (tmp_path / 'other.json').write_text('{"a": 1}')
    (tmp_path / 'cut.json').write_text('{"metrics": {')
    broken = json.loads((tmp_path / f'{STEM}.json').read_text())
    broken['config']['text'] = 'model = dict('
    (tmp_path / 'broken.json').write_text(json.dumps(broken))
    reports, remarks = collect_reports([str(tmp_path)])
    assert len(reports) == 1
    assert len(remarks) == 2 and 'cut.json: is no JSON' in ' '.join(remarks)
    with pytest.raises(ValueError, match='is no report of tools/test.py'):
        collect_reports([str(tmp_path / 'other.json')])
    with pytest.raises(FileNotFoundError, match='no folder or file'):
        collect_reports([str(tmp_path / 'nowhere')])


def test_the_zoo_shows_measurements_and_the_index_those_at_full_size(tmp_path):
    write_report(tmp_path, STEM, METRICS)
    reports, _ = collect_reports([str(tmp_path)])
    assert 'NME 3.34 (3.50)' in model_zoo(reports)
    index = metafile(reports)
    assert index.count('Results:') == 1 and 'Dataset: 300W full' in index and 'NME: 3.50' in index
    write_report(tmp_path, STEM, METRICS, side=128)
    assert 'Results:' not in metafile(collect_reports([str(tmp_path)])[0])
