"""numpydoc, whose template is compiled once. numpydoc itself compiles it for every docstring."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpydoc.numpydoc
from jinja2 import PackageLoader, Template
from jinja2.sandbox import SandboxedEnvironment
from numpydoc.docscrape import get_doc_object
from numpydoc.docscrape_sphinx import SphinxClassDoc, SphinxFunctionDoc, SphinxObjDoc


@cache
def _template() -> Template:
    return SandboxedEnvironment(loader=PackageLoader("numpydoc")).get_template("numpydoc_docstring.rst")


def _parsed(
    obj: Any, what: str | None = None, doc: str | None = None, config: dict[str, Any] | None = None, builder: Any = None
) -> Any:
    """A docstring that numpydoc has parsed; what it calls in place of its own function of this signature."""
    kinds = {"class_doc": SphinxClassDoc, "func_doc": SphinxFunctionDoc, "obj_doc": SphinxObjDoc}
    return get_doc_object(obj, what=what, doc=doc, config=(config or {}) | {"template": _template()}, **kinds)


def setup(app: Any) -> Any:
    """Set numpydoc up."""
    return numpydoc.numpydoc.setup(app, _parsed)
