"""Formulas as MathML, which browsers draw by themselves: no script, no fonts from elsewhere."""

from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert


def _visit_inline(writer, node) -> None:
    writer.body.append(convert(node.astext(), display='inline'))
    raise nodes.SkipNode


def _visit_display(writer, node) -> None:
    label = f' id="{node["ids"][0]}"' if node.get('ids') else ''
    writer.body.append(f'<div class="math-display"{label} tabindex="0">'
                       f'{convert(node.astext(), display="block")}</div>\n')
    raise nodes.SkipNode


def setup(app) -> dict:
    app.add_html_math_renderer('mathml', (_visit_inline, None), (_visit_display, None))
    app.config.html_math_renderer = 'mathml'
    return dict(version='1', parallel_read_safe=True, parallel_write_safe=True)
