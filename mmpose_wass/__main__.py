"""Run a tool, wherever the package is installed: ``python -m mmpose_wass demo --help``."""
from __future__ import annotations

import runpy
import sys
from typing import List, Optional

from mmpose_wass.project import ROOT


def main(arguments: Optional[List[str]] = None) -> None:
    """Runs ``tools/NAME.py`` with the arguments that follow its name.

    Args:
        arguments: Name and arguments; those of the command line by default.

    Raises:
        SystemExit: There is no such tool, or none is named: the message lists them.
    """
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ['--help']
    tools = {path.stem: path for path in sorted((ROOT / 'tools').glob('*.py'))}
    listed = 'usage: python -m mmpose_wass TOOL [arguments]\ntools: ' + ', '.join(tools)
    if name in ('-h', '--help'):
        print(listed)
        return
    if name not in tools:
        raise SystemExit(f'{listed}\nerror: there is no tool {name!r}')
    sys.argv = [str(tools[name]), *rest]
    sys.path.insert(0, str(tools[name].parent))
    runpy.run_path(str(tools[name]), run_name='__main__')


if __name__ == '__main__':
    main()
