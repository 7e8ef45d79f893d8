"""The examples of all docstrings and of docs/python.md work, and everything public has one."""

import doctest
import inspect
import re
import types

import pytest

import townsend
from conftest import REPOSITORY

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def public():
    """Names and objects that have docstrings of townsend's own."""
    for name in townsend.__all__:
        of = getattr(townsend, name)
        if name.startswith("_") or (isinstance(of, type) and issubclass(of, Exception)):
            continue
        yield name, of
        if isinstance(of, type):
            yield from ((f"{name}.{member}", getattr(of, member)) for member in vars(of) if member[0] != "_")


def runs(name, text):
    test = doctest.DocTestParser().get_doctest(text, {"townsend": townsend}, name, name, 0)
    out = []
    results = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=out.append)
    assert results.failed == 0, "".join(out)
    return results.attempted


@pytest.mark.filterwarnings("ignore::townsend.Warning")
@pytest.mark.parametrize("name, of", list(public()), ids=lambda of: of if isinstance(of, str) else "")
def test_docstrings(work, name, of):
    assert of.__doc__ and not of.__doc__.startswith("$"), f"{name} has no docstring"
    assert runs(name, of.__doc__) > 0, f"{name} has no example"


def test_every_function_says_its_arguments():
    for name, of in public():
        if isinstance(of, (types.BuiltinFunctionType, types.MethodDescriptorType)):
            assert inspect.signature(of), name


def test_errors_say_what_they_are():
    for name in townsend.__all__:
        of = getattr(townsend, name)
        if isinstance(of, type) and issubclass(of, Exception):
            assert of.__doc__ and of.__module__ == "townsend", name


@pytest.mark.filterwarnings("ignore::townsend.Warning")
def test_the_page(work):
    page = (REPOSITORY / "docs/python.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) > 8
    names = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    for name in townsend.__all__:
        if not name.startswith("_"):
            assert re.search(rf"\b{name}\b", page), f"docs/python.md does not name {name}"
