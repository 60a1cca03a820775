"""Say in words what changed between two configs."""

from __future__ import annotations

from typing import Any

from .config_walk import as_dict

_ABSENT = object()


def describe_difference(before: Any, after: Any) -> str:
    """List every value that differs between two configs, one a line.

    Args:
        before: A config (or dictionary).
        after: Another.

    Returns:
        str: Lines ``key: old -> new``, ``+ key: new`` for what came and ``- key: old`` for what
        went, keys dotted and in the order of ``after``; an empty string if nothing differs.

    Examples:
        >>> print(describe_difference(dict(a=1, b=[1, 2]), dict(a=2, b=[1], c=None)))
          a: 1 -> 2
          b: [1, 2] -> [1]
        + c: None
    """
    old, new = dict(_leaves(before)), dict(_leaves(after))
    lines = []
    for key in _merged_order(list(old), list(new)):
        was, now = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if was is _ABSENT:
            lines.append(f'+ {key}: {now!r}')
        elif now is _ABSENT:
            lines.append(f'- {key}: {was!r}')
        elif was != now:
            lines.append(f'  {key}: {was!r} -> {now!r}')
    return '\n'.join(lines)


def _leaves(node: Any, path: str = ''):
    """Yield ``(dotted key, value)``; a list of plain values is one value."""
    node = as_dict(node)
    if isinstance(node, dict):
        children = [(key, node[key]) for key in node]
    elif isinstance(node, (list, tuple)) and any(
            isinstance(child, (dict, list, tuple)) for child in node):
        children = list(enumerate(node))
    else:
        yield path, node
        return
    if not children:
        yield path, type(node)() if isinstance(node, (list, tuple)) else {}
    for key, child in children:
        yield from _leaves(child, f'{path}.{key}' if path else str(key))


def _merged_order(old: list[str], new: list[str]) -> list[str]:
    """Order keys as in ``new``, each lost key after the one that it followed in ``old``."""
    known = set(new)
    followers: dict[str | None, list[str]] = {}
    anchor = None
    for key in old:
        if key in known:
            anchor = key
        else:
            followers.setdefault(anchor, []).append(key)
    order = list(followers.get(None, []))
    for key in new:
        order.append(key)
        order.extend(followers.get(key, []))
    return order
