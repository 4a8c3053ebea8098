"""Sphinx settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Importing Airflow writes its configuration file; this keeps it out of the reader's home.
os.environ["AIRFLOW_HOME"] = str(Path(__file__).parent / "_build" / "airflow")

sys.path.insert(0, str(Path(__file__).parent))

from airflow_provider_kling import __version__
from airflow_provider_kling.products import capabilities

project = "airflow-provider-kling"
version = release = __version__
project_copyright = "the authors of airflow-provider-kling, Apache License 2.0"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "myst_parser",
    "extensions.tables",
    "extensions.arguments",
    "extensions.products",
    "extensions.narrow_pages",
    "extensions.drawings",
    "extensions.architecture",
    "extensions.charts",
    "extensions.gallery",
    "extensions.excerpts",
    "extensions.markers",
    "extensions.screenshots",
]
exclude_patterns = ["_build", "extensions", "drawings"]
default_role = "any"
nitpicky = True

rst_prolog = f".. |as-of| replace:: {capabilities.table().as_of}"

html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]

# What is copied are the commands: neither the prompt nor what they print.
copybutton_prompt_text = "$ "
# A command of several lines is copied with all of them.
copybutton_line_continuation_character = "\\"

autodoc_member_order = "bysource"
# Types stand in the signatures of the source; what a reader needs of them is in the text of each parameter.
autodoc_typehints = "none"

# Classes of Airflow and of Python have their own documentation, and it is not fetched from the network here.
nitpick_ignore = [
    ("py:class", "AirflowFailException"),  # in the error tree
]
nitpick_ignore_regex = [
    ("py:class", r"(airflow|collections|datetime|enum|requests|typing)\..*"),  # base classes
]
