"""tools/compare.py from the command line: every file is there and holds what it says."""
import csv
import json
import re

import numpy as np
import pytest
from tiny_run import call_tool
from written_results import random_errors, write_result

from mmpose_wass.evaluation.functional import failure_rate_per_landmark, summarize_errors


@pytest.fixture
def compare(tmp_path, monkeypatch, capsys):

    def run(*arguments):
        return call_tool('compare.py', *arguments, monkeypatch=monkeypatch, capsys=capsys,
                         cwd=tmp_path)

    return run


@pytest.fixture
def two(tmp_path):
    """Errors of two runs on 300W's 68 landmarks; their files are ``l2/val`` and ``wass/val``."""
    found = {}
    for index, (name, scale) in enumerate((('l2', 1.4), ('wass', 1.0))):
        found[name] = random_errors(60, 68, index, scale)
        write_result(tmp_path / name / 'val', found[name], dataset_name='300w')
    return found


def test_everything_is_written(compare, two, tmp_path):
    status, out, err = compare('l2/val', 'wass/val.errors.npz', '--names', 'L2', 'W, σ = 3',
                               '--out', 'out', '--resamples', 400, '--title', 'A title')
    assert status == 0, err
    folder = tmp_path / 'out'
    data = json.loads((folder / 'comparison.json').read_text())
    for name, errors in (('L2', two['l2']), ('W, σ = 3', two['wass'])):
        expected = summarize_errors(errors)
        for value in data['values'][name]:
            assert value['estimate'] == pytest.approx(expected[value['measure']])
            assert value['low'] < value['high']
    assert len(data['differences']) == 6 and data['alignment']['faces'] == 60
    assert data['differences'][0]['significant'] and data['differences'][0]['better']

    with open(folder / 'tables/landmarks.csv', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    rates = failure_rate_per_landmark(two['l2'], .1)
    assert [float(row['L2 FR_L@0.10']) for row in rows] == pytest.approx(100 * rates)

    page = (folder / 'comparison.md').read_text()
    assert page.startswith('# A title')
    links = re.findall(r'!\[[^\]]*\]\(([^)]*)\)', page)
    assert len(links) == 4 and all((folder / link).stat().st_size > 5000 for link in links)
    for ending in ('md', 'tex', 'csv'):
        assert {path.stem for path in (folder / 'tables').glob(f'*.{ending}')} == {
            'measures', 'differences', 'saturation', 'regions', 'landmarks'}
    for stem in ('ced_images', 'ced_landmarks', 'failure_map', 'failure_differences'):
        for ending in ('png', 'pdf'):
            assert (folder / f'figures/{stem}.{ending}').is_file()

    for text in (page, out):
        assert 'W, σ = 3 compared with L2: significantly better in NME' in text
        assert "by Holm's method" in text
        assert '6 tests were made (1 pair × 6 measures)' in text
        assert 'Another training seed would move the numbers too' in text
    assert 'BCa bootstrap, because errors are skewed' in page
    assert r'FR$^{L}_{0.1}$' in (folder / 'tables/measures.tex').read_text()


def test_numbers_do_not_depend_on_the_call(compare, two, tmp_path):
    for out in ('one', 'two'):
        assert compare('l2/val', 'wass/val', '--out', out, '--resamples', 200,
                       '--formats', 'png')[0] == 0
    contents = [json.loads((tmp_path / out / 'comparison.json').read_text())
                for out in ('one', 'two')]
    for content in contents:
        content.pop('date')
    assert contents[0] == contents[1]
    # Without --names: as much of the paths as tells them apart.
    assert [system['name'] for system in contents[0]['systems']] == ['l2/val', 'wass/val']


def test_one_run_alone(compare, two, tmp_path):
    status, out, err = compare('l2/val', '--out', 'out', '--resamples', 200, '--formats', 'svg')
    assert status == 0, err
    assert not (tmp_path / 'out/tables/differences.csv').exists()
    assert not (tmp_path / 'out/figures/failure_differences.svg').exists()
    assert 'compared with' not in out and 'failing images' in out


def test_groups_of_seeds(compare, tmp_path):
    errors = {name: [random_errors(40, 4, 10 * place + seed, scale) for seed in range(3)]
              for place, (name, scale) in enumerate((('l2', 1.5), ('w', 1.0)))}
    for name, seeds in errors.items():
        for seed, one in enumerate(seeds):
            write_result(tmp_path / f'{name}_{seed}/val', one)
    status, out, err = compare(
        '--group', 'L2=l2_0/val,l2_1/val,l2_2/val', '--group', 'W=w_0/val,w_1/val,w_2/val',
        '--out', 'out', '--resamples', 400, '--measures', 'NME', 'AUC@0.08', '--formats', 'png')
    assert status == 0, err
    data = json.loads((tmp_path / 'out/comparison.json').read_text())
    value = data['values']['W'][0]
    expected = [summarize_errors(one)['NME'] for one in errors['w']]
    assert value['per_seed'] == pytest.approx(expected)
    assert value['standard_deviation_over_seeds'] == pytest.approx(np.std(expected, ddof=1))
    assert [row['measure'] for row in data['differences']] == ['NME', 'AUC@0.08']
    assert {row['test_method'] for row in data['differences']} == {'hierarchical bootstrap'}
    assert 'other training seeds' in out and 'W (3 seeds)' in out
    assert "Student's t" in (tmp_path / 'out/comparison.md').read_text()


def test_common_only(compare, two, tmp_path):
    write_result(tmp_path / 'part/val', two['wass'][:50], dataset_name='300w',
                 targets=np.load(tmp_path / 'l2/val.errors.npz')['targets'][:50])
    call = ('l2/val', 'part/val', '--out', 'out', '--resamples', 200, '--formats', 'png')
    status, _, err = compare(*call)
    assert status == 1 and 'l2/val: 60 faces, 10 of them not in all runs' in err
    assert '--common-only' in err and not (tmp_path / 'out').exists()
    status, out, err = compare(*call, '--common-only')
    assert status == 0, err
    assert 'left out: 10 faces of l2/val' in out
    assert '10 faces of l2/val' in (tmp_path / 'out/comparison.md').read_text()


def test_video_frames_are_warned_of(compare, tmp_path):
    write_result(tmp_path / 'a', random_errors(40, 68, 0), dataset_name='300vw',
                 images=[f'{n // 10}/{n}.jpg' for n in range(40)])
    call = ('a', '--out', 'out', '--resamples', 200, '--formats', 'png')
    assert 'MIND: Frames of one video' in compare(*call)[1]
    status, out, _ = compare(*call, '--unit', 'folder')
    assert status == 0 and 'Frames of one video' not in out and 'Only 4 folders' in out


@pytest.mark.parametrize('arguments, message', [
    ((), 'at least one RUN'),
    (('l2/val', 'nowhere/val'), 'nowhere/val'),
    (('l2/val', 'l2/val'), 'given more than once'),
    (('l2/val', 'wass/val', '--names', 'one'), '1 names for 2 RUNs'),
    (('l2/val', 'wass/val', '--names', 'one', 'one'), "two systems are called 'one'"),
    (('l2/val', '--measures', 'PCK'), "no measure is named 'PCK'"),
    (('l2/val', '--baseline', 'x'), "baseline 'x'"),
    (('l2/val', '--resamples', '3'), 'at least 100'),
    (('l2/val', '--limit', '30'), '--limit 30.0: a fraction'),
    (('--group', 'W'), 'NAME=RUN,RUN'),
    (('--group', 'W=l2/val,,'), 'NAME=RUN,RUN'),
    (('--group', 'W=l2/val,l2/val.errors.npz'), 'given more than once'),
])
def test_errors_say_what_to_do(compare, two, arguments, message):
    status, _, err = compare(*arguments, '--out', 'out')
    assert status != 0 and message in err and 'Traceback' not in err


def test_help_has_examples(compare):
    status, out, _ = compare('--help')
    assert status == 0 and '--group L2=l2_0/val' in out and 'python tools/compare.py' in out
