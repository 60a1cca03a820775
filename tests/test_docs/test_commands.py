"""Every shell command of the README and the pages: run, or at least understood by its tool.

The commands of docs/tour.md and those of the README's "Test it" are run on a few rendered faces.
All other commands are given to the parser of the tool that they call, in this process; their
configs must exist, and options of a config must name something in it. Why a tool's commands are
only parsed stands in `NOT_RUN`. A command of a kind that nothing here knows fails.
"""

from __future__ import annotations

import argparse
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections import Counter

import pytest
from documentation import ROOT, Block, all_blocks, blocks_of, commands_of
from mmengine.config import Config
from packaging.requirements import Requirement

from mmpose_wass.engine import load_config

#: Why commands of a tool are not run here, and where the tool itself is run.
NOT_RUN = {
    'tools/train.py': ('hours of training', 'test_tools/test_train_and_test.py'),
    'tools/test.py': ('checkpoints of such trainings', 'test_tools/test_train_and_test.py'),
    'tools/compare.py': ('results of such models', 'test_tools/test_compare.py'),
    'tools/robustness.py': ('such models', 'test_tools/test_robustness_tool.py'),
    'tools/prepare_data.py': ('archives that need an account', 'test_datasets'),
    'tools/convert_checkpoint.py': ('a trained model', 'test_tools/test_convert_checkpoint.py'),
    'tools/calibrate_perturbations.py': ('hours', 'test_tools/test_calibrate_perturbations.py'),
    'tools/reproduce.py': ('hours of training', 'test_tools/test_reproduce.py'),
    'tools/evidence.py': ('hours of training', 'test_evidence'),
    'tools/demo.py': ('pictures of the reader', 'test_inference'),
    'tools/visualize.py': ('models and data of the reader', 'test_visualization'),
    'tools/export.py': ('a trained model', 'test_deployment'),
    'benchmarks': ('minutes, and a quiet machine', 'test_benchmarks.py'),
    'docs': ('what benchmarks have measured', 'test_docs'),
    'examples': ('an exported model', 'test_deployment'),
}
#: Shorter, so that a test may run them; the commands are otherwise as they stand.
SHORTER = {
    '--train 300': '--train 24', '--test 40': '--test 6', '--image-size 128': '--image-size 96',
    'max_epochs=6': 'max_epochs=1', 'val_interval=6': 'val_interval=1', 'end=6': 'end=1',
    'epoch_6.pth': 'epoch_1.pth', '--limit 24': '--limit 4', '--resamples 200': '--resamples 100',
    '--top 12': '--top 2',
}
#: What a word in capitals stands for when a command is run.
STANDS_FOR = {'CONFIG': 'work_dirs/tour/wass.py', 'CHECKPOINT': 'work_dirs/tour/wass/epoch_1.pth'}
PLACEHOLDER = re.compile(r'[A-Z][A-Z_0-9]+(\.\w+)?')
SHELL = ('bash', 'sh', 'console', '')
COMMANDS = [(block, command) for block in all_blocks() if block.language in SHELL
            for command in commands_of(block)]


class Parsed(Exception):
    """A parser has understood its arguments."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        super().__init__()
        self.arguments = arguments


def parse(monkeypatch, words) -> argparse.Namespace:
    """What a Python script's own parser makes of a command line; nothing else of it is run."""
    original = argparse.ArgumentParser.parse_args

    def parse_args(parser, args=None, namespace=None):
        raise Parsed(original(parser, args, namespace))

    def error(parser, message):
        raise AssertionError(f'{parser.prog}: {message}')

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, 'parse_args', parse_args)
        patch.setattr(argparse.ArgumentParser, 'error', error)
        patch.setattr(sys, 'argv', list(words))
        patch.setattr(sys, 'path', [str((ROOT / words[0]).parent), *sys.path])
        patch.chdir(ROOT)
        with pytest.raises(Parsed) as parsed:
            runpy.run_path(str(ROOT / words[0]), run_name='__main__')
    return parsed.value.arguments


def check_configs(arguments: argparse.Namespace, page: str) -> None:
    """Configs that a command names exist, and so do the settings that it changes."""
    values = [getattr(arguments, name, None) for name in ('config', 'configs')]
    for value in values:
        if not isinstance(value, str) or PLACEHOLDER.fullmatch(value) or \
                value.startswith('work_dirs/'):
            continue
        if value.startswith('mmpose::'):
            from mmengine.hub import get_config
            cfg = get_config(value)
        elif '::' in value:
            cfg = load_config(value)
        else:
            assert (ROOT / value).is_file(), f'{page}: there is no {value}'
            cfg = Config.fromfile(ROOT / value)
        for key in getattr(arguments, 'cfg_options', None) or {}:
            if key in ('randomness.seed', ):  # MMEngine's own, valid though not set
                continue
            node = cfg
            for part in key.split('.')[:-1]:
                node = node[int(part)] if isinstance(node, list) else node[part]
            last = key.split('.')[-1]
            free = ('outfile_prefix', 'load_from', 'init_cfg')  # valid though not set
            assert last in node or last in free, f'{page}: {value} has no {key}'


def script_key(script: str) -> str:
    folder = script.split('/')[0]
    return folder if folder in ('benchmarks', 'docs', 'examples') else script


def check_pip(words) -> None:
    setup = (ROOT / 'setup.py').read_text(encoding='utf-8')
    lock = dict(re.findall(r'^([\w.-]+)==(\S+)$', (ROOT / 'requirements/lock.txt').read_text(),
                           re.MULTILINE))
    options = [word for word in words[2:] if word.startswith('-') and word != '-e']
    assert set(options) <= {'-y', '--no-build-isolation', '--no-cache-dir', '-r', '-U'}, options
    for word in words[2:]:
        if word.startswith('-'):
            continue
        local = re.fullmatch(r'\.(\[(.*)\])?', word)
        if local:
            for extra in (local[2] or '').split(',') if local[2] else ():
                assert f"'{extra}': [" in setup, f'setup.py has no extra {extra}'
        elif word.endswith(('.txt', '.whl')):
            assert word.endswith('.whl') or (ROOT / word).is_file(), word
        else:
            requirement = Requirement(word)
            for clause in requirement.specifier:
                if clause.operator == '==':
                    assert lock[requirement.name] == clause.version, f'{word}: not the tested set'


def understand(monkeypatch, block: Block, command: str) -> str:
    """Check a command without running it. Returns what kind of command it is."""
    # Brackets around what may be left out.
    words = [word.strip('[]') if word.startswith('[') or '[' not in word else word
             for word in shlex.split(command)]
    words = [word for word in words if word and word not in ('...', '…')]
    for operator in ('|', '&&'):
        if operator in words:
            place = words.index(operator)
            understand(monkeypatch, block, shlex.join(words[:place]))
            return understand(monkeypatch, block, shlex.join(words[place + 1:]))
    while re.fullmatch(r'[A-Z_]+=.*', words[0]):
        words = words[1:]
    if words[0] in ('python', 'python3') and words[1] == '-c':
        exec(compile(words[2], block.place, 'exec'), {})
        return 'python -c'
    if words[1:3] == ['-m', 'mmpose_wass']:
        words = ['python', f'tools/{words[3]}.py', *words[4:]]
    if words[0] in ('python', 'python3') and words[1].endswith('.py'):
        script = words[1]
        assert (ROOT / script).is_file() or script.split('/')[0] not in (
            'tools', 'benchmarks', 'docs', 'examples'), f'{block.place}: there is no {script}'
        assert script_key(script) in NOT_RUN or script in RUN_ELSEWHERE, (
            f'{block.place}: say in NOT_RUN why commands of {script} are not run')
        if script_key(script) == 'examples':
            pytest.importorskip('onnxruntime')
        check_configs(parse(monkeypatch, words[1:]), block.place)
        return script_key(script)
    if words[0] == 'make':
        makefile = (ROOT / 'Makefile').read_text()
        for target in words[1:]:
            if '=' not in target:
                assert re.search(rf'^{re.escape(target)}:', makefile, re.MULTILINE), (
                    f'{block.place}: the Makefile has no {target}')
        return 'make'
    if words[0] == 'pip':
        check_pip(words)
        return 'pip'
    if words[0] == 'bash':
        subprocess.run(['bash', '-n', words[1]], cwd=ROOT, check=True)
        return 'bash'
    for start, kind in OTHERS.items():
        if f'{shlex.join(words)} '.startswith(start):
            return kind
    raise AssertionError(f'{block.place}: nothing here knows how to check {command!r}')


#: Cheap tools, which are run as they stand; see `test_cheap_commands_run`.
RUN_ELSEWHERE = ('tools/landmarks.py', 'tools/failures.py')
#: Commands of other programs, with what they are for.
OTHERS = {
    'python3.11 -m venv': 'environment', 'git clone': 'checkout', 'cd ': 'checkout',
    'apt-get install': 'system packages', 'export ': 'environment',
    '. venv/bin/activate': 'environment', 'find ': 'file names', 'ls ': 'file names',
    'mim ': 'OpenMIM', 'pre-commit ': 'development', 'ruff ': 'development',
    'tensorboard ': 'another program', 'jupyter ': 'another program',
}


@pytest.mark.parametrize(('block', 'command'), COMMANDS, ids=[
    f'{block.place}-{number}' for number, (block, _) in enumerate(COMMANDS)])
def test_commands_are_understood(monkeypatch, capsys, block, command):
    understand(monkeypatch, block, command)


def test_reasons_name_tests_that_exist():
    for script, (reason, place) in NOT_RUN.items():
        assert reason
        if (ROOT / script).exists():
            assert (ROOT / 'tests' / place).exists(), f'{script}: no tests/{place}'


def shorter(text: str) -> str:
    for long, short in SHORTER.items():
        text = text.replace(long, short)
    return text


def run(command: str, folder, monkeypatch) -> None:
    """Run a Python command of a page in this process, from another folder."""
    words = [STANDS_FOR.get(word, word) for word in shlex.split(shorter(command))]
    assert words[0] == 'python'
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, 'argv', words[1:])
    for name in ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '-1')
    try:
        runpy.run_path(words[1], run_name='__main__')
    except SystemExit as end:
        assert not end.code, f'{command}: {end.code}'


@pytest.fixture(scope='module')
def checkout(tmp_path_factory):
    """A folder that looks like the checkout, for runs to write to."""
    folder = tmp_path_factory.mktemp('checkout')
    for name in ('tools', 'configs'):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_tour_runs(checkout, monkeypatch, capsys):
    """docs/tour.md from its first line to its last: its files are written, its commands run."""
    ran = 0
    for block in blocks_of(ROOT / 'docs/tour.md'):
        if block.file:
            path = checkout / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(shorter(block.text))
        elif block.language == 'bash':
            for command in commands_of(block):
                run(command, checkout, monkeypatch)
                ran += 1
    assert ran == 8
    tour = checkout / 'work_dirs/tour'
    for name in ('faces.png', 'wass/epoch_1.pth', 'wass.json', 'results/wass.errors.npz',
                 'results/l2.errors.npz', 'comparison/comparison.md', 'worst.png',
                 'robustness/report.html'):
        assert (tour / name).stat().st_size > 100, name
    metrics = json.loads((tour / 'wass.json').read_text())['metrics']
    assert 0 < metrics['face/NME'] < 1000
    # What the page says of the log.
    log = next((tour / 'wass').glob('*/vis_data/scalars.json')).read_text()
    for term in ('loss_wasserstein', 'loss_kl', 'wasserstein_px'):
        assert term in log


def test_readme_runs(checkout, monkeypatch, capsys):
    """The commands of "Test it" in the README, with the tour's models."""
    if not (checkout / 'work_dirs/tour/wass/epoch_1.pth').is_file():
        pytest.skip('the tour has left no model')
    shutil.copytree(checkout / 'data/tour/300w', checkout / 'data/300w')
    block = next(block for block in blocks_of(ROOT / 'README.md')
                 if 'tools/compare.py' in block.text)
    commands = list(commands_of(block))
    ran = []
    for command in commands:
        tool = command.split()[1]
        if tool == 'tools/test.py' and 'CONFIG' in command:
            run(command, checkout, monkeypatch)
            for file in (checkout / 'results').glob('a.*'):
                shutil.copy(file, file.with_name(file.name.replace('a.', 'b.', 1)))
        elif tool in ('tools/compare.py', 'tools/failures.py', 'tools/landmarks.py'):
            run(command.replace('--image-root data/300w', '--image-root data/300w/images'),
                checkout, monkeypatch)
        else:
            continue
        ran.append(tool)
    assert len(ran) == 4
    assert (checkout / 'a_or_b').exists() or (checkout / 'results/a_or_b').exists()


def test_counts(record_property):
    """How many commands there are, and how many of them are run: for reports."""
    kinds = Counter()
    for block, command in COMMANDS:
        words = [word for word in shlex.split(command) if not re.fullmatch(r'[A-Z_]+=.*', word)]
        run_here = block.page == 'docs/tour.md' or words[0] == 'python' and (
            words[1] == '-c' or block.page == 'README.md' and words[1] in (
                'tools/compare.py', 'tools/failures.py', 'tools/landmarks.py'))
        kinds['run' if run_here else 'parsed'] += 1
    for kind, count in kinds.items():
        record_property(kind, count)
    assert kinds['run'] >= 10 and sum(kinds.values()) == len(COMMANDS)
