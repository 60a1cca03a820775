"""Every Python block of the README and the pages is run; configs in it name what exists.

Examples with ``>>>`` run as doctests. Blocks that are files (their name stands above them) are
run by the tests of their page. All others are executed as they stand, or read as configs where they
begin with a base; then every ``type`` in them must be registered, with arguments that it takes.
"""

from __future__ import annotations

import ast
import doctest
import inspect
import json

import cv2
import pytest
import torch
from documentation import PAGES, ROOT, all_blocks, blocks_of
from mmengine.config import Config
from mmengine.registry import HOOKS, init_default_scope
from mmpose import registry

from mmpose_wass.datasets.synthetic import FaceParameters, render_face

#: Pages whose files and examples other tests run.
FILES_RUN_BY = {
    'docs/extend.md': 'tests/test_configs/test_extend_docs.py',
    'docs/tour.md': 'tests/test_docs/test_commands.py',
}
EXAMPLES_RUN_BY = {'docs/evaluation.md': 'tests/test_evaluation/test_docs.py'}
#: What a block takes for granted, by words that stand in it.
CODEC = ("codec = dict(type='BarycenterCodec', input_size=(256, 256), heatmap_size=(64, 64), "
         'sigma=3.)\n')
CONTEXT = {
    "type='CPNHead'": CODEC,
    'dict(codec, ': CODEC,
    'landmarker(image': "import cv2\nimages = [cv2.imread('photo.jpg')]\nimage, = images\n",
    '_base_.data_wflw.attributes': """
_base_ = ['mmpose::face_2d_keypoint/topdown_heatmap/300w/'
          'td-hm_hrnetv2-w18_8xb64-60e_300w-256x256.py', '../_base_/datasets/wflw.py']
custom_imports = dict(imports=['mmpose_wass'], allow_failed_imports=False)
from mmpose_wass.engine import cross_dataset_settings
""",
}
#: A model that is built quickly stands for the one that a block loads.
STANDS_FOR = {'configs/face/hrnet_w18_300w_wass.py': 'wass.py'}
#: Classes that only stand for the reader's own.
OF_THE_READER = ('MyDataset', )
#: Types whose insides belong to another package.
FOREIGN = ('Albumentation', )
REGISTRIES = [getattr(registry, name) for name in dir(registry)
              if name.isupper() and hasattr(getattr(registry, name), 'module_dict')]
#: Arguments that the builder of such a thing takes away.
OF_THE_BUILDER = {
    'type', '_delete_', '_scope_', 'priority', 'paramwise_cfg', 'constructor',
    'convert_to_iter_based'}

BLOCKS = [block for block in all_blocks() if block.language in ('python', 'py')]
PLAIN = [block for block in BLOCKS if '>>>' not in block.text and not block.file]
EXAMPLES = sorted({block.page for block in BLOCKS if '>>>' in block.text} - set(EXAMPLES_RUN_BY))


@pytest.mark.parametrize('page', EXAMPLES)
def test_examples(page):
    failed, tried = doctest.testfile(
        str(ROOT / page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried and not failed


def test_files_are_run_somewhere():
    for block in BLOCKS:
        if block.file:
            assert block.page in FILES_RUN_BY, f'{block.place}: nothing runs {block.file}'
    for place in (*FILES_RUN_BY.values(), *EXAMPLES_RUN_BY.values()):
        assert (ROOT / place).is_file()


def find_class(name: str):
    for one in (*REGISTRIES, HOOKS):
        found = one.get(name)
        if found is not None:
            return found
    return None


def check_types(node, place: str) -> int:
    """Every ``type`` is registered and takes its arguments. Returns how many there are."""
    if isinstance(node, (list, tuple)):
        return sum(check_types(child, place) for child in node)
    if not isinstance(node, dict):
        return 0
    name = node.get('type')
    count = 0 if name in FOREIGN else sum(
        check_types(child, place) for child in node.values())
    if not isinstance(name, str) or name in OF_THE_READER:
        return count
    found = find_class(name)
    assert found is not None, f'{place}: no registry knows {name}'
    known, open_end = set(), True
    for cls in found.__mro__ if inspect.isclass(found) else (found, ):
        if not open_end or cls is object:
            break
        parameters = inspect.signature(cls.__init__ if inspect.isclass(cls) else cls).parameters
        known |= set(parameters)
        open_end = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    # A wrapper such as an optimizer of torch hands the rest on to code that is not Python's.
    if not open_end:
        unknown = set(node) - known - OF_THE_BUILDER
        assert not unknown, f'{place}: {name} does not take {sorted(unknown)}'
    return count + 1


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Where configs/face/NEW/config.py would stand in a checkout."""
    root = tmp_path_factory.mktemp('checkout')
    (root / 'configs/face/new').mkdir(parents=True)
    for name in ('_base_', *(path.name for path in (ROOT / 'configs/face').glob('*.py'))):
        (root / 'configs/face' / name).symlink_to(ROOT / 'configs/face' / name)
    # What a reader has: a picture, a config, a checkpoint (here of random weights).
    face = render_face(FaceParameters(), size=160)
    for name in ('photo.jpg', 'crop.jpg'):
        assert cv2.imwrite(str(root / name), face.image)
    (root / 'wass.py').write_text(f"_base_ = '{ROOT / 'configs/face/compact_300w_wass.py'}'\n")
    init_default_scope('mmpose')
    model = registry.MODELS.build(Config.fromfile(root / 'wass.py').model)
    torch.save(dict(state_dict=model.state_dict(), meta=dict()), root / 'wass.pth')
    return root


@pytest.mark.parametrize('block', PLAIN, ids=[block.place for block in PLAIN])
def test_blocks_run(block, folder, monkeypatch):
    init_default_scope('mmpose')
    monkeypatch.chdir(folder)
    context = ''.join(text for words, text in CONTEXT.items() if words in block.text)
    text = context + block.text
    if 'wass.pth' in text:
        for long, short in STANDS_FOR.items():
            text = text.replace(long, short)
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    if '_base_' in names:
        file = folder / f'configs/face/new/{block.page.replace("/", "_")[:-3]}_{block.line}.py'
        file.write_text(text)
        cfg = Config.fromfile(file)
        init_default_scope('mmpose')
        values = cfg.to_dict()
    else:
        tree, values = ast.parse(text), {}
        if isinstance(tree.body[-1], ast.Expr):  # a lone dictionary counts too
            tree.body[-1] = ast.copy_location(ast.Assign(
                [ast.Name('last', ast.Store())], tree.body[-1].value), tree.body[-1])
        exec(compile(ast.fix_missing_locations(tree), block.place, 'exec'), values)
        values = {name: value for name, value in values.items() if not name.startswith('__')}
    check_types(values, block.place)
    assert values


@pytest.mark.parametrize('path', PAGES, ids=[path.name for path in PAGES])
def test_other_blocks_are_of_known_kinds(path):
    for block in blocks_of(path):
        if block.language == 'json':
            json.loads(block.text)
        else:
            assert block.language in ('python', 'py', 'bash', 'sh', 'console', 'text', '',
                                      '{toctree}', 'csv'), f'{block.place}: {block.language}'


def test_a_wrong_block_is_noticed():
    """The checks are no formality."""
    with pytest.raises(AssertionError, match='no registry knows WassersteinLoss'):
        check_types(dict(loss=dict(type='WassersteinLoss')), 'here')
    with pytest.raises(AssertionError, match="BarycenterCodec does not take \\['sigmas'\\]"):
        check_types([dict(type='BarycenterCodec', sigmas=1)], 'here')
    assert check_types(dict(type='BarycenterCodec', sigma=1), 'here') == 1
