"""Every shell command of the README and the pages: run, or at least understood by its tool.

Run are: the commands of docs/tour.md and most of those of the README's "Test it", on a few rendered
faces; the README's first picture; those of demo, visualize and export with the consumer, on a
photograph and a short film, by the shipped model; and each `python -c`. `how_checked` says which.
All commands, these too, are given to the parser of the tool that they call, in this process; their
configs must exist, and options of a config must name something in it. For the greater part that is
all: why stands in `NOT_RUN`, with the tests that run the tool with other arguments. `pip`, `make`
and commands of other programs are compared with the files that they are about. A command of a kind
that nothing here knows fails.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import matplotlib
import pytest
from documentation import ROOT, Block, all_blocks, blocks_of, commands_of
from mmengine.config import Config
from packaging.requirements import Requirement

from mmpose_wass.assets import default_model
from mmpose_wass.datasets.synthetic import write_dataset
from mmpose_wass.engine import load_config
from mmpose_wass.inference import FilmReader, FilmWriter, read_records

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
    'tools/demo.py': ('the camera, of which there is none', 'test_inference'),
    'tools/visualize.py': ('data of the reader, on other pages than its own', 'test_visualization'),
    'tools/export.py': ('a trained model, on other pages than its own', 'test_deployment'),
    'benchmarks': ('minutes, and a quiet machine', 'test_benchmarks.py'),
    'docs': ('what benchmarks have measured', 'test_docs'),
    'examples': ('an exported model, on other pages than its own', 'test_deployment'),
}
#: Pages and their tools that are run with the shipped model, on a photograph or rendered faces.
RUN_ON_A_PHOTO = {
    'README.md': ('tools/visualize.py', ),
    'docs/inference.md': ('tools/demo.py', ),
    'docs/install.md': ('tools/demo.py', ),
    'docs/visualization.md': ('tools/visualize.py', ),
    'docs/deployment.md': ('tools/export.py', 'examples/onnx_consumer.py'),
}
#: Tools of "Test it" that are run with the models of the tour.
RUN_IN_README = ('tools/compare.py', 'tools/failures.py', 'tools/landmarks.py')
#: What a command without --out writes.
WRITES = {'heatmaps': 'heatmaps.png'}
#: Words of a command that no test can run.
NEVER_RUN = ('webcam', )
#: Shorter, so that a test may run them; the commands are otherwise as they stand.
SHORTER = {
    '--train 300': '--train 24', '--test 40': '--test 6', '--image-size 128': '--image-size 96',
    'max_epochs=6': 'max_epochs=1', 'val_interval=6': 'val_interval=1', 'end=6': 'end=1',
    'epoch_6.pth': 'epoch_1.pth', '--limit 24': '--limit 4', '--resamples 200': '--resamples 100',
    '--top 12': '--top 2', '--among 200': '--among 4',
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


def as_tool(words) -> list:
    """A command as ``python SCRIPT ...``, whichever of three ways a page calls a tool."""
    while re.fullmatch(r'[A-Z_]+=.*', words[0]):
        words = words[1:]
    if words[0] in ('python3', '.venv/bin/python'):
        words = ['python', *words[1:]]
    if words[1:3] == ['-m', 'mmpose_wass']:
        words = ['python', f'tools/{words[3]}.py', *words[4:]]
    return words


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
    words = as_tool(words)
    if words[0] == 'python' and words[1] == '-c':
        exec(compile(words[2], block.place, 'exec'), {})
        return 'python -c'
    if words[0] == 'python' and words[1].endswith('.py'):
        script = words[1]
        assert (ROOT / script).is_file() or script.split('/')[0] not in (
            'tools', 'benchmarks', 'docs', 'examples'), f'{block.place}: there is no {script}'
        assert script_key(script) in NOT_RUN or script in RUN_ELSEWHERE, (
            f'{block.place}: say in NOT_RUN why commands of {script} are not run')
        if script_key(script) == 'examples':
            pytest.importorskip('onnxruntime', reason='onnxruntime is not installed')
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


#: Cheap tools, run in the README, and by tests/test_tools/test_failures.py and test_landmarks.
RUN_ELSEWHERE = ('tools/landmarks.py', 'tools/failures.py')
#: Commands of other programs, with what they are for.
OTHERS = {
    'python3.11 -m venv': 'environment', 'git clone': 'checkout', 'cd ': 'checkout',
    'apt-get install': 'system packages', 'export ': 'environment',
    '. venv/bin/activate': 'environment', 'find ': 'file names', 'ls ': 'file names',
    "cp '.venv/lib/python3": 'the first picture, which is run',
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


def how_checked(block: Block, command: str) -> str:
    """``run``, or ``parsed`` where a command is only given to what understands it."""
    words = shlex.split(command)
    if '|' in words:
        words = words[words.index('|') + 1:]
    words = as_tool(words)
    if any(word in words for word in NEVER_RUN):
        return 'parsed'
    if words[0] == 'cp':
        return 'run'
    if words[0] != 'python':
        return 'parsed'
    script = words[1]
    here = script == '-c' or block.page == 'docs/tour.md' or (
        script in RUN_ON_A_PHOTO.get(block.page, ()))
    if block.page == 'README.md':
        here |= script in (*RUN_IN_README, 'tools/demo.py') or (
            script == 'tools/test.py' and 'CONFIG' in words)
    return 'run' if here else 'parsed'


def run(command: str, folder, monkeypatch, stands_for=STANDS_FOR) -> None:
    """Run a Python command of a page in this process, from another folder."""
    words = as_tool([stands_for.get(word, word) for word in shlex.split(shorter(command))])
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
    for name in ('tools', 'configs', 'examples'):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture(scope='module')
def toured(checkout):
    """docs/tour.md from its first line to its last: its files are written, its commands run.

    Not a test's own work, since another process may run the test that needs it. Returns how many
    commands there were.
    """
    ran = 0
    with pytest.MonkeyPatch.context() as monkeypatch:
        for block in blocks_of(ROOT / 'docs/tour.md'):
            if block.file:
                path = checkout / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(shorter(block.text))
            elif block.language == 'bash':
                for command in commands_of(block):
                    run(command, checkout, monkeypatch)
                    ran += 1
    return ran


def test_tour_runs(toured, checkout):
    assert toured == 8
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


def test_readme_runs(toured, checkout, monkeypatch):
    """The commands of "Test it" in the README, with the tour's models."""
    shutil.copytree(checkout / 'data/tour/300w', checkout / 'data/300w')
    block = next(block for block in blocks_of(ROOT / 'README.md')
                 if 'tools/compare.py' in block.text)
    commands = [command for command in commands_of(block) if how_checked(block, command) == 'run'
                and command.split()[1] not in RUN_ON_A_PHOTO['README.md']]
    for command in commands:
        run(command.replace('--image-root data/300w', '--image-root data/300w/images'),
            checkout, monkeypatch)
        if command.split()[1] == 'tools/test.py':  # one model stands for both
            for file in (checkout / 'results').glob('a.*'):
                shutil.copy(file, file.with_name(file.name.replace('a.', 'b.', 1)))
    assert len(commands) == 4
    assert (checkout / 'a_or_b').exists() or (checkout / 'results/a_or_b').exists()


@pytest.fixture(scope='module')
def of_a_reader(tmp_path_factory):
    """A folder with what the pages take for granted: photographs, a film, two trained models.

    The photograph is the one of the README; the models are the shipped one, by the names that
    the pages give them, and their test data rendered faces.
    """
    folder = tmp_path_factory.mktemp('reader')
    for name in ('tools', 'configs', 'examples'):
        (folder / name).symlink_to(ROOT / name)
    packages = folder / '.venv/lib/python3.11/site-packages'
    packages.mkdir(parents=True)
    (packages / 'matplotlib').symlink_to(Path(matplotlib.__file__).parent)
    subprocess.run(['bash', '-c', command_of_the_picture()], cwd=folder, check=True)
    image = cv2.imread(str(folder / 'photo.jpg'))
    (folder / 'photos/more').mkdir(parents=True)
    for name in ('photos/one.jpg', 'photos/more/two.jpg'):
        shutil.copy(folder / 'photo.jpg', folder / name)
    writer = FilmWriter(folder / 'film.mp4', 10, (image.shape[1] // 2, image.shape[0] // 2))
    for _ in range(3):
        writer.write(cv2.resize(image, None, fx=.5, fy=.5))
    writer.close()
    write_dataset('300w', folder / 'data/300w', dict(train=1, test=8), image_size=128)
    config, checkpoint = default_model()
    for name in ('l2', 'wass'):
        shutil.copy(checkpoint, folder / f'{name}.pth')
        (folder / f'{name}.py').write_text(f'_base_ = {config!r}\n')
    return folder


def command_of_the_picture() -> str:
    """The README's command that copies a photograph, as a shell is given it."""
    (line, ) = re.findall(r'^cp .*', (ROOT / 'README.md').read_text(encoding='utf-8'), re.MULTILINE)
    return line


def test_first_picture_of_a_new_user(of_a_reader, monkeypatch):
    """The README's three commands: the set-up, which has been done; a photograph; landmarks on it.
    """
    block = next(block for block in blocks_of(ROOT / 'README.md')
                 if 'tools/demo.py' in block.text)
    setup, copy, demo = commands_of(block)
    assert setup == 'make setup' and re.sub("'", '', copy) == command_of_the_picture()
    run(demo, of_a_reader, monkeypatch)
    photo, drawn = (cv2.imread(str(of_a_reader / name)) for name in ('photo.jpg', 'drawn.png'))
    assert photo.shape == drawn.shape
    (frame, ) = read_records(str(of_a_reader / 'drawn.json'))['frames']
    (face, ) = frame['faces']
    landmarks = face['landmarks']
    assert landmarks.shape == (68, 2) and face['confidence'].mean() > .8
    # Where the face of this photograph is, in pixels, looked up by eye.
    assert (landmarks > (150, 140)).all() and (landmarks < (380, 350)).all()
    for index, place in ((30, (270, 245)), (36, (197, 190)), (45, (330, 188)), (62, (266, 278))):
        assert abs(landmarks[index] - place).max() < 25, index
    changed = (photo != drawn).any(axis=2)
    assert changed[tuple(landmarks[30].astype(int)[::-1])]


@pytest.mark.parametrize('page', RUN_ON_A_PHOTO)
def test_commands_run_on_a_photo(of_a_reader, monkeypatch, page):
    """Each command of the page ends well, and has written what it says."""
    if page == 'docs/deployment.md':
        for name in ('onnx', 'onnxruntime'):
            pytest.importorskip(name, reason=f'{name} is not installed')
    config, checkpoint = default_model()
    stands_for = dict(CONFIG=config, CHECKPOINT=checkpoint)
    ran = 0
    for block, command in COMMANDS:
        if block.page != page or how_checked(block, command) != 'run' or not any(
                tool in ' '.join(as_tool(command.split())) for tool in RUN_ON_A_PHOTO[page]):
            continue
        if ' | ' in (plain := command.replace("'|'", '|')):
            before, plain = plain.split(' | ')
            names = subprocess.run(['bash', '-c', before], cwd=of_a_reader, check=True,
                                   capture_output=True, text=True).stdout
            assert len(names.splitlines()) == 2
            monkeypatch.setattr(sys, 'stdin', io.StringIO(names))
        words = shlex.split(plain)
        out = of_a_reader / (words[words.index('--out') + 1] if '--out' in words
                             else WRITES.get(words[2], words[-1]))
        if out.is_dir():
            shutil.rmtree(out)
        elif out.exists():
            out.unlink()
        run(plain, of_a_reader, monkeypatch, stands_for)
        assert out.exists(), f'{block.place}: {command} has not written {out.name}'
        if out.suffix == '.mp4':
            assert sum(1 for _ in FilmReader(out)) == 3
        if out.is_dir():
            assert len(list(out.rglob('*.jpg')) + list(out.rglob('*.png'))) == 2
        ran += 1
    assert ran


def test_counts(record_property):
    """How many commands there are, and how many of them are run: for reports."""
    kinds = Counter(how_checked(block, command) for block, command in COMMANDS)
    for kind, count in kinds.items():
        record_property(kind, count)
    assert sum(kinds.values()) == len(COMMANDS)
    (promised, ) = re.findall(r'at least\s+(\d+) are run', (ROOT / 'CONTRIBUTING.md').read_text())
    assert kinds['run'] >= int(promised), f'CONTRIBUTING.md promises {promised} of {kinds}'
