"""Prose is plain technical English: words and constructions from a list are rejected everywhere people read."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("service", "tests", "bench", "docs", "charts", "examples", "k8s", ".github", ".ci")
ROOT_FILES = ("*.md", "*.toml", "*.yaml", "Makefile", "Dockerfile")
TEXT_SUFFIXES = {".md", ".gotmpl", ".yaml", ".yml", ".tpl", ".txt", ".toml", ".sh", ".js", ""}
# Generated from sources that are checked, written for machines, or quoting old names.
SKIPPED = {
    "CHANGELOG.md",
    "gitops.yaml",
    "openapi.json",
    "requirements",
    "__snapshot__",
    "__pycache__",
    Path(__file__).name,
}

WORDS = (
    r"\b(?:told|tells?|helpers?|away|mend(?:s|ed|ing)?|ow(?:ed|es)|anew|nobody|whoever)\b",
    r"\b(?:is|are) to be\b",
    r"\bat which\b",
    r"\bgives? how\b",
    r"\bnear enough\b",
    # "for" as a conjunction.
    r"\bfor (?:they|there|we) \w+",
    r"\bfor it (?!itself\b|as\b|is(?: no)? \w+ed by\b)(?:has|was|can|may|must|will|would|is|\w+[^s\W]s)\b",
    # A clause as the subject of a sentence.
    r"(?:^|(?<=[.:;] ))(?:What|Who|Whatever) [^?.\n]*\.(?:\s|$)",
)
REJECTED = re.compile("|".join(WORDS), re.MULTILINE)
CODE = re.compile(r"```.*?```|~~~.*?~~~|`[^`\n]*`", re.DOTALL)


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Pieces of a file written for people, each with its line number."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from _python(text)
    else:
        yield 1, CODE.sub(lambda code: re.sub(r"[^\n]", " ", code.group()), text)


def _python(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, CODE.sub("", node.value)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name.replace("_", " ")


def sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    found += [path for pattern in ROOT_FILES for path in ROOT.glob(pattern)]
    return sorted(
        path
        for path in found
        if path.is_file()
        and path.suffix in {*TEXT_SUFFIXES, ".py"}
        and not SKIPPED & {path.name, *path.relative_to(ROOT).parts}
    )


def hits() -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line + text.count(chr(10), 0, hit.start())}: {hit.group().strip()}"
        for path in sources()
        for line, text in prose(path)
        for hit in REJECTED.finditer(text)
    ]


def test_prose_avoids_the_rejected_words() -> None:
    assert hits() == []
