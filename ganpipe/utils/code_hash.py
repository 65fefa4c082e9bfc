"""Digests of code that do not depend on comments and layout."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path
from typing import Any


def code_digest(path: Path) -> str:
    """SHA-256 (16 hex digits) of a Python file's syntax tree without comments, layout and docstrings.

    Any other file: of its bytes. Fields that are empty are left out, so the digest holds across Python versions.
    """
    data = path.read_bytes()
    if path.suffix == ".py":
        data = repr(_canonical(ast.parse(data))).encode()
    return hashlib.sha256(data).hexdigest()[:16]


def _canonical(node: Any) -> Any:
    if isinstance(node, list):
        return [_canonical(item) for item in node]
    if not isinstance(node, ast.AST):
        return (type(node).__name__, repr(node))
    fields: dict[str, Any] = {name: getattr(node, name, None) for name in node._fields}
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(node):
        fields["body"] = node.body[1:]
    kept = [(name, _canonical(value)) for name, value in fields.items() if value is not None and value != []]
    return (type(node).__name__, kept)


def module_file(name: str, root: Path) -> Path:
    """The file of one of the project's modules."""
    path = root.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
