"""Build the environment of a cell, run the tests there, and remove it."""
from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Callable, Dict, List, Optional

from compatibility_matrix.cells import Cell, Matrix, read_lock
from compatibility_matrix.machine import commit, copy_tree, find_python, machine
from compatibility_matrix.records import Record, read_junit
from compatibility_matrix.stages import StageError, Stages

#: Stages of tools/setup_env.sh that belong to another one here.
SETUP_STAGES = {'mmcv': 'build', 'chumpy': 'build', 'import': 'import'}
#: Computes with a compiled op of mmcv; its own module, since `import mmcv` needs more than torch.
PROBE_MMCV = '''
import sys, sysconfig, torch
sys.path.append(sysconfig.get_paths()['platlib'] + '/mmcv')
import _ext
boxes = torch.tensor([[0., 0., 10., 10.], [1., 1., 10., 10.], [20., 20., 30., 30.]])
kept = _ext.nms(boxes, torch.tensor([.9, .8, .7]), iou_threshold=.5, offset=0)
assert kept.tolist() == [0, 2], kept
'''
PROBES = {'mmcv': PROBE_MMCV, 'xtcocotools': 'import xtcocotools._mask'}
#: A portrait that a package ships, for the demo.
PHOTOGRAPH = 'import matplotlib as m; print(m.get_data_path() + "/sample_data/grace_hopper.jpg")'
VERSIONS = ('import importlib.metadata as m, json; print(json.dumps({d.metadata["Name"]: '
            'd.version for d in m.distributions()}))')


@dataclass(frozen=True)
class Options:
    """How cells are measured.

    Attributes:
        suite: ``quick`` or ``whole``.
        work: Folder for environments, copies and logs.
        cache: Folder for built wheels.
        jobs: Test processes, and compilers of a build.
        limit: Seconds that the tests of a cell may take.
        keep: Leave the environment where it is.
        fresh: Begin with a new environment even where one was left, by an interrupt or `keep`.
    """

    suite: str
    work: Path
    cache: Path
    jobs: int
    limit: float
    keep: bool
    fresh: bool = False


def measure(cell: Cell, matrix: Matrix, options: Options, say: Callable[[str], None]) -> Record:
    """Measure a cell: whatever fails is in the record, with the stage that it failed in.

    Raises:
        OSError: Nothing can be measured: no interpreter of the cell's version, or another call
            measures this cell.
    """
    python = find_python(cell.python)
    if python is None:
        raise FileNotFoundError(f'no Python {cell.python}: install python{cell.python} with its '
                                'venv and dev packages, or by pyenv')
    folder = options.work / cell.name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / 'busy').open('w') as busy:
        try:
            fcntl.flock(busy, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(f'another call measures it in {folder}') from None
        return _measure(cell, matrix, options, folder, python, say)


def _measure(cell: Cell, matrix: Matrix, options: Options, folder: Path, python: str,
             say: Callable[[str], None]) -> Record:
    log = folder / 'log.txt'
    log.write_text('', encoding='utf-8')
    work = _Environment(cell, matrix, options, folder, Stages(log, say))
    record = Record(cell=cell.name, suite=options.suite, date=date.today().isoformat(),
                    commit=commit(), machine=machine())
    try:
        work.create(python)
        work.install()
        work.build()
        work.set_up()
        if cell.as_wheel:
            work.use_wheel()
        record.tests = work.test()
    except StageError as error:
        record.stopped_at, record.reason = error.stage, str(error)
        record.last_lines = [line[:300] for line in error.tail.strip().splitlines()[-12:]]
    work.without_paths(record)
    record.seconds = {stage: round(spent, 1) for stage, spent in work.stages.seconds.items()}
    record.wheels = work.wheels
    record.versions = work.versions()
    if not options.keep:
        for leftover in (work.venv, work.source, work.built):
            shutil.rmtree(leftover, ignore_errors=True)
    return record


class _Environment:
    """The files of one cell, and its stages."""

    def __init__(self, cell: Cell, matrix: Matrix, options: Options, folder: Path,
                 stages: Stages) -> None:
        self.cell, self.matrix, self.options, self.stages = cell, matrix, options, stages
        self.venv, self.source = folder / 'venv', folder / 'source'
        self.python = str(self.venv / 'bin/python')
        self.lock = folder / 'lock.txt'
        pinned = cell.lock(matrix.base)
        if options.fresh or not self.lock.exists() or self.lock.read_text() != pinned:
            shutil.rmtree(self.venv, ignore_errors=True)
        self.lock.write_text(pinned, encoding='utf-8')
        self.junit = folder / 'junit.xml'
        self.built = folder / 'wheel'
        self.cache = options.cache / cell.wheels(matrix.base)
        self.wheels: Dict[str, str] = {}

    def create(self, python: str) -> None:
        """A bare environment and a copy of the sources; one that is there already is gone on with.
        """
        shutil.rmtree(self.source, ignore_errors=True)
        copy_tree(self.source)
        if not self._works('import pip'):
            self._run('create', [python, '-m', 'venv', '--clear', str(self.venv)])

    def install(self) -> None:
        """What building needs, and torch."""
        self._pip('install', 'setuptools', 'wheel', 'ninja', 'numpy', 'cython')
        self._pip('install', 'torch', 'torchvision')

    def build(self) -> None:
        """Packages of which no published wheel fits: from the cache, else from PIP_FIND_LINKS if
        it works with this torch, else built and kept in the cache."""
        for package in self.cell.from_source:
            version = read_lock(self.lock.read_text())[package]
            links = [Path(re.sub('^file://', '', link).replace('%20', ' '))
                     for link in os.environ.get('PIP_FIND_LINKS', '').split()]
            for folder, origin in [(self.cache, 'cache'), *((link, 'found') for link in links)]:
                if self._take(package, version, folder):
                    self.wheels.setdefault(package, origin)
                    break
            else:
                self._build(package, version)
                self.wheels[package] = 'built'

    def _take(self, package: str, version: str, folder: Path) -> bool:
        for wheel in sorted(folder.glob(f'{package}-{version}-*.whl')):
            try:
                self._pip('build', '--no-deps', '--force-reinstall', str(wheel))
            except StageError:
                continue  # of another Python
            if self._works(PROBES[package]):
                if folder != self.cache:
                    self.cache.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(wheel, self.cache / wheel.name)
                return True
            self.stages.say(f'  {wheel.name} of {folder} does not work with this torch')
        return False

    def _build(self, package: str, version: str) -> None:
        self.stages.say(f'  building {package} {version}; it is kept in {self.cache}')
        self.cache.mkdir(parents=True, exist_ok=True)
        # No debugging symbols: half of the time, a twentieth of the size, the same code.
        variables = dict(MMCV_WITH_OPS='1', FORCE_CUDA='0', CUDA_VISIBLE_DEVICES='',
                         MAX_JOBS=str(self.options.jobs), CFLAGS='-g0', CXXFLAGS='-g0')
        self._run('build', [self.python, '-m', 'pip', 'wheel', '-v', '--no-build-isolation',
                            '--no-deps', '--no-cache-dir', '--no-binary', package,
                            '-w', str(self.cache), f'{package}=={version}'], variables)
        if not self._take(package, version, self.cache):
            raise StageError('build', f'the built wheel of {package} does not work')

    def set_up(self) -> None:
        """The rest is what tools/setup_env.sh does, with the lock file of this cell."""
        lock = self.source / 'requirements/lock.txt'
        shutil.copy(self.lock, lock)
        try:
            self._run('install', ['bash', str(self.source / 'tools/setup_env.sh'), str(self.venv)])
        except StageError as error:
            name = re.findall(r"setup: '([\w-]+)' failed", error.tail)
            stage = SETUP_STAGES.get(name[-1] if name else '', 'install')
            raise StageError(stage, f"'{name[-1]}' of tools/setup_env.sh failed" if name
                             else str(error), error.tail) from None
        finally:
            lock.write_text(self.matrix.base, encoding='utf-8')  # tests read the tested set

    def use_wheel(self) -> None:
        """The project's own wheel takes the place of the editable installation. The package is
        taken out of the sources, so that no test finds it there, and landmarks of a photograph are
        drawn from a folder that has neither."""
        shutil.rmtree(self.built, ignore_errors=True)
        self._run('install', [self.python, '-m', 'pip', 'wheel', '--no-deps',
                              '--no-build-isolation', '-w', str(self.built), str(self.source)])
        self._run('install', [self.python, '-m', 'pip', 'uninstall', '-y', 'mmpose-wass'])
        self._run('install', [self.python, '-m', 'pip', 'install', '--no-deps',
                              *map(str, self.built.glob('*.whl'))])
        for made in ('mmpose_wass', 'mmpose_wass.egg-info', 'build'):
            shutil.rmtree(self.source / made, ignore_errors=True)
        photograph = subprocess.run([self.python, '-c', PHOTOGRAPH], capture_output=True, text=True,
                                    check=True).stdout.strip()
        drawn = self.built / 'drawn.png'
        self._run('demo', [self.python, '-m', 'mmpose_wass', 'demo', photograph, '--out',
                           str(drawn)])
        if not drawn.is_file():
            raise StageError('demo', 'the demo drew nothing')

    def test(self) -> Dict:
        """Run the suite. Returns counts and what failed."""
        if self.junit.exists():
            self.junit.unlink()
        left_out = self.matrix.quick_leaves_out if self.options.suite == 'quick' else ()
        # 1 is "tests failed", which is a result.
        self._run('test', [
            self.python, '-m', 'pytest', '-n', str(self.options.jobs), '--dist', 'worksteal',
            f'--junitxml={self.junit}', *(f'--ignore={path}' for path in left_out)],
            dict(OMP_NUM_THREADS='1'), limit=self.options.limit, accept=(0, 1))
        return read_junit(self.junit)

    def without_paths(self, record: Record) -> None:
        """Take this machine's folders out of what is kept."""
        folders = {self.source: '.', self.venv: 'VENV', self.cache: 'CACHE', Path.home(): '~'}

        def clean(text: str) -> str:
            for folder, word in folders.items():
                text = text.replace(str(folder), word)
            return text

        record.reason, record.last_lines = clean(record.reason), list(map(clean,
                                                                          record.last_lines))
        for key in {'failures', 'skips'} & set(record.tests):
            record.tests[key] = {clean(name): clean(value) if isinstance(value, str) else value
                                 for name, value in record.tests[key].items()}

    def versions(self) -> Dict[str, str]:
        """What is really installed."""
        found = subprocess.run([self.python, '-c', VERSIONS], capture_output=True, text=True,
                               check=False) if Path(self.python).exists() else None
        if found is None or found.returncode:
            return {}
        return dict(sorted(json.loads(found.stdout).items(), key=lambda item: item[0].lower()))

    def _works(self, code: str) -> bool:
        return Path(self.python).exists() and subprocess.run(
            [self.python, '-c', code], capture_output=True, check=False).returncode == 0

    def _pip(self, stage: str, *words: str) -> None:
        self._run(stage, [self.python, '-m', 'pip', 'install', '-c', str(self.lock), *words])

    def _run(self, stage: str, command: List[str], variables: Optional[Dict[str, str]] = None,
             limit: Optional[float] = None, accept: tuple = (0, )) -> None:
        environment = {name: value for name, value in os.environ.items()
                       if name not in ('PYTHONPATH', 'PYTHONHOME', 'PYENV_VERSION')}
        environment.update(PATH=f"{self.venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
                           VIRTUAL_ENV=str(self.venv), **(variables or {}))
        where = self.source if stage == 'test' else self.venv.parent
        self.stages.run(stage, command, where, environment, limit, accept)
