"""tools/check_matrix.sh: its cells, its records, and its stages with a pretended interpreter."""
import json
import os
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / 'tools'))

from compatibility_matrix import cells, measure, records  # noqa: E402
from compatibility_matrix.__main__ import main  # noqa: E402
from compatibility_matrix.stages import StageError, Stages  # noqa: E402

JUNIT = '''<testsuites><testsuite>
<testcase classname="tests.test_ot.test_a" name="test_1" time="1.5"/>
<testcase classname="tests.test_turn_on.TestB" name="test_2[x]" time="0.25"/>
<testcase classname="tests.test_turn_on" name="test_3"><failure message="no\nmore">...</failure>
</testcase>
<testcase classname="tests.test_turn_on" name="test_4"><skipped message="no data"/></testcase>
<testcase classname="tests.test_turn_on" name="test_5"><error message="{path}/x"/></testcase>
</testsuite></testsuites>'''
#: Stands in for Python, pip, venv and pytest; what it was asked for is in calls.txt beside it.
PRETENDED = '''#!/usr/bin/env bash
here=$(dirname "$0")
if [ "$1 $2" = "-m venv" ]; then
  mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; exit
fi
echo "$*" >> "$here/../../calls.txt"
case "$*" in
  "-m pip wheel --no-deps"*) mkdir -p "$7"; touch "$7/mmpose_wass-1-py3-none-any.whl" ;;
  "-m mmpose_wass demo"*) ls "$here/../../source" >> "$here/../../calls.txt"; touch "${@: -1}" ;;
  "-m pip wheel"*) touch "${11}/${12/==/-}-cp311-cp311-linux_x86_64.whl" ;;
  "-m pip install"*broken*) echo 'no such version'; exit 1 ;;
  "-m pytest"*) for word; do case $word in --junitxml=*) cp "$here/../../given.xml" "${word#*=}";;
    esac; done; exit 1 ;;
  *metadata*) echo '{"torch": "2.11.0", "numpy": "1.26.4"}' ;;
  *version_info*) echo 3.11 ;;
esac
'''


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """Measure a cell without installing anything. The sources hold a set-up that always works."""
    python = tmp_path / 'pretended'
    python.write_text(PRETENDED)
    python.chmod(python.stat().st_mode | stat.S_IXUSR)

    def copy_tree(target):
        (target / 'tools').mkdir(parents=True)
        (target / 'mmpose_wass').mkdir()
        (target / 'requirements').mkdir()
        (target / 'tools/setup_env.sh').write_text(os.environ.get('SETUP', 'exit 0\n'))

    monkeypatch.setattr(measure, 'find_python', lambda version: str(python))
    monkeypatch.setattr(measure, 'copy_tree', copy_tree)
    monkeypatch.delenv('PIP_FIND_LINKS', raising=False)
    matrix = cells.read_matrix()
    folder = tmp_path / 'work/tested'
    folder.mkdir(parents=True)
    (folder / 'given.xml').write_text(JUNIT.format(path=folder / 'source'))

    def run(cell=matrix.cells['tested'], suite='whole', **more):
        options = measure.Options(suite=suite, work=tmp_path / 'work', cache=tmp_path / 'cache',
                                  jobs=3, limit=60, keep=more.pop('keep', False), **more)
        calls = folder / 'calls.txt'
        calls.write_text('')
        return measure.measure(cell, matrix, options, print), calls.read_text()

    run.folder, run.cache = folder, tmp_path / 'cache'
    return run


class TestCells:

    def test_factors_of_the_project_are_there(self):
        """Three Pythons, an old and a new torch, both numpy, both ends of mmpose."""
        matrix = cells.read_matrix()
        locks = [(cell, cells.read_lock(cell.lock(matrix.base)))
                 for cell in matrix.cells.values()]
        assert {cell.python for cell, _ in locks} == {'3.10', '3.11', '3.12'}
        assert {'2.1.2', '2.11.0', '2.13.0'} <= {lock['torch'] for _, lock in locks}
        assert {'1', '2'} == {lock['numpy'].split('.')[0] for _, lock in locks}
        assert {'1.2.0', '1.3.2'} == {lock['mmpose'] for _, lock in locks}
        assert cells.read_lock(matrix.cells['tested'].lock(matrix.base)) == \
            cells.read_lock(matrix.base)

    def test_what_differs_is_what_it_says(self):
        """A cell for one factor leaves the versions of the others."""
        matrix = cells.read_matrix()
        base = cells.read_lock(matrix.base)
        for cell in matrix.cells.values():
            lock = cells.read_lock(cell.lock(matrix.base))
            changed = {name for name in ('torch', 'numpy', 'mmpose', 'mmcv', 'mmdet', 'mmengine')
                       if lock[name] != base[name]}
            assert changed == {name for name in cell.pins if name in changed | {'torch', 'numpy'}}
            assert len(changed) + (cell.python != '3.11') <= 2

    def test_lock(self):
        cell = cells.Cell('a', '3.10', '', pins={'SciPy': '1.2', 'new': '3'},
                          unlocked=('nvidia_*', ))
        text = cell.lock('torch==2.11.0\nscipy==1.17\nnvidia-nccl-cu13==2\nsix==1.17.0\n')
        assert text == 'torch===2.11.0\nSciPy==1.2\nsix==1.17.0\nnew==3\n'
        assert cells.read_lock(text)['torch'] == '2.11.0'
        assert cell.wheels('torch==2.11.0\n') == 'cp310-torch2.11.0'

    @pytest.mark.parametrize('change, words', [
        (dict(python=3.11), 'python must be a str'), (dict(python='311'), 'like 3.11'),
        (dict(pin={}), 'no field is called pin'), (dict(pins=['numpy']), 'pins must be a dict'),
        (dict(differs=None), 'differs must be a str')])
    def test_wrong_fields_are_named(self, tmp_path, change, words):
        content = json.loads(cells.MATRIX.read_text())
        content['cells']['numpy-2'].update(change)
        (tmp_path / 'matrix.json').write_text(json.dumps(content))
        with pytest.raises(ValueError, match=f"matrix.json: cell 'numpy-2': .*{words}"):
            cells.read_matrix(tmp_path / 'matrix.json')

    def test_no_json(self, tmp_path):
        (tmp_path / 'matrix.json').write_text('{')
        with pytest.raises(ValueError, match='matrix.json: Expecting'):
            cells.read_matrix(tmp_path / 'matrix.json')

    def test_what_quick_leaves_out_exists_and_has_a_reason(self):
        for path, reason in cells.read_matrix().quick_leaves_out.items():
            assert (REPOSITORY / path).exists() and len(reason) > 10, path


class TestMeasure:

    def test_record(self, pretended):
        record, calls = pretended()
        assert record.stopped_at == '' and not record.green
        assert record.versions == {'numpy': '1.26.4', 'torch': '2.11.0'}
        assert record.tests == {
            'passed': 2, 'failed': 1, 'errors': 1, 'skipped': 1,
            'failures': {'tests.test_turn_on::test_3': 'no more',
                         'tests.test_turn_on::test_5': './x'}, 'skips': {'no data': 1}}
        assert set(record.seconds) == {'create', 'install', 'build', 'test'}
        assert '-n 3' in calls and '--ignore' not in calls
        assert not (pretended.folder / 'venv').exists()
        assert not (pretended.folder / 'source').exists()

    def test_wheels_are_built_once(self, pretended):
        record, calls = pretended()
        assert record.wheels == {'mmcv': 'built'} and calls.count('pip wheel') == 1
        assert list(pretended.cache.glob('cp311-torch2.11.0/mmcv-2.1.0-*.whl'))
        record, calls = pretended()
        assert record.wheels == {'mmcv': 'cache'} and 'pip wheel' not in calls

    def test_wheels_are_found(self, pretended, monkeypatch, tmp_path):
        links = tmp_path / 'with a blank'
        links.mkdir()
        (links / 'mmcv-2.1.0-cp311-cp311-linux_x86_64.whl').touch()
        monkeypatch.setenv('PIP_FIND_LINKS', f'/nowhere file://{links}'.replace('h a', 'h%20a')
                           .replace('a b', 'a%20b'))
        record, calls = pretended()
        assert record.wheels == {'mmcv': 'found'} and 'pip wheel' not in calls

    def test_quick_leaves_out(self, pretended):
        _, calls = pretended(suite='quick')
        left_out = cells.read_matrix().quick_leaves_out
        assert calls.count('--ignore=') == len(left_out)

    @pytest.mark.parametrize('setup, stage, reason', [
        ("echo \"setup: 'mmcv' failed after 3 s\"; exit 1", 'build', "'mmcv' of tools/setup_env"),
        ("echo \"setup: 'import' failed after 3 s\"; exit 1", 'import', "'import' of tools"),
        ("echo \"setup: 'mmpose' failed after 3 s\"; exit 1", 'install', "'mmpose' of tools"),
        ('echo gone; exit 3', 'install', 'ended with 3')])
    def test_where_it_stopped(self, pretended, monkeypatch, setup, stage, reason):
        monkeypatch.setenv('SETUP', setup)
        record, calls = pretended()
        assert record.stopped_at == stage and reason in record.reason
        assert record.last_lines and not record.tests and '-m pytest' not in calls
        assert record.verdict == f'red: stopped at {stage}'

    def test_as_wheel(self, pretended):
        """The wheel takes the place of the editable installation, and the sources lose theirs."""
        cell = replace(cells.read_matrix().cells['wheel'], name='tested')
        record, calls = pretended(cell)
        assert record.stopped_at == '' and record.tests['passed'] == 2
        order = [calls.index(word) for word in (
            'pip wheel --no-deps', 'pip uninstall -y mmpose-wass', 'pip install --no-deps',
            '-m mmpose_wass demo', '-m pytest')]
        assert order == sorted(order)
        assert calls.splitlines().count('mmpose_wass') == 0 and 'tools' in calls.splitlines()

    def test_a_version_that_there_is_not(self, pretended):
        record, _ = pretended(cells.Cell('tested', '3.11', '', from_source=()), keep=True)
        assert record.stopped_at == ''
        (pretended.folder / 'venv/bin/python').write_text(
            PRETENDED.replace('*broken*', '*torchvision*'))
        record, _ = pretended(cells.Cell('tested', '3.11', '', from_source=()))
        assert record.stopped_at == 'install' and 'no such version' in record.last_lines[-1]

    def test_an_environment_of_other_pins_is_not_gone_on_with(self, pretended):
        pretended(keep=True)
        mark = pretended.folder / 'venv/mark'
        mark.touch()
        pretended(keep=True)
        assert mark.exists()
        pretended(cells.Cell('tested', '3.11', '', pins={'numpy': '2.0'}), keep=True)
        assert not mark.exists()
        mark.touch()
        pretended(cells.Cell('tested', '3.11', '', pins={'numpy': '2.0'}), fresh=True)
        assert not mark.exists()

    def test_limit(self, tmp_path, monkeypatch):
        monkeypatch.setattr('compatibility_matrix.stages.HEARTBEAT', 0.1)
        stages = Stages(tmp_path / 'log', lambda line: None)
        start = time.monotonic()
        with pytest.raises(StageError, match='the limit'):
            stages.run('test', ['bash', '-c', 'sleep 50 & wait'], tmp_path, limit=0.2)
        assert time.monotonic() - start < 8
        assert stages.seconds['test'] > 0.2


class TestCommandLine:

    @pytest.fixture
    def measured(self, tmp_path):
        """Records of two cells: a green one of the quick suite, a red one."""
        shared = dict(date='2026-01-01', commit='abc', machine='any')
        counts = dict(passed=5, failed=0, errors=0, skipped=1, failures={}, skips={'a': 1})
        records.write_record(records.Record(
            'tested', 'quick', versions={'Torch': '2.11.0'}, tests=counts, **shared), tmp_path)
        records.write_record(records.Record(
            'numpy-2', 'whole', tests={**counts, 'failed': 2, 'failures': {'t::a': 'why'}},
            **shared), tmp_path)
        return tmp_path

    def test_help(self):
        shown = subprocess.run(['bash', 'tools/check_matrix.sh', '--help'], cwd=REPOSITORY,
                               capture_output=True, text=True, check=True,
                               env={**os.environ, 'PYTHON': sys.executable}).stdout
        for word in ('examples:', '--quick', 'PIP_FIND_LINKS', '--keep', 'Exit status'):
            assert word in shown

    def test_list(self, measured, capsys):
        assert main(['--list', '--results', str(measured)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 1 + len(cells.read_matrix().cells)
        assert lines[1].split() == ['the', 'tested', 'set', '3.11', '2.11.0', '-', '-', '-',
                                    'quick', '5', '0', '1', '2026-01-01', 'abc', 'green']
        assert any(line.endswith('red: 2 of the tests') for line in lines)
        assert any(line.endswith('not measured') for line in lines)

    def test_dry_run(self, measured, capsys, monkeypatch):
        monkeypatch.setattr('compatibility_matrix.__main__.find_python', lambda version: None)
        arguments = ['--dry-run', '--results', str(measured), '--cache', str(measured)]
        assert main([*arguments, '--quick']) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == len(cells.read_matrix().cells)
        assert lines[0].startswith('tested: measured on 2026-01-01 (green)')
        # What was measured quickly is not what the whole suite says.
        assert main([*arguments, 'tested']) == 0
        shown = capsys.readouterr().out
        assert 'NOT FOUND' in shown and 'whole suite; found or built: mmcv' in shown
        assert main([*arguments, '--again', 'numpy-2']) == 0
        assert 'numpy 2.' in capsys.readouterr().out

    def test_measured_cells_are_left_alone(self, measured, capsys, monkeypatch, tmp_path):
        def measure_not(*arguments):
            raise AssertionError('measured')

        monkeypatch.setattr('compatibility_matrix.__main__.measure', measure_not)
        common = ['--results', str(measured), '--work-dir', str(tmp_path / 'work')]
        assert main(['--quick', *common, 'tested']) == 0
        assert main(['--quick', *common, 'tested', 'numpy-2']) == 1  # a red one
        assert capsys.readouterr().out.count('measured on 2026-01-01') == 3
        with pytest.raises(AssertionError, match='measured'):
            main([*common, 'tested'])

    def test_no_interpreter_is_not_a_result(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr(measure, 'find_python', lambda version: None)
        assert main(['tested', '--results', str(tmp_path / 'results'), '--work-dir',
                     str(tmp_path)]) == 1
        assert 'not measured: no Python 3.11' in capsys.readouterr().out
        assert not (tmp_path / 'results/tested.json').exists()

    @pytest.mark.parametrize('arguments, words', [
        (['nowhere'], 'no cell is called nowhere; there are: tested'),
        (['--jobs', '0'], 'at least 1, not 0'), (['--limit', '-1'], 'above 0, not -1')])
    def test_wrong_calls(self, capsys, arguments, words):
        try:
            status = main(['--dry-run', *arguments])
        except SystemExit as end:
            status = end.code
        assert status == 2 and words in capsys.readouterr().err

    def test_damaged_record(self, tmp_path, capsys):
        (tmp_path / 'tested.json').write_text('{"cell": "tested"')
        assert main(['tested', '--results', str(tmp_path)]) == 2
        error = capsys.readouterr().err
        assert 'tested.json is no record' in error and '--again tested' in error


class TestPage:

    def test_shows_the_records(self):
        """`tools/check_matrix.sh --write` was called after the last measurement."""
        assert main(['--check']) == 0

    def test_written_and_checked(self, tmp_path, monkeypatch, capsys):
        page = tmp_path / 'page.md'
        page.write_text(f'before\n{records.BEGIN}\nold\n{records.END}\nafter\n')
        monkeypatch.setattr(records, 'PAGE', page)
        results = ['--results', str(tmp_path)]
        assert main(['--check', *results]) == 1
        assert main(['--write', *results]) == 0
        assert main(['--check', *results]) == 0
        text = page.read_text()
        assert text.startswith('before\n') and text.endswith('\nafter\n') and 'old' not in text
        assert '| Python 3.10 | 3.10 |' in text

    def test_a_measured_cell_is_on_the_page_at_once(self, tmp_path, monkeypatch):
        """Else the page would not show the records in the copy that the next cell tests."""
        page, results = tmp_path / 'page.md', tmp_path / 'results'
        page.write_text(f'{records.BEGIN}\nold\n{records.END}\n')
        monkeypatch.setattr(records, 'PAGE', page)
        monkeypatch.setattr(records, 'RESULTS', results)
        monkeypatch.setattr(
            'compatibility_matrix.__main__.measure', lambda cell, *_: records.Record(
                cell.name, 'whole', '2026-01-01', 'abc', 'any', stopped_at='build', reason='why'))
        asked = ['tested', '--work-dir', str(tmp_path), '--results']
        assert main([*asked, str(tmp_path / 'elsewhere')]) == 1
        assert 'old' in page.read_text()
        assert main([*asked, str(results)]) == 1
        assert 'red: stopped at build' in page.read_text()
        assert main(['--check', '--results', str(results)]) == 0

    def test_marks_are_needed(self):
        with pytest.raises(ValueError, match='needs the marks'):
            records.page_with('table', 'a page')

    def test_names_of_records_are_those_of_cells(self):
        names = {path.stem for path in records.RESULTS.glob('*.json')}
        assert names <= set(cells.read_matrix().cells)

    def test_durations(self, tmp_path):
        (tmp_path / 'junit.xml').write_text(JUNIT)
        spent = records.durations(tmp_path / 'junit.xml')
        assert spent['tests/test_turn_on.py'] == 0.2
