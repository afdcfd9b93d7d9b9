"""What no linter says about the layout: every module speaks, names are one word and occur once."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from catnet_controller import errors

ROOT = Path(errors.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_in_its_first_line_what_is_inside(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "open with one line: what is in here"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_holds_its_line_and_hardly_more(path: Path) -> None:
    if path.name == "__init__.py":
        statements = ast.parse(path.read_text(encoding="utf-8")).body
        assert not any(isinstance(one, ast.ClassDef) for one in statements)


def test_a_module_is_one_word_and_occurs_once() -> None:
    names = [path.stem for path in MODULES if not path.stem.startswith("__")]
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+", name)] == []
    assert [name for name, times in Counter(names).items() if times > 1] == []


def leaves(kind: type[errors.CatnetError]) -> Iterator[type[errors.CatnetError]]:
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from leaves(below) if below.__subclasses__() else [below]


LEAVES = [leaf for kind in errors.KINDS for leaf in leaves(kind)]


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: error.__name__)
def test_an_error_has_a_code_and_says_what_is_done_next(error: type[errors.CatnetError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code)
    assert error.default_next_step.endswith(".")
    assert error.__doc__


def test_codes_of_errors_are_unique() -> None:
    codes = [leaf.code for leaf in LEAVES]
    assert len(codes) > 20
    assert len(set(codes)) == len(codes)


def test_every_error_is_of_one_kind() -> None:
    for leaf in LEAVES:
        assert sum(issubclass(leaf, kind) for kind in errors.KINDS) == 1
