"""Folders, modules and functions of the package have a maximum size, and names are unique."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import mathops

PACKAGE = Path(mathops.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
MAX_MODULES = 12
MAX_MODULE_LINES = 200
MAX_FUNCTION_LINES = 40
MAX_MEDIAN_FUNCTION_LINES = 6
# Named by Python and Alembic.
SPECIAL = {"__init__", "__main__", "env"}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield path, node


def repeated(names: Iterator[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def test_folders_hold_few_modules() -> None:
    sizes = Counter(path.parent.relative_to(PACKAGE) for path in MODULES if path.stem != "__init__")

    assert {str(folder): size for folder, size in sizes.items() if size > MAX_MODULES} == {}


def test_modules_are_short() -> None:
    assert {str(path.relative_to(PACKAGE)): lines(path) for path in MODULES if lines(path) > MAX_MODULE_LINES} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{path.relative_to(PACKAGE)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, node in nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}
    assert median(lengths.values()) <= MAX_MEDIAN_FUNCTION_LINES


def test_module_names_are_unique() -> None:
    assert repeated(path.stem for path in MODULES if path.stem not in SPECIAL) == []


def test_class_names_are_unique() -> None:
    assert repeated(node.name for _, node in nodes() if isinstance(node, ast.ClassDef)) == []
