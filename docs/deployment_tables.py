"""Put the measured numbers into docs/deployment.md, from results/export.

    python docs/deployment_tables.py            # write the page
    python docs/deployment_tables.py --check    # exit with 1 if the page is out of date

The records are made by benchmarks/export_speed.py: parity.json (all models, ``--rounds 0``) and
speed.json (``--models compact hrnet``). No number is written by hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Dict, List

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs/deployment.md'
RESULTS = ROOT / 'results/export'
sys.path.insert(0, str(ROOT / 'benchmarks'))

from export_speed import EXPORT_TITLES, TITLES, export_table, time_table  # noqa: E402

#: What stands around each part of the page that is written here.
MARKS = '<!-- {} -->', '<!-- end of {} -->'


def read(results: Path, name: str) -> Dict[str, Any]:
    """A record of benchmarks/export_speed.py.

    Raises:
        FileNotFoundError: If it is not there; says how it is made.
        ValueError: If it holds nothing, or a time or distance that is none.
    """
    path = results / f'{name}.json'
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} is missing: python benchmarks/export_speed.py --out {path}')
    content = json.loads(path.read_text(encoding='utf-8'))
    key = dict(parity='exports', speed='milliseconds_an_image')[name]
    if not content.get(key):
        raise ValueError(f'{path}: {key} is empty: it was not measured')
    return content


def in_words(names: List[str]) -> str:
    return ' and '.join([', '.join(names[:-1]), names[-1]] if names[1:] else names)


def measured_with(content: Dict[str, Any]) -> str:
    """Date, versions and machine of a record, as part of a sentence."""
    measured_on = content['environment']
    versions = measured_on['versions']
    return (f'{measured_on["date"][:10]}, PyTorch {versions["torch"]}, onnx {versions["onnx"]}, '
            f'onnxruntime {versions["onnxruntime"]}, {measured_on["cpu"]}')


def parity_text(content: Dict[str, Any]) -> str:
    """The table of all exports, and what it says in words."""
    exports = [(name, kind, one) for name, found in content['exports'].items()
               for kind, one in found.items()]
    made = [(name, kind, one) for name, kind, one in exports if one['path'] is not None]
    (images, landmarks), = {(one['images'], one['landmarks']) for _, _, one in made}

    def largest(key: str, trained: bool, half: bool) -> float:
        return max(one[key] for name, kind, one in made if kind.endswith('_fp16') == half
                   and bool(content['checkpoints'][name]) == trained)

    names = [TITLES[name] for name, file in content['checkpoints'].items() if file]
    times = max(one['max_px'] / content['own_rounding_px'][name] for name, kind, one in made
                if not kind.endswith('_fp16') and not content['checkpoints'][name])
    lines = [
        export_table(content, markdown=True), '',
        f'Sizes in MB; distances in input pixels from PyTorch in float32, of {landmarks} landmarks '
        f'in {images} images. The first row of each model is PyTorch itself with other kernels: '
        'what the order of rounding does to this model. '
        f'({measured_with(content)}; `python benchmarks/export_speed.py --rounds 0`.)', '',
        f'- **Trained weights** ({in_words(names)}): in float32 landmarks agree within '
        f'{largest("max_px", True, False):.2g} px and confidences within '
        f'{largest("max_confidence", True, False):.2g}; in half precision within '
        f'{largest("max_px", True, True):.2g} px and {largest("max_confidence", True, True):.2g}.',
        '- **Random weights** (the others): their maps are sharpened until they have peaks, which '
        'multiplies every rounding. In float32 no export is more than '
        f'{times:.1f} times as far off as PyTorch is from itself. In half precision landmarks jump '
        f'from peak to peak, by up to {largest("max_px", False, True):.2g} px: that says nothing '
        'of trained weights, and `tools/export.py` would refuse such a file.']
    lines += [f'- {TITLES[name]}, {EXPORT_TITLES[kind]}: {one["error"]}'
              for name, kind, one in exports if one['error']]
    return '\n'.join(lines)


def speed_text(content: Dict[str, Any]) -> str:
    """The table of times, and how busy the machine was."""
    rounds = {len(times) for by_batch in content['milliseconds_an_image'].values()
              for measured in by_batch.values() for times in measured.values()}
    (count, ) = rounds
    before, after = (f'{load[0]:.1f}' for load in content['load_average'])
    measured_on = content['environment']
    return '\n'.join([
        time_table(content, markdown=True), '',
        f'Medians of {count} rounds on {content["threads"]} thread; {measured_with(content)}. '
        f'Other work ran meanwhile (load {before} before and {after} after, '
        f'{measured_on["cores"]} cores): the ratios, each taken within a round, are what counts, '
        'and milliseconds are too high.'])


def written(text: str, results: Path = RESULTS) -> str:
    """The page with what the records say.

    Raises:
        ValueError: If the page lacks the marks of a part.
    """
    for name, make in (('parity', parity_text), ('speed', speed_text)):
        begin, end = (mark.format(name) for mark in MARKS)
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f'{PAGE} needs the marks {begin} … {end} once')
        before, rest = text.split(begin)
        text = f'{before}{begin}\n{make(read(results, name))}\n{end}{rest.split(end)[1]}'
    return text


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true', help='write nothing')
    args = parser.parse_args(argv)
    old = PAGE.read_text(encoding='utf-8')
    new = written(old)
    if args.check:
        if new != old:
            print(f'{PAGE} is out of date: run python docs/deployment_tables.py')
        return int(new != old)
    PAGE.write_text(new, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
