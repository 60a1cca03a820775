"""HTML from nested calls in which every text is escaped unless it is markup already."""
from __future__ import annotations

import html
from typing import Any


class Markup(str):
    """HTML; everything else that goes into :func:`tag` is text."""


#: Elements without an end tag.
_VOID = ('img', 'meta', 'link', 'br', 'hr')


def tag(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """An element.

    Args:
        name: Of the element.
        *children: :class:`Markup` as it is, lists one by one, None not at all, anything else as
            escaped text.
        **attributes: Values are escaped; ``class_`` stands for ``class``, ``_`` in other names for
            a hyphen. None leaves an attribute out.

    Examples:
        >>> tag('p', 'a < b', tag('b', '&'), class_='x "y"')
        '<p class="x &quot;y&quot;">a &lt; b<b>&amp;</b></p>'
    """
    written = ''.join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value), quote=True)}"'
        for key, value in attributes.items() if value is not None)
    if name in _VOID:
        return Markup(f'<{name}{written}>')
    return Markup(f'<{name}{written}>{join(*children)}</{name}>')


def join(*children: Any) -> Markup:
    """Children one after the other, escaped where they are text."""
    parts = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, (list, tuple)):
            parts.append(join(*child))
        else:
            parts.append(child if isinstance(child, Markup) else html.escape(str(child)))
    return Markup(''.join(parts))
