"""The examples of docs/evaluation.md do what the page says, and its names exist."""
import doctest
import re

from mmpose_wass.evaluation import functional
from mmpose_wass.evaluation.metrics import NORM_MODES


def test_examples_run(root_dir):
    failed, tried = doctest.testfile(
        str(root_dir / 'docs' / 'evaluation.md'), module_relative=False,
        optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried > 15 and not failed


def test_functions_and_modes_exist(root_dir):
    text = (root_dir / 'docs' / 'evaluation.md').read_text(encoding='utf-8')
    table = text.split('## Measures')[1].split('The metric reports')[0]
    named = re.findall(r'\| `(\w+)[^|]*` \|$', table, flags=re.M)
    assert len(named) == 8
    for name in named:
        assert hasattr(functional, name), name
    for mode in re.findall(r'`((?:inter|box|landmark_box)_\w+)`', text):
        if mode != 'box_size':
            assert mode in NORM_MODES, mode


def test_links(root_dir):
    text = (root_dir / 'docs' / 'evaluation.md').read_text(encoding='utf-8')
    headings = {re.sub(r'[^\w -]', '', line.lstrip('# ')).strip().lower().replace(' ', '-')
                for line in text.splitlines() if line.startswith('#')}
    for target in re.findall(r'\]\(([^)]+)\)', text):
        if target.startswith('#'):
            assert target[1:] in headings, target
        else:
            assert (root_dir / 'docs' / target).exists(), target
