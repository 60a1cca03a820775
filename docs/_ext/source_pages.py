"""Links from a page to a file of the repository lead to a page that shows the file.

`[tools/test.py](../tools/test.py)` works on a code host as it stands. In the site it would be a
download; instead the file becomes a highlighted page of its own below `source/`, offline as well.
Files that are no text stay downloads; a missing file stays a warning.
"""

from __future__ import annotations

import html
from pathlib import Path

from docutils import nodes
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

ROOT = Path(__file__).resolve().parents[2]
FOLDER = 'source'
# Files whose names say nothing to Pygments, or something else than what they hold.
LANGUAGES = {'LICENSE': 'text', 'CITATION.cff': 'yaml', '.md': 'markdown', '.txt': 'text'}


def language(path: Path) -> str | None:
    """Name of the lexer for a file, None where it is not text."""
    known = LANGUAGES.get(path.name) or LANGUAGES.get(path.suffix)
    if known:
        return known
    try:
        return get_lexer_for_filename(path.name).aliases[0]
    except ClassNotFound:
        return None


def page_name(path: Path) -> str:
    return f'{FOLDER}/{path.relative_to(ROOT).as_posix()}'


class LinkToSource(SphinxTransform):
    """While a page is read: take links to files of the repository away from the downloads."""

    default_priority = 870  # before "doctree-read" (880), where downloads are collected

    def apply(self, **kwargs) -> None:
        page = Path(self.env.doc2path(self.env.docname)).parent
        for node in list(self.document.findall(addnodes.download_reference)):
            path = (page / node['reftarget'].partition('#')[0]).resolve()
            if not (path.is_file() and path.is_relative_to(ROOT) and language(path)):
                continue
            self.env.source_pages.setdefault(self.env.docname, set()).add(path)
            link = nodes.reference('', '', source_page=page_name(path), internal=True)
            link += node.children
            node.replace_self(link)


def start(app, env, docnames) -> None:
    if not hasattr(env, 'source_pages'):
        env.source_pages = {}


def forget(app, env, docname) -> None:
    start(app, env, ())
    env.source_pages.pop(docname, None)


def merge(app, env, docnames, other) -> None:
    start(app, env, ())
    env.source_pages.update({name: other.source_pages[name] for name in docnames
                             if name in other.source_pages})


def resolve(app, doctree, docname) -> None:
    """Now the place of the page is known: make the links relative to it."""
    for node in doctree.findall(nodes.reference):
        if 'source_page' in node:
            node['refuri'] = app.builder.get_relative_uri(docname, node['source_page'])


def make_pages(app):
    """The pages that show the files."""
    paths = sorted(set().union(*getattr(app.env, 'source_pages', {}).values()))
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        code = app.builder.highlighter.highlight_block(
            path.read_text(encoding='utf-8'), language(path), force=True)
        title = html.escape(name)
        body = (f'<h1>{title}</h1>\n<div class="highlight-default notranslate source-page">{code}'
                '</div>')
        yield page_name(path), dict(parents=[], title=title, body=body), 'page.html'


def setup(app) -> dict:
    app.add_transform(LinkToSource)
    app.connect('env-before-read-docs', start)
    app.connect('env-purge-doc', forget)
    app.connect('env-merge-info', merge)
    app.connect('doctree-resolved', resolve)
    app.connect('html-collect-pages', make_pages)
    return dict(version='1', env_version=1, parallel_read_safe=True, parallel_write_safe=True)
