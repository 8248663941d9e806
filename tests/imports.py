"""Who imports whom, read from the source by AST: also what only a type checker follows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "dongui": ROOT / "python_sdk" / "dongui",
    "dongui_collector": ROOT / "collector" / "dongui_collector",
    "dongui_collector.demo.flask_shop": ROOT / "examples" / "flask_shop",
}


@dataclass(frozen=True, slots=True)
class Module:
    """One source file under its dotted name; ``package`` tells an ``__init__`` apart, for relative imports."""

    name: str
    path: Path
    package: bool

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))


@dataclass(frozen=True, slots=True)
class Arrow:
    """``source`` imports ``target`` (a dotted module name, or a name in one)."""

    source: str
    target: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def modules(packages: dict[str, Path] = PACKAGES) -> list[Module]:
    """Every module of the given packages, those of nested ``packages`` under their own names only."""
    found = []
    for name, folder in packages.items():
        for path in sorted(folder.rglob("*.py")):
            inner = path.relative_to(folder).with_suffix("").parts
            package = inner[-1] == "__init__"
            found.append(Module(".".join([name, *(inner[:-1] if package else inner)]), path, package))
    return found


def arrows(module: Module, known: frozenset[str]) -> Iterator[Arrow]:
    """The imports of a module, also those inside functions; ``from p import m`` means ``p.m`` if that is a module.

    Those that only a type checker follows count like all others.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Arrow(module.name, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield Arrow(module.name, full if full in known else base, node.lineno)


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + module.package]
    return ".".join([*parts, *([node.module] if node.module else [])])
