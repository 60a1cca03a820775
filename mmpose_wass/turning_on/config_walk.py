"""Walk through nested MMEngine configs: dictionaries, lists and tuples, at any depth."""

from __future__ import annotations

from typing import Any, Callable, Iterator

from mmengine.config import Config, ConfigDict


def as_dict(cfg: Any) -> Any:
    """Return the dictionary inside a ``Config`` (the same object), and anything else as it is."""
    return cfg._cfg_dict if isinstance(cfg, Config) else cfg


def type_name(node: Any) -> str:
    """Return the bare class name of a config dictionary's ``type``.

    Accepts what MMEngine accepts: a name, a name with a scope (``mmpose.HeatmapHead``) and, in
    pure-Python configs, the class itself.

    Args:
        node: Anything found in a config.

    Returns:
        str: The class name, or an empty string when ``node`` is no dictionary with a type.

    Examples:
        >>> type_name(dict(type='mmpose.HeatmapHead'))
        'HeatmapHead'
        >>> type_name(dict(type=dict))
        'dict'
        >>> type_name([1, 2])
        ''
    """
    if not isinstance(node, dict):
        return ''
    kind = node.get('type', None)
    if isinstance(kind, str):
        return kind.rsplit('.', 1)[-1]
    return getattr(kind, '__name__', '')


def like(node: Any, replacement: Any) -> Any:
    """Give a plain dictionary the class of what it replaces.

    MMEngine turns dictionaries that are set as values into ``ConfigDict``, but not those in lists.
    """
    if isinstance(node, ConfigDict) and not isinstance(replacement, ConfigDict):
        return ConfigDict(replacement)
    return replacement


def find_typed(node: Any, path: str = '') -> Iterator[tuple[str, dict]]:
    """Yield every dictionary with a ``type`` together with its dotted path.

    Args:
        node: A config, or any part of one.
        path: The dotted path of ``node`` itself.

    Yields:
        tuple[str, dict]: Path such as ``train_dataloader.dataset.pipeline.5.encoder``, and the
        dictionary.

    Examples:
        >>> [path for path, _ in find_typed(dict(a=[dict(type='X', b=dict(type='Y'))]))]
        ['a.0', 'a.0.b']
    """
    node = as_dict(node)
    if isinstance(node, dict):
        if type_name(node):
            yield path, node
        for key in list(node):
            yield from find_typed(node[key], f'{path}.{key}' if path else str(key))
    elif isinstance(node, (list, tuple)):
        for index, child in enumerate(node):
            yield from find_typed(child, f'{path}.{index}' if path else str(index))


def rewrite_typed(node: Any, change: Callable[[dict], dict | None]) -> Any:
    """Replace dictionaries with a ``type``, wherever they lie, in place.

    Args:
        node: A config, or any part of one. Dictionaries and lists are changed in place; a tuple
            in which something changes is built anew.
        change: Called with each typed dictionary; returns its replacement, or ``None`` to keep
            the dictionary and look inside it. A replacement is not looked into.

    Returns:
        Any: ``node``, or what replaces it.

    Examples:
        >>> change = lambda found: dict(type='New') if found['type'] == 'Old' else None
        >>> rewrite_typed(dict(a=(dict(type='Old'), 1)), change)
        {'a': ({'type': 'New'}, 1)}
    """
    node = as_dict(node)
    if isinstance(node, dict):
        if type_name(node):
            replacement = change(node)
            if replacement is not None:
                return like(node, replacement)
        for key in list(node):
            child = node[key]
            new_child = rewrite_typed(child, change)
            # A pure-Python config builds its lazy classes on access: writing back what was only
            # read would freeze them.
            if new_child is not child:
                node[key] = new_child
    elif isinstance(node, list):
        for index, child in enumerate(node):
            new_child = rewrite_typed(child, change)
            if new_child is not child:
                node[index] = new_child
    elif isinstance(node, tuple):
        children = [rewrite_typed(child, change) for child in node]
        if any(new is not old for new, old in zip(children, node)):
            return tuple(children)
    return node
