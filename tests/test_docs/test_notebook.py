"""examples/tour.ipynb: its cells run, in order, without Jupyter; its stored outputs are whole."""

from __future__ import annotations

import json

import matplotlib
import pytest
from documentation import ROOT

NOTEBOOK = ROOT / 'examples/tour.ipynb'


@pytest.fixture(scope='module')
def notebook():
    return json.loads(NOTEBOOK.read_text(encoding='utf-8'))


def test_cells_run(notebook, capsys, monkeypatch):
    matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    names = {}
    cells = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
    try:
        for number, cell in enumerate(cells):
            source = ''.join(cell['source'])
            # A shorter training; everything else as it stands.
            exec(compile(source.replace('steps=100', 'steps=30'), f'cell {number}', 'exec'), names)
            drawn = bool(plt.get_fignums())
            assert drawn == any('image/png' in output.get('data', {})
                                for output in cell['outputs']), f'cell {number}'
            plt.close('all')
    finally:
        plt.close('all')
    # What the text says: W1 grows with the distance, and training lowers it.
    assert names['w1'][32] == pytest.approx(16, abs=.1)
    for _, curve in names['trained'].values():
        assert sum(curve[-5:]) < sum(curve[:5])
    printed = capsys.readouterr().out
    assert 'W + KL' in printed and 'FR_L@.10' in printed


def test_stored_outputs(notebook):
    """It was run as a whole, pictures are described, and nothing in it names a machine."""
    code = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
    assert [cell['execution_count'] for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        for output in cell['outputs']:
            assert output['output_type'] != 'error'
            assert output.get('name') != 'stderr', 'a warning was stored'
            if 'image/png' in output.get('data', {}):
                assert len(cell['metadata']['alt'].split()) > 4
    text = NOTEBOOK.read_text(encoding='utf-8')
    assert '/home/' not in text and '/tmp/' not in text and len(text) < 600_000
