"""Rewrites loops over `range(…)` in a function so that their bodies are functions, which can be recorded.

for i in range(n):                 def body(i):
    state = f(state, x[i])             nonlocal state
    states.append(state)               state = f(state, x[i])
                                       states.append(state)
                                   loop(body, ("state",), ("states",), "i", n)

[f(x[i]) for i in range(n)]        list_of(lambda i: f(x[i]), n)
"""

from __future__ import annotations

import ast
import linecache
from collections import Counter
from collections.abc import Iterator
from types import CodeType
from typing import TypeGuard

LOOP, LIST = "_tracejet_symbolic_loop", "_tracejet_symbolic_list"
_BODY, _INDEX = "_tracejet_loop_body", "_tracejet_loop_index"

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
#: What a body can't do as a function of its own.
_BOUND_TO_THE_FUNCTION = (
    *(ast.Return, ast.Yield, ast.YieldFrom, ast.Await, ast.Delete, ast.Global, ast.Nonlocal, ast.Try),
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.AsyncFor, ast.AsyncWith),
)
_FRAME_NAMES = frozenset({"super", "locals", "vars", "dir", "eval", "exec"})


def with_loops_as_calls(code: CodeType, lines: frozenset[int]) -> CodeType | None:
    """The code with its loops over a range on these lines going through `LOOP` and `LIST`; None where none can."""
    try:
        module = ast.parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return None
    definition = next((node for node in ast.walk(module) if _may_be_of(node, code)), None)
    if definition is None or not _says_the_same(_compiled(module, code), code):
        return None
    rewriter = _Rewriter(lines)
    definition.body = [statement for old in definition.body for statement in rewriter.statements(old)]
    changed = _compiled(module, code) if rewriter.has_changed else None
    return changed if changed is not None and changed.co_freevars == code.co_freevars else None


def _may_be_of(node: ast.AST, code: CodeType) -> TypeGuard[ast.FunctionDef]:
    if not isinstance(node, ast.FunctionDef) or node.name != code.co_name:
        return False
    return code.co_firstlineno == min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _says_the_same(a: CodeType | None, b: CodeType) -> bool:
    """The file may have changed since it was imported, or something else has changed the code."""
    return a is not None and (a.co_code, a.co_names, a.co_varnames) == (b.co_code, b.co_names, b.co_varnames)


def _compiled(module: ast.Module, code: CodeType) -> CodeType | None:
    """The code of the function in this module that is where `code` is."""
    try:
        compiled = compile(ast.fix_missing_locations(module), code.co_filename, "exec", dont_inherit=True)
    except SyntaxError:
        return None
    place = code.co_name, code.co_firstlineno
    return next((each for each in _codes_in(compiled) if (each.co_name, each.co_firstlineno) == place), None)


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes_in(constant)


class _Rewriter(ast.NodeTransformer):
    """Leaves functions inside of the function alone, which have code of their own."""

    def __init__(self, lines: frozenset[int]):
        self._lines = lines
        self.has_changed = False

    def statements(self, statement: ast.stmt) -> list[ast.stmt]:
        result = self.visit(statement)
        return result if isinstance(result, list) else [result]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        if node.orelse or not self._is_range(node.iter) or not isinstance(node.target, ast.Name):
            return node
        if not all(_can_be_moved(statement) for statement in node.body):
            return node
        self.has_changed = True
        names = sorted({node.target.id}.union(*(_names_bound_in(statement) for statement in node.body)))
        template = ast.parse(
            f"if False:\n    {' = '.join(names)} = None\n"  # so that they are variables of the function in any case
            f"def {_BODY}({_INDEX}):\n    nonlocal {', '.join(names)}\n    {node.target.id} = {_INDEX}\n"
            f"{LOOP}({_BODY}, {tuple(names)!r}, {_only_appended_in(node.body)!r}, {node.target.id!r})"
        )
        declared, body, call = (ast.copy_location(statement, node) for statement in template.body)
        for part in (*ast.walk(declared), *ast.walk(body), *ast.walk(call)):
            if hasattr(part, "lineno"):
                ast.copy_location(part, node)
        assert isinstance(body, ast.FunctionDef)
        assert isinstance(call, ast.Expr)
        assert isinstance(call.value, ast.Call)
        assert isinstance(node.iter, ast.Call)
        body.body += node.body
        call.value.args += node.iter.args
        return [declared, body, call]

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        self.generic_visit(node)
        [first, *others] = node.generators
        if others or first.ifs or first.is_async or not self._is_range(first.iter):
            return node
        if not isinstance(first.target, ast.Name) or not _can_be_moved(node.elt) or _names_bound_in(node.elt):
            return node
        self.has_changed = True
        assert isinstance(first.iter, ast.Call)
        call = ast.parse(f"{LIST}(lambda {first.target.id}: None)", mode="eval").body
        for part in ast.walk(call):
            if hasattr(part, "lineno"):
                ast.copy_location(part, node)
        assert isinstance(call, ast.Call)
        assert isinstance(call.args[0], ast.Lambda)
        call.args[0].body = node.elt
        call.args += first.iter.args
        return call

    def _is_range(self, iterated: ast.expr) -> bool:
        return (
            isinstance(iterated, ast.Call)
            and isinstance(iterated.func, ast.Name)
            and iterated.func.id == "range"
            and not iterated.keywords
            and not any(isinstance(argument, ast.Starred) for argument in iterated.args)
            and not self._lines.isdisjoint(range(iterated.lineno, (iterated.end_lineno or iterated.lineno) + 1))
        )


def _can_be_moved(node: ast.AST, in_inner_loop: bool = False) -> bool:
    """Whether it does the same in a function inside of the function."""
    if isinstance(node, _BOUND_TO_THE_FUNCTION):
        return False
    if isinstance(node, (ast.Break, ast.Continue)):
        return in_inner_loop
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return False
    if isinstance(node, ast.Name) and node.id in _FRAME_NAMES:
        return False
    is_loop = in_inner_loop or isinstance(node, (ast.For, ast.While))
    return all(_can_be_moved(child, is_loop) for child in ast.iter_child_nodes(node))


def _only_appended_in(statements: list[ast.stmt]) -> tuple[str, ...]:
    """Variables of which the statements want nothing but `.append(…)`."""
    uses: Counter[str] = Counter()
    for node in (part for statement in statements for part in ast.walk(statement)):
        if isinstance(node, ast.Name):
            uses[node.id] += 1
        method = node.func if isinstance(node, ast.Call) else None
        if isinstance(method, ast.Attribute) and method.attr == "append" and isinstance(method.value, ast.Name):
            uses[method.value.id] -= 1
    return tuple(sorted(name for name, others in uses.items() if others == 0))


def _names_bound_in(node: ast.AST, in_comprehension: bool = False) -> set[str]:
    if isinstance(node, ast.Lambda):
        return set()
    if isinstance(node, ast.NamedExpr):
        return {node.target.id} | _names_bound_in(node.value, in_comprehension)
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Store) and not in_comprehension else set()
    inside = in_comprehension or isinstance(node, _COMPREHENSIONS)
    return set().union(*(_names_bound_in(child, inside) for child in ast.iter_child_nodes(node)))
