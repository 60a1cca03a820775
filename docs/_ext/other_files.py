"""Pages that stand elsewhere in the repository: a changelog at its root, a notebook.

Each has a short page here that links to the file, which is what a code host shows. In the site
the file itself takes the page's place: Markdown with its links made relative to `docs/`, a notebook
with the outputs that are stored in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    'changelog': 'CHANGELOG.md',
    'contributing': 'CONTRIBUTING.md',
    'notebook': 'examples/tour.ipynb',
}
_LINK = re.compile(r'(\]\()(?!https?:|#|mailto:)([^)\s]+)')


def relative_links(text: str, folder: Path) -> str:
    """Make links that are relative to ``folder`` relative to ``docs/``.

    A file that is a page of the site is linked as that page.
    """
    pages = {ROOT / path: ROOT / f'docs/{name}.md' for name, path in PAGES.items()}

    def there(found: re.Match) -> str:
        path, hash_sign, anchor = found[2].partition('#')
        target = (folder / path).resolve()
        target = pages.get(target, target)
        docs = ROOT / 'docs'
        inside = target.is_relative_to(docs)
        new = target.relative_to(docs) if inside else Path('..') / target.relative_to(ROOT)
        return f'{found[1]}{new.as_posix()}{hash_sign}{anchor}'
    return _LINK.sub(there, text)


def notebook_markdown(path: Path, pictures: Path) -> str:
    """A notebook as Markdown; its pictures are written to a folder."""
    parts = []
    for cell in json.loads(path.read_text(encoding='utf-8'))['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] == 'markdown':
            parts.append(relative_links(source, path.parent))
            continue
        parts.append(f'```python\n{source}\n```')
        for output in cell['outputs']:
            if 'text' in output and output.get('name') == 'stdout':
                parts.append('```text\n' + ''.join(output['text']).rstrip() + '\n```')
            picture = output.get('data', {}).get('image/png')
            if picture:
                content = base64.b64decode(''.join(picture))
                file = pictures / f'{path.stem}_{hashlib.sha256(content).hexdigest()[:12]}.png'
                file.parent.mkdir(parents=True, exist_ok=True)
                if not file.exists():
                    file.write_bytes(content)
                about = cell['metadata'].get('alt', 'Figure drawn by the code above')
                parts.append(f'![{about}](/{file.relative_to(ROOT / "docs").as_posix()})')
    return '\n\n'.join(parts) + '\n'


def replace_page(app, docname: str, source: list) -> None:
    if docname not in PAGES:
        return
    path = ROOT / PAGES[docname]
    if not path.is_file():
        return
    app.env.note_dependency(str(path), docname=docname)
    if path.suffix == '.ipynb':
        note = source[0].split('\n', 1)[1].strip()
        text = notebook_markdown(path, ROOT / 'docs/_build/notebook')
        title, rest = text.split('\n', 1)
        source[0] = f'{title}\n\n{note}\n{rest}'
    else:
        source[0] = relative_links(path.read_text(encoding='utf-8'), path.parent)


def setup(app) -> dict:
    app.connect('source-read', replace_page)
    return dict(version='1', parallel_read_safe=True, parallel_write_safe=True)
