"""
The style of the house, as far as a program can see it: small functions, nouns of the domain, light
imports, honest packaging.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest

import cxtools

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "cxtools"
CODE = sorted(PACKAGE.rglob("*.py"))
LOCKS = sorted(ROOT.glob("requirements*.lock"))

NOT_A_NOUN = {
    "base",
    "common",
    "core",
    "data",
    "handler",
    "handlers",
    "helper",
    "helpers",
    "manager",
    "misc",
    "service",
    "services",
    "util",
    "utils",
}
HEAVY = {
    "IPython",
    "duckdb",
    "email_validator",
    "ipywidgets",
    "nbconvert",
    "numpy",
    "pandas",
    "papermill",
    "plotly",
    "pyarrow",
    "pydantic",
    "pyspark",
    "requests",
    "sqlalchemy",
    "starlette",
    "typer",
    "uvicorn",
}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions() -> list[tuple[str, int]]:
    """Every function of the package with its lines, signature and docstring included."""
    return [
        (
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}",
            (node.end_lineno or node.lineno) - node.lineno + 1,
        )
        for path in CODE
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def tracked() -> list[Path]:
    """The files that git keeps; all of them are shown to others."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("no git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_function_is_longer_than_a_screen() -> None:
    """At most 60 formatted lines, so that a reader sees all of it."""
    assert [] == [name for name, lines in functions() if lines > 60]


def test_most_functions_are_a_few_lines() -> None:
    """The median is at most 10 lines."""
    assert median(lines for _, lines in functions()) <= 10


class Density(NamedTuple):
    """What one file weighs: lines that say something to the machine, and the syntax in them."""

    lines: int
    nodes: int


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstring_lines(tree: ast.Module) -> set[int]:
    """The numbers of the lines that docstrings take."""
    homes = [node for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
    documented = [node for node in homes if ast.get_docstring(node) is not None]
    strings = [node.body[0] for node in documented]
    return {line for node in strings for line in range(node.lineno, (node.end_lineno or 0) + 1)}


def code_line_numbers(path: Path) -> set[int]:
    """The numbers of the lines that are not blank, a comment or part of a docstring."""
    source = path.read_text(encoding="utf-8")
    lines = {
        number
        for number, line in enumerate(source.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#")
    }
    return lines - docstring_lines(ast.parse(source))


def density(path: Path) -> Density:
    """Each syntax node that has a place, and stands in no docstring, counts as one."""
    tree = parsed(path)
    skipped = docstring_lines(tree)
    nodes = [
        node for node in ast.walk(tree) if hasattr(node, "lineno") and node.lineno not in skipped
    ]
    return Density(len(code_line_numbers(path)), len(nodes))


def large_classes(path: Path) -> list[str]:
    """Classes of more than 200 lines of code."""
    lines = code_line_numbers(path)
    classes = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef)]
    return [
        f"{path.relative_to(ROOT)} {node.name}"
        for node in classes
        if len(lines & set(range(node.lineno, (node.end_lineno or 0) + 1))) > 200
    ]


def test_a_line_can_be_read_aloud(record_property: Callable[[str, object], None]) -> None:
    """At most 5.5 syntax nodes a line over the whole package; model codebases have 3.7 to 4.9."""
    weights = [density(path) for path in CODE]
    nodes_per_line = sum(each.nodes for each in weights) / sum(each.lines for each in weights)
    record_property("nodes_per_line", nodes_per_line)
    print(f"{sum(each.lines for each in weights):,} lines, {nodes_per_line:.2f} nodes a line")

    assert nodes_per_line <= 5.5


def test_no_file_and_no_class_holds_more_than_one_idea() -> None:
    """A file has at most 350 lines of code, a class at most 200."""
    files = [str(path.relative_to(ROOT)) for path in CODE if density(path).lines > 350]
    classes = [name for path in CODE for name in large_classes(path)]

    assert [] == files + classes


def test_modules_are_nouns_of_the_domain() -> None:
    """No drawer for things that have no place."""
    assert [] == [
        path.name
        for path in CODE
        if NOT_A_NOUN & set(re.split(r"[_.]", path.stem)) or path.parent.name in NOT_A_NOUN
    ]


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(path: Path) -> None:
    """The first thing in a file is a sentence about it."""
    assert ast.get_docstring(parsed(path))


def test_the_import_is_light() -> None:
    """
    `import cxtools` loads no heavy library; the budget of 0.35 s is kept as a list of modules,
    which no busy machine can upset.
    """
    script = "import sys; before = set(sys.modules); import cxtools; print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()

    assert "cxtools" in loaded
    assert set() == HEAVY & set(loaded)


@pytest.mark.parametrize("first", ["import cxtools", "from cxtools import wording"])
def test_the_import_does_not_read_the_catalogue(first: str) -> None:
    """Neither the package by itself nor a module that Python looks for among its names does."""
    script = f"import sys; {first}; print('cxtools.measures' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert "False" == ran.stdout.strip()


def test_editors_complete_names_that_exist() -> None:
    """The names that type checkers and editors read are public ones."""
    source = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    (block,) = (node for node in ast.parse(source).body if isinstance(node, ast.If))
    (names,) = (
        ast.literal_eval(node.value)
        for node in block.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )

    assert sorted(names) == names
    assert set(names) <= set(cxtools.__all__)


def test_a_name_that_is_missing_is_answered_with_those_there_are() -> None:
    """A typo is an error that lists what there is."""
    with pytest.raises(
        AttributeError, match=r"no 'funel'; did you mean funnel\? it has: .*connect"
    ):
        cxtools.funel  # noqa: B018  # looked up, no more


@pytest.mark.parametrize(
    "name", [name for name in cxtools.__all__ if not isinstance(getattr(cxtools, name), type)]
)
def test_help_shows_how_a_function_is_called(name: str) -> None:
    """What Shift-Tab shows in a notebook has an example, and says what may be raised."""
    shown = getattr(cxtools, name).__doc__

    assert "Example:" in shown or ">>>" in shown
    assert "Raises:" in shown or "never raises" in shown


@pytest.mark.parametrize("name", cxtools.__all__)
def test_every_public_name_is_there_and_explains_itself(name: str) -> None:
    """A name in `__all__` can be used, and says what it is for."""
    assert getattr(cxtools, name).__doc__


def test_public_names_are_in_order() -> None:
    """
    `__all__` is sorted and `dir(cxtools)` shows it, so that completion in a notebook finds every
    name.
    """
    assert sorted(cxtools.__all__) == list(cxtools.__all__)
    assert set(cxtools.__all__) <= set(dir(cxtools))


# --- tests ---


def cases_in(path: Path) -> list[ast.FunctionDef]:
    return cases(parsed(path))


def cases(tree: ast.Module) -> list[ast.FunctionDef]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def can_fail(test: ast.FunctionDef) -> bool:
    """
    Does it assert, expect an error, or call a check of the test's own? Read from its statements: a
    docstring, a decorator or a name that speaks of it doesn't count.
    """
    nodes = [node for statement in test.body for node in ast.walk(statement)]
    called = [ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)]
    asserts = any(isinstance(node, ast.Assert) for node in nodes)
    return asserts or any(name == "pytest.raises" or name.startswith("check_") for name in called)


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "tests").rglob("test_*.py")),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_test_is_a_sentence_and_an_assertion(path: Path) -> None:
    """Each test says in a sentence what must hold, and can fail."""
    mute = [test.name for test in cases_in(path) if not ast.get_docstring(test)]
    toothless = [test.name for test in cases_in(path) if not can_fail(test)]

    assert [] == mute + toothless


TOOTHLESS = """
def test_says_it():
    \"\"\"We assert nothing; an error is expected, pytest.raises would see it.\"\"\"
    expected = len("check_it()")

@pytest.mark.parametrize("case", check_cases())
def test_is_decorated(case):
    case.run()
"""
TOOTHED = """
def test_asserts():
    assert 1 == len("1")

def test_raises():
    with pytest.raises(ValueError):
        int("x")

def test_checks():
    check_stories(100)
"""


@pytest.mark.parametrize(("source", "expected"), [(TOOTHLESS, [False] * 2), (TOOTHED, [True] * 3)])
def test_a_test_that_only_speaks_of_an_assertion_is_seen(source: str, expected: Any) -> None:
    """The search for tests that can't fail can fail itself."""
    assert expected == [can_fail(test) for test in cases(ast.parse(source))]


COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_line_says_one_thing(path: Path) -> None:
    """A comprehension has one loop, an assignment one value: more are read as statements."""
    nodes = list(ast.walk(parsed(path)))
    loops = [n.lineno for n in nodes if isinstance(n, COMPREHENSIONS) and len(n.generators) > 1]
    assignments = [n for n in nodes if isinstance(n, ast.Assign)]
    chained = [n.lineno for n in assignments if len(n.targets) > 1]
    values = [n.lineno for n in assignments if isinstance(n.value, ast.Tuple)]
    pairs = [n.lineno for n in assignments if isinstance(n.targets[0], ast.Tuple)]

    assert [] == loops
    assert [] == chained
    assert set() == {*values} & {*pairs}


def test_our_own_code_is_not_mocked() -> None:
    """The world is faked (simulator, fault server), our own code never."""
    mocked = re.compile(
        r"\bunittest\.mock\b|\bMagicMock\b|\bmocker\b|monkeypatch\.setattr\(\s*[\"']?cxtools"
    )

    assert [] == [
        path.name
        for path in (ROOT / "tests").rglob("*.py")
        if path != Path(__file__) and mocked.search(path.read_text(encoding="utf-8"))
    ]


#: the tutorial's module was run for real; its defects by group and highest number (there is no B02)
DEFECTS = {"A": 4, "B": 9, "C": 8, "D": 4, "E": 6, "F": 10, "G": 10, "H": 4, "I": 1}


def test_every_defect_of_the_tutorial_is_named_by_a_test() -> None:
    """Each row of the table of defects has a test with its id in name or docstring."""
    cases = [
        case
        for path in (ROOT / "tests").rglob("test_*.py")
        if path != Path(__file__)
        for case in cases_in(path)
    ]
    told = (
        " ".join(f"{case.name} {ast.get_docstring(case)}" for case in cases)
        .upper()
        .replace("_", " ")
    )
    ranges = re.findall(r"\b([A-I])(\d\d)(?:-\1(\d\d))?\b", told)
    named = {
        f"{group}{number:02}"
        for group, first, last in ranges
        for number in range(int(first), int(last or first) + 1)
    }
    rows = {
        f"{group}{number:02}" for group, last in DEFECTS.items() for number in range(1, last + 1)
    } - {"B02"}

    assert set() == rows - named


# --- packaging ---


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_is_exact_hashed_and_names_no_index(lock: Path) -> None:
    """
    Every line pins one version with its hashes; where packages come from is the machine's business.
    """
    text = lock.read_text(encoding="utf-8")
    pins = re.findall(r"^[A-Za-z0-9][^\n]*", text, re.MULTILINE)

    assert pins
    assert [] == [
        pin for pin in pins if not re.match(r"[A-Za-z0-9._-]+(\[[^]]+\])?==[^ ]+ .*\\$", pin)
    ]
    assert text.count("\n    --hash=sha256:") >= len(pins)
    assert not re.search(r"://|--index|--extra-index|--find-links", text)


def test_only_the_lab_has_jupyterlab() -> None:
    """
    JupyterLab brings rfc3987-syntax, which costs 2 s in every process that imports nbformat;
    niquests replaces urllib3.
    """
    heavy = re.compile(r"^(jupyterlab|rfc3987-syntax|niquests)==", re.MULTILINE)

    assert {
        "requirements.lock": [],
        "requirements-dev.lock": [],
        "requirements-lab.lock": ["jupyterlab", "rfc3987-syntax"],
    } == {lock.name: heavy.findall(lock.read_text(encoding="utf-8")) for lock in LOCKS}


def test_locks_agree_with_each_other() -> None:
    """
    What the core lock pins, the other environments run too: a test proves the version that users
    get.
    """
    pins = [
        dict(
            re.findall(
                r"^([\w.-]+)(?:\[.+\])?==([^ ]+)", lock.read_text(encoding="utf-8"), re.MULTILINE
            )
        )
        for lock in LOCKS
    ]
    core = pins[LOCKS.index(ROOT / "requirements.lock")]

    assert [core] * len(pins) == [
        {name: version for name, version in other.items() if name in core} for other in pins
    ]


def test_the_version_is_one() -> None:
    """The package, its metadata and the changelog name the same version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert cxtools.__version__ == project["version"]
    assert f"## {cxtools.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_nothing_of_this_machine_is_in_the_files() -> None:
    """
    No absolute path of the checkout, the home or the Python that runs this, and no package index.
    """
    here = {
        f"{path}/"
        for path in (str(ROOT), str(ROOT.parent), str(Path.home()), sys.prefix)
        if path != "/"
    }
    index = re.compile(r"(?im)^\s*(-i |--(extra-)?index-url|index-url|registry\s*=)")
    texts = {
        path: path.read_text(encoding="utf-8", errors="replace")
        for path in tracked()
        if path.stat().st_size < 3_000_000
    }

    assert [] == [
        str(path.relative_to(ROOT))
        for path, text in texts.items()
        if any(place in text for place in here) or index.search(text)
    ]


def test_notebooks_are_thin() -> None:
    """
    A notebook asks and cxtools answers: no definitions, loops or SQL, at most 8 lines a cell, only
    cxtools and datetime imported.
    """
    thick = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = [
            cell
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
            if cell["cell_type"] == "code"
        ]
        thick += [
            f"{path.name}: {fault}"
            for cell in cells
            for fault in cell_faults("".join(cell["source"]))
        ]

    assert [] == thick


HEAVY_NODES = (
    ast.FunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.For,
    ast.While,
    ast.Try,
    ast.With,
    ast.ListComp,
    ast.DictComp,
)


def cell_faults(source: str) -> list[str]:
    """What makes a cell thick; `display(...)` and calls are fine."""
    tree = ast.parse(source)
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in (alias.name for alias in node.names)
    }
    names |= {
        (node.module or "").split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    odd = [type(node).__name__ for node in ast.walk(tree) if isinstance(node, HEAVY_NODES)]
    long = ["more than 8 lines"] * (len(source.strip().splitlines()) > 8)
    return [*odd, *sorted(names - {"cxtools", "datetime"}), *long]


def test_every_folder_of_tests_is_run() -> None:
    """
    They are named one by one, the proofs first; a new one must not be forgotten. Those that need
    environments of their own have a target of their own.
    """
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    by_target = set(re.findall(r"pytest .*(tests/\w+)$", makefile, re.MULTILINE))
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = settings["tool"]["pytest"]["testpaths"]
    folders = {str(file.parent.relative_to(ROOT)) for file in (ROOT / "tests").rglob("test_*.py")}

    assert folders - by_target <= set(named)
    assert "cxtools" in named
