"""The documentation site: ``make docs`` builds it without a warning, or not at all."""

from __future__ import annotations

import gc
import importlib
import os
import re
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

# Sphinx makes and keeps many objects, and the garbage collector would look through all of them again and again.
gc.set_threshold(1_000_000, 100, 100)

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT)]
os.environ["PYTHONPATH"] = str(ROOT)

import public_names  # noqa: E402
from sphinx.errors import ExtensionError  # noqa: E402
from stale_lessons import forget_stale  # noqa: E402

from oco import __version__  # noqa: E402
from regret_experiments.lessons.pictures import write_pictures  # noqa: E402

project = "oco"
author = "the authors of oco"
release = version = __version__
extensions = [
    "myst_parser",
    "docstrings",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
LESSONS = ROOT / "lessons"
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
default_role = "autolink"

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
# The solutions of the lessons have the lessons' names, and are not in the gallery.
suppress_warnings = ["sphinx_gallery.duplicate_filename"]

# Listed, as Sphinx would otherwise take the pages of the build before, and a new module's names would get none.
autosummary_generate = [f"api/{name}.rst" for name in public_names.MODULES]
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_type_aliases = {name: name for name in ("Array", "ArrayLike", "Rounds", "Rows", "Shape", "Labels")}
maximum_signature_line_length = 88
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "furo"
html_title = f"oco {version}"
# One file of MathJax, from the package that carries it: formulas show without a network.
MATHJAX = distribution("django-static-mathjax").locate_file("mathjax/static/mathjax/es5/tex-svg.js")
html_static_path = ["_static", str(MATHJAX)]
mathjax_path = "tex-svg.js"
html_css_files = ["site.css"]
html_js_files = ["lessons.js", "pictures.js"]
# The interactive pictures, beside the lessons, which link to pictures/NAME.html in a copy of the course too.
EXTRA = HERE / "_build" / "extra"
write_pictures(EXTRA / "lessons" / "pictures")
html_extra_path = [str(EXTRA)]
html_theme_options = {"source_edit_link": "", "navigation_with_keys": True}
html_show_sphinx = html_show_copyright = False

sphinx_gallery_conf: dict[str, Any] = {
    "examples_dirs": [str(LESSONS)],
    "gallery_dirs": ["lessons"],
    "filename_pattern": r"lesson_\d",
    "ignore_pattern": r"(solutions|interactive)",
    "within_subsection_order": "FileNameSortKey",
    "nested_sections": False,
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
    "download_all_examples": False,
    "show_signature": False,
    "reset_modules": ("matplotlib", "lesson_process.keep_imports"),
    "parallel": True,  # as many processes as `sphinx -j` says
}

# Names of other packages, type variables and aliases: there is nothing of ours to link to.
nitpick_ignore_regex = [
    (
        "py:.*",
        r"(numpy|np|scipy|sparse|pandas|pd|matplotlib|torch|sklearn|river|xarray|collections|typing|importlib|pathlib)\..*",
    ),
    ("py:.*", r"(os|abc|enum)\..*"),
    ("py:.*", r"(Array|ArrayLike|Rounds|Rows|Shape|Labels|Self|T|Any|oco\.plugins\.T|TypeAliasForwardRef|torch)"),
    # Of annotations that are imported for type checkers only, which Sphinx cannot look through.
    (
        "py:class",
        r"(Axes|AxisScale|Band|DataFrame|Figure|Path|Rate|Region|Styles|Scale|Against|ScalingKind|Snapshots|BlockOutcome|\w+\[.*)",
    ),
]


class _Homes:
    """Where names are documented, whichever way a docstring or an annotation writes them."""

    def __init__(self) -> None:
        homes = public_names.homes()
        self.by_path: dict[str, str] = {}
        self.classes: dict[str, type] = {}
        for public in public_names.public_modules():
            for name, value in public.members():
                home = homes[id(value)]
                self.by_path.setdefault(name, home)
                self.by_path[f"{public.name}.{name}"] = home
                if isinstance(value, type):
                    self.classes[home] = value
                    self.by_path[f"{value.__module__}.{value.__qualname__}"] = home
                elif hasattr(value, "__qualname__"):
                    self.by_path[f"{value.__module__}.{value.__qualname__}"] = home

    def candidates(self, target: str, context: str) -> Iterator[str]:
        """Documented names that ``target`` may stand for, in the docstring of ``context``."""
        owner, _, member = target.rpartition(".")
        if target in self.by_path:
            yield self.by_path[target]
        if owner in self.by_path:
            yield f"{self.by_path[owner]}.{member}"
        if not owner and context in self.classes:
            for parent in self.classes[context].__mro__:
                yield f"{self.by_path.get(f'{parent.__module__}.{parent.__qualname__}')}.{member}"


def _resolve(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Link a name that is written as it is imported inside the packages, or by its last part, to its public home.

    A name of ours that exists but is not public is shown without a link; what does not exist stays a warning.
    """
    if node.get("refdomain") != "py":
        return None
    if not hasattr(app, "homes"):
        app.homes = _Homes()
    domain, target = env.get_domain("py"), node["reftarget"]
    context = f"{node.get('py:module')}.{node.get('py:class')}"
    for candidate in app.homes.candidates(target, context):
        for name, _ in domain.find_obj(env, None, None, candidate, None, 0):
            return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, contnode)
    return contnode if _exists(target) else None


def _exists(target: str) -> bool:
    owner, _, member = target.rpartition(".")
    try:
        if not owner.startswith(("oco", "regret_experiments")):
            return False
        importlib.import_module(owner)
        return hasattr(sys.modules[owner], member) or importlib.import_module(target) is not None
    except ImportError:
        return False


def _plain_aliases(app: Any, what: str, name: str, value: Any, options: Any, signature: Any, returned: Any) -> Any:
    """Show a type alias by its name."""
    shown = [
        None if part is None else re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", part)
        for part in (signature, returned)
    ]
    return tuple(shown)


def _skip(app: Any, what: str, name: str, value: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out the methods that scikit-learn writes into estimators (``set_fit_request`` and its like)."""
    return True if (getattr(value, "__module__", None) or "").startswith("sklearn.") else None


def _open_own_branch(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Open only the page's own branch of the menu: all names in the menu of every page would cost their square."""
    menu = context.get("toctree")
    if menu is not None:
        context["toctree"] = lambda **options: menu(**options | {"collapse": True})


def setup(app: Any) -> None:
    """Refuse undocumented names, write the reference's pages, resolve names as they are written in docstrings."""
    importlib.import_module("matplotlib").use("agg")
    # A process that plays a lesson with PyTorch is replaced, because it then takes more memory than before.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given to the executor", UserWarning)
    missing = public_names.undocumented()
    if missing:
        raise ExtensionError(f"public names without a docstring: {', '.join(missing)}")
    public_names.write_reference(HERE / "api")
    forget_stale(HERE / "lessons", [ROOT / "oco", ROOT / "regret_experiments"])
    app.connect("html-page-context", _open_own_branch, priority=400)  # before the theme asks for the menu
    app.connect("missing-reference", _resolve)
    app.connect("autodoc-process-signature", _plain_aliases)
    app.connect("autodoc-skip-member", _skip)
