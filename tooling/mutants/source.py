"""The mutants of the library's modules: edits of their text, which keep every line at its number.

A mutant belongs to a function, or to the code of a module outside of functions: tables, classes, defaults.
Messages, types, docstrings and `__all__` have none.
"""

from __future__ import annotations

import ast
import hashlib
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOURCE: Final = ROOT / "src" / "wsproto"
MODULES: Final = {path.stem: path for path in sorted(SOURCE.glob("*.py")) if path.stem != "typing"}
"""Those with mutants; `typing` holds types alone."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef
# fmt: off
_COMPARED: Final = {
    ast.Lt: (b"<", b"<="), ast.LtE: (b"<=", b"<"), ast.Gt: (b">", b">="), ast.GtE: (b">=", b">"),
    ast.Eq: (b"==", b"!="), ast.NotEq: (b"!=", b"=="), ast.Is: (b"is", b"is not"),
    ast.IsNot: (b"is not", b"is"), ast.In: (b"in", b"not in"), ast.NotIn: (b"not in", b"in"),
}
_COMPUTED: Final = {
    ast.Add: (b"+", b"-"), ast.Sub: (b"-", b"+"), ast.Mult: (b"*", b"//"), ast.FloorDiv: (b"//", b"*"),
    ast.Mod: (b"%", b"+"), ast.Pow: (b"**", b"*"), ast.LShift: (b"<<", b">>"), ast.RShift: (b">>", b"<<"),
    ast.BitAnd: (b"&", b"|"), ast.BitOr: (b"|", b"&"), ast.BitXor: (b"^", b"&"),
}
# fmt: on
_IN_PLACE: Final[dict[type[ast.AST], bytes]] = {
    ast.Raise: b"pass",
    ast.Delete: b"pass",
    ast.Break: b"continue",
    ast.Continue: b"break",
}
_NAMES: Final = {"min": b"max", "max": b"min", "any": b"all", "all": b"any", "lower": b"upper"}
_MAKES_ERROR: Final = re.compile(r"(Error|Failed)$|^refused$|_too_big$")
_IS_TEXT: Final = re.compile(r"[A-Za-z},:] [A-Za-z({]|: $|^ [a-z]+ $")


class Mutant(NamedTuple):
    """One edit of a module."""

    function: str
    """Module and qualified name; the module alone for what is outside of functions."""
    name: str
    """Its lines before and after, distinct within the function."""
    begins: int
    """The line where its function does, decorators included; nothing for what is outside of functions."""
    lines: range
    """Those of the statement up to the edit; tests that reach none of them cannot notice it."""
    start: int
    stop: int
    text: bytes
    """It stands in place of the bytes from `start` to `stop`."""

    @property
    def module(self) -> str:
        """The name of the module."""
        return self.function.partition(".")[0]

    def source(self) -> bytes:
        """Return the text of the module with this edit."""
        source = MODULES[self.module].read_bytes()
        return source[: self.start] + self.text + source[self.stop :]


class Function(NamedTuple):
    """A function of the library, or the code of a module outside of functions."""

    name: str
    content: str
    """A hash of its text."""
    mutants: list[Mutant]


def functions_of(module: str, source: bytes | None = None) -> list[Function]:
    """Return the functions of a module with all their mutants, first the code outside of functions."""
    source = MODULES[module].read_bytes() if source is None else source
    tree = ast.parse(source)
    return [
        _function(module, source, [tree], begins=0),
        *(
            _function(
                name, source, node.body, begins=min(each.lineno for each in (node, *node.decorator_list))
            )
            for name, node in _functions_in(tree, f"{module}.")
        ),
    ]


def _functions_in(node: ast.AST, prefix: str) -> Iterator[tuple[str, _Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _functions_in(child, f"{prefix}{child.name}.")


def _function(name: str, source: bytes, body: Sequence[ast.AST], *, begins: int) -> Function:
    finder = _Finder(source, outside=not begins)
    for node in body:
        finder.visit(node)
    lines = source.split(b"\n")
    names: dict[str, int] = {}
    mutants = []
    for first, start, stop, text in sorted(set(finder.edits)):
        begin = source.rfind(b"\n", 0, start) + 1
        end = (source + b"\n").index(b"\n", stop)
        edit = source[begin:start] + text + source[stop:end]
        mutated = " -> ".join(b" ".join(line.split()).decode() for line in (source[begin:end], edit))
        names[mutated] = names.get(mutated, 0) + 1
        number = f" ({names[mutated]})" if names[mutated] > 1 else ""
        last = source.count(b"\n", 0, start) + 1
        lines_before = range(min(first, last), last + 1)
        mutants.append(Mutant(name, mutated + number, begins, lines_before, start, stop, text))
    content = b"".join(lines[number - 1] for number in sorted(finder.lines))
    return Function(name, hashlib.sha256(content).hexdigest()[:12], mutants)


class _Finder(ast.NodeVisitor):
    """Finds the edits of a function's body, or of all that is `outside` of functions."""

    def __init__(self, source: bytes, *, outside: bool) -> None:
        self._source = source
        self._outside = outside
        self._starts = [0, *(match.end() for match in re.finditer(rb"\n", source))]
        self._statement = 0
        self._in_error = False
        self.edits: list[tuple[int, int, int, bytes]] = []
        self.lines: set[int] = set()

    def _span(self, node: Any) -> tuple[int, int]:
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def _edit(self, start: int, stop: int, text: bytes) -> None:
        lost = self._source.count(b"\n", start, stop) - text.count(b"\n")
        self.edits.append((self._statement, start, stop, text + b"\n" * lost))

    def _swap(self, left: ast.expr | ast.stmt, right: ast.expr, pair: tuple[bytes, bytes]) -> None:
        """Replace the operator between two operands."""
        start, stop = self._span(left)[1], self._span(right)[0]
        at = self._source.index(pair[0], start, stop)
        self._edit(at, at + len(pair[0]), pair[1])

    def _negate(self, test: ast.expr) -> None:
        """Negate a condition; comparisons and `not` have edits of their own."""
        if isinstance(test, ast.BoolOp):
            for value in test.values:
                self._negate(value)
        elif not isinstance(test, (ast.Compare, ast.UnaryOp, ast.Constant)):
            start, stop = self._span(test)
            self._edit(start, stop, b"(not (%b))" % self._source[start:stop])

    def _drop(self, spans: list[tuple[int, int]], index: int) -> None:
        """Leave out one of several things between commas."""
        if index:
            self._edit(spans[index - 1][1], spans[index][1], b"")
        elif len(spans) > 1:
            self._edit(spans[0][0], spans[1][0], b"")

    def _drop_each(self, node: ast.expr) -> None:
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            for element in node.elts:
                one, whole = self._span(element), self._span(node)
                self._edit(*whole, b"(%b,)" % self._source[slice(*one)])
        elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            for index in range(len(node.elts)):
                self._drop([self._span(element) for element in node.elts], index)

    def generic_visit(self, node: ast.AST) -> None:
        """Go on below; types stay as they are."""
        if isinstance(node, ast.stmt):
            self._statement = node.lineno
            within = self._outside and isinstance(node, (_Function, ast.ClassDef))
            end = node.body[0].lineno - 1 if within else node.end_lineno  # type: ignore[attr-defined]
            self.lines.update(range(node.lineno, (end or node.lineno) + 1))
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "target", "targets", "type_params", "bases"}:
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    self.visit(child)
        if type(node) in _IN_PLACE:
            self._edit(*self._span(node), _IN_PLACE[type(node)])

    def visit_FunctionDef(self, node: _Function) -> None:
        """Outside of functions, decorators and defaults."""
        if not self._outside:
            self.generic_visit(node)
            return
        self._statement = node.lineno
        for child in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(child)
            self.lines.update(range(child.lineno, (child.end_lineno or 0) + 1))

    def visit_Expr(self, node: ast.Expr) -> None:
        """Leave a call out; a docstring is no code."""
        if isinstance(node.value, ast.Constant):
            return
        self.generic_visit(node)
        self._edit(*self._span(node), b"pass")

    def visit_Return(self, node: ast.Return) -> None:
        self.generic_visit(node)
        if node.value is None:
            self._edit(*self._span(node), b"pass")
        elif not isinstance(node.value, (ast.Constant, ast.Compare, ast.BoolOp, ast.UnaryOp)):
            self._edit(*self._span(node.value), b"None")

    def visit_Assign(self, node: ast.Assign | ast.AnnAssign) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        is_type = self._outside and isinstance(node.value, ast.Subscript)
        if node.value is None or is_type or ast.unparse(targets[0]) == "__all__":
            return
        self.generic_visit(node)
        if not self._outside and all(isinstance(each, (ast.Attribute, ast.Subscript)) for each in targets):
            self._edit(*self._span(node), b"pass")

    visit_AnnAssign = visit_Assign  # noqa: N815 - as `ast.NodeVisitor` wants it

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        old, new = _COMPUTED[type(node.op)]
        self._swap(node.target, node.value, (old + b"=", new + b"="))
        self._swap(node.target, node.value, (old + b"=", b"="))

    def visit_If(self, node: ast.If | ast.While | ast.IfExp) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        if isinstance(node, ast.stmt):
            self._statement = node.lineno
        self._negate(node.test)
        self.generic_visit(node)

    visit_While = visit_IfExp = visit_If  # noqa: N815 - the same

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._negate(test)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for (left, right), operator in zip(pairwise([node.left, *node.comparators]), node.ops, strict=True):
            self._swap(left, right, _COMPARED[type(operator)])
            if isinstance(operator, (ast.In, ast.NotIn)) and not self._outside:
                self._drop_each(right)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        pair = (b"and", b"or") if isinstance(node.op, ast.And) else (b"or", b"and")
        for left, right in pairwise(node.values):
            self._swap(left, right, pair)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        start = self._span(node)[0]
        self._edit(start, start + (4 if isinstance(node.op, ast.Not) else 1), b"")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._swap(node.left, node.right, _COMPUTED[type(node.op)])
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.slice, ast.Slice):
            for part in filter(None, (node.slice.lower, node.slice.upper, node.slice.step)):
                self._edit(*self._span(part), b"")
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._statement = node.lineno
        if node.type is not None:
            self._drop_each(node.type)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "TypeVar":
            return
        before, self._in_error = self._in_error, self._in_error or bool(_MAKES_ERROR.search(name))
        spans = [self._span(each) for each in (*node.args, *node.keywords)]
        for index, keyword in enumerate(node.keywords, len(node.args)):
            if keyword.arg is not None:
                self._drop(spans, index) if len(spans) > 1 else self._edit(*spans[0], b"")
        for child in (node.func, *node.args[name == "cast" :], *node.keywords):  # a type comes first
            self.visit(child)
        self._in_error = before

    def visit_Name(self, node: ast.Name | ast.Attribute) -> None:
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in _NAMES:
            stop = self._span(node)[1]
            self._edit(stop - len(name), stop, _NAMES[name])
        self.generic_visit(node)

    visit_Attribute = visit_Name  # noqa: N815 - the same

    def visit_Dict(self, node: ast.Dict) -> None:
        if self._outside:
            spans = [
                (self._span(key)[0] if key else self._span(value)[0] - 2, self._span(value)[1])
                for key, value in zip(node.keys, node.values, strict=True)
            ]
            for index in range(len(spans)):
                self._drop(spans, index)
        self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple | ast.List | ast.Set) -> None:
        if self._outside and isinstance(getattr(node, "ctx", None), (ast.Load, type(None))):
            self._drop_each(node)
        self.generic_visit(node)

    visit_List = visit_Set = visit_Tuple  # noqa: N815 - the same

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Change it as a whole: Python 3.11 does not tell where its parts are."""
        texts = [str(part.value) for part in node.values if isinstance(part, ast.Constant)]
        if not self._in_error and not any(map(_IS_TEXT.search, texts)):
            self._edit(*self._span(node), b'"XX"')

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            changed: object = not value
        elif isinstance(value, int):
            changed = value + 1
        elif isinstance(value, bytes):
            changed = value[:-1] or b"XX"
        elif isinstance(value, str) and not self._in_error and not _IS_TEXT.search(value):
            changed = value[:-1] or "XX"
        else:
            return
        self._edit(*self._span(node), repr(changed).encode())
