"""Sphinx's settings for the documentation site, which `build.py` lays out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

import archdsl
from archdsl.pygments import ArchLexer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "archdsl"
author = "the authors of archdsl"
release = version = archdsl.__version__
language = "en"

extensions = ["myst_parser"]
root_doc = "index"
myst_heading_anchors = 4
# Headings of the repository's pages need not go down step by step, and code of errors
# holds what no lexer knows.
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

html_theme = "furo"
html_title = "archdsl"
html_short_title = "archdsl"
html_static_path = ["static"]
html_css_files = ["archdsl.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
pygments_style = "styles.Light"
pygments_dark_style = "styles.Dark"

_FONTS = {
    "font-stack": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue',"
    " Arial, sans-serif",
    "font-stack--monospace": "ui-monospace, SFMono-Regular, Menlo, Consolas,"
    " 'DejaVu Sans Mono', 'Liberation Mono', monospace",
}
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {
        **_FONTS,
        "color-brand-primary": "#1f5fa8",
        "color-brand-content": "#1f5fa8",
        "color-background-secondary": "#f7f9fb",
        "color-background-border": "#e3e8ee",
        "color-code-background": "#f7f9fb",
        "color-code-foreground": "#1b2733",
    },
    "dark_css_variables": {
        **_FONTS,
        "color-brand-primary": "#82b7f0",
        "color-brand-content": "#82b7f0",
        "color-background-primary": "#12161c",
        "color-background-secondary": "#171c24",
        "color-background-border": "#2a323d",
        "color-code-background": "#171c24",
        "color-code-foreground": "#dbe4ee",
    },
}


def setup(app: Sphinx) -> None:
    """Give Sphinx the lexer, also where archdsl is not installed anew."""
    app.add_lexer("arch", ArchLexer)
