"""Sphinx settings of the documentation site; `make docs` builds it.

Sphinx with MyST, because MMPose's, MMEngine's and MMCV's documentation is built with them and the
docstrings here are written for them. The pages are plain Markdown that a code host shows as well.
The API reference is made by reading the source, so that a build needs neither torch nor MMPose,
and nothing on a page is fetched from another machine.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS / '_ext'))

project = 'mmpose_wass'
author = 'The mmpose_wass contributors'
copyright = author
release = version = re.search(r"__version__ = '([^']+)'",
                              (ROOT / 'mmpose_wass/version.py').read_text()).group(1)

extensions = [
    'myst_parser', 'autoapi.extension', 'sphinx.ext.napoleon', 'sphinx_copybutton',
    'mathml', 'source_pages', 'other_files'
]
exclude_patterns = ['_build', '_ext', '_templates']
nitpicky = False  # names of torch and MMPose lead nowhere: the site is built offline

# Markdown as code hosts read it: `$` is mathematics, headings are targets of links.
myst_enable_extensions = ['dollarmath', 'amsmath', 'colon_fence']
myst_heading_anchors = 4
myst_dmath_double_inline = True

autoapi_dirs = [str(ROOT / 'mmpose_wass')]
autoapi_root = 'reference'
autoapi_template_dir = '_ext/autoapi'
autoapi_add_toctree_entry = False
autoapi_keep_files = False
autoapi_member_order = 'bysource'
autoapi_python_class_content = 'both'
autoapi_own_page_level = 'module'
autoapi_options = ['members', 'show-inheritance', 'show-module-summary', 'undoc-members']
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

suppress_warnings = [
    # Types in docstrings are written without their module; where two classes have one name, no
    # link is made.
    'ref.python',
    # Undocumented constants that another module imports.
    'autoapi.python_import_resolution',
]

html_theme = 'furo'
html_title = f'mmpose_wass {release}'
html_static_path = ['_static']
html_css_files = ['site.css']
html_copy_source = False
html_show_sourcelink = False
pygments_style = 'friendly'
pygments_dark_style = 'monokai'
copybutton_prompt_text = r'>>> |\.\.\. |\$ '
copybutton_prompt_is_regexp = True


def absolute_values(app, what, name, obj, options, lines) -> None:
    """`|x|` in a docstring is an absolute value; reStructuredText takes it for a substitution."""
    formula = False
    for index, line in enumerate(lines):
        if line.strip():
            formula = line.lstrip().startswith('.. math::') or formula and line.startswith('    ')
        if not formula and not line.lstrip().startswith(('>>>', '...')):
            lines[index] = re.sub(r'(``.+?``|:math:`[^`]*`)|\|(?=\S)',
                                  lambda found: found[1] or r'\|', line)


def setup(app) -> None:
    # Before napoleon.
    app.connect('autodoc-process-docstring', absolute_values, priority=400)
