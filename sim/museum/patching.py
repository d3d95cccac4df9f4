"""Puts a deliberate bug into running code, and takes it out again. Production files are never touched.

A bug is one or more *edits* of the source text of named functions. The edited text is compiled in the module's own
namespace and its code object put into the existing function, so that every place that already imported the function
has the bug too. A text that is not there exactly once, or a function that is gone, is an error: somebody changed the
code, and the exhibit must be looked at anew.
"""

import contextlib
import importlib
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any


class ExhibitError(LookupError):
    """A bug no longer fits the code: names bug, function and text."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One wrong line. ``where``: ``module:function`` or ``module:Class.method``; ``old`` stands there exactly once."""

    where: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Constant:
    """One wrong number: ``where`` is ``module:NAME``; every module that imported the name gets it too."""

    where: str
    value: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """A function whose code is swapped for the new one while the bug is in."""

    function: FunctionType
    code: CodeType


def edited(edit_list: Sequence[Edit]) -> Replaced:
    """The function of these edits (all of one function) and its wrong code. Raises ExhibitError."""
    where = edit_list[0].where
    function = _function(where)
    source = textwrap.dedent(inspect.getsource(function))
    for edit in edit_list:
        times = source.count(edit.old)
        if times != 1:
            raise ExhibitError(
                f"{where}: expected once, found {times} times: {edit.old!r}. The code was changed: see whether the bug "
                "is still possible, and write the exhibit anew"
            )
        source = source.replace(edit.old, edit.new)
    module = importlib.import_module(where.partition(":")[0])
    space: dict[str, Any] = {}
    # compiled as a method of nothing: no function edited here uses super(), which would need its class's cell
    exec(compile(source, inspect.getsourcefile(function) or where, "exec"), vars(module) | {}, space)
    made = space[function.__name__]
    made = getattr(made, "__func__", made)
    if made.__code__.co_freevars != function.__code__.co_freevars:
        raise ExhibitError(f"{where}: uses names of an enclosing scope; choose another function")
    if _same(made.__code__, function.__code__):
        raise ExhibitError(f"{where}: the edit changes nothing")
    return Replaced(function, made.__code__)


@contextlib.contextmanager
def applied(parts: Sequence[Edit | Constant]) -> Iterator[None]:
    """The bug is in while this lasts. Nothing is left behind, whatever happens inside."""
    by_function: dict[str, list[Edit]] = {}
    constants = [part for part in parts if isinstance(part, Constant)]
    for part in parts:
        if isinstance(part, Edit):
            by_function.setdefault(part.where, []).append(part)
    swaps = [edited(edits) for edits in by_function.values()]
    places = [(module, name, value) for constant in constants for module, name, value in _holders(constant)]
    before = [(swap.function, swap.function.__code__, dict(swap.function.__dict__)) for swap in swaps]
    kept = [(module, name, getattr(module, name)) for module, name, _ in places]
    try:
        for swap in swaps:
            swap.function.__code__ = swap.code
        for module, name, value in places:
            setattr(module, name, value)
        yield
    finally:
        for function, code, attributes in before:
            function.__code__ = code
            function.__dict__.clear()
            function.__dict__.update(attributes)
        for module, name, value in kept:
            setattr(module, name, value)


def _same(one: CodeType, other: CodeType) -> bool:
    """Whether two code objects do the same, wherever their lines stand."""
    if (one.co_code, one.co_names, len(one.co_consts)) != (other.co_code, other.co_names, len(other.co_consts)):
        return False
    for left, right in zip(one.co_consts, other.co_consts, strict=True):
        if isinstance(left, CodeType) and isinstance(right, CodeType):
            if not _same(left, right):
                return False
        elif left != right:
            return False
    return True


def _function(where: str) -> FunctionType:
    module_name, _, path = where.partition(":")
    found: Any = importlib.import_module(module_name)
    for name in path.split("."):
        if isinstance(found, type):
            found = inspect.getattr_static(found, name, None)
            found = getattr(found, "__func__", found)
        else:
            found = getattr(found, name, None)
        if found is None:
            raise ExhibitError(f"{where}: no longer there; find out where its rule lives, and write the exhibit anew")
    if not isinstance(found, FunctionType):
        raise ExhibitError(f"{where}: expected a function, was {type(found).__name__}")
    return found


def _holders(constant: Constant) -> list[tuple[Any, str, int]]:
    """Every module of ours that has this name with this value. A function that bound it as default is not found."""
    import sys

    module_name, _, name = constant.where.partition(":")
    home = importlib.import_module(module_name)
    if not hasattr(home, name):
        raise ExhibitError(f"{constant.where}: no longer there")
    was = getattr(home, name)
    if was == constant.value:
        raise ExhibitError(f"{constant.where}: is {was} already, the exhibit changes nothing")
    ours = [
        module
        for key, module in sorted(sys.modules.items())
        if key.partition(".")[0] in ("lane", "devices", "sim", "vision") and vars(module).get(name) == was
    ]
    return [(module, name, constant.value) for module in ours]
