"""tools/check_private_torch.py finds what of PyTorch's private names is used elsewhere than where it may be."""

from __future__ import annotations

import pytest

from tools.check_private_torch import check_private_attributes, check_private_names


@pytest.mark.parametrize(
    "line",
    [
        "from torch._ops import OpOverload",
        "from torch.fx.graph import _Namespace",
        "import torch._dynamo",
        "x = torch._sym_cos",
        "def f(): return torch.fx._compat.y(1)",
    ],
)
def test_private_names_of_pytorch_have_their_places(tree, line):
    tree.write("python/tracejet/export/compat/run.py", f"{line}\n")
    tree.write("python/tracejet/README.md", "| [patches](patches) | a |\n")
    tree.write("python/tracejet/patches/cuda.py", f"{line}\n")
    tree.write("python/tracejet/api/plain.py", "import torch\nfrom torch.utils import _pytree\ntorch._check(True)\n")
    assert check_private_names(tree.root) == []
    tree.write("python/tracejet/api/run.py", f"{line}\n")
    (breach,) = check_private_names(tree.root)
    assert breach.startswith("python/tracejet/api/run.py:1: uses torch.") and "private" in breach


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("op._schema.is_mutable", "_schema"),
        ("module._forward_pre_hooks.clear()", "_forward_pre_hooks"),
        ("module.graph._codegen.pytree_info", "_codegen"),
        ("tensor.untyped_storage()._cdata", "_cdata"),
        ("pytree._get_node_type(op)", "_get_node_type"),
        ("self._graph_module", "_graph_module"),
        ("op._cached = 1", "_cached"),
        ('getattr(op, "_schema", None)', "_schema"),
        ('setattr(op, "_schema", None)', "_schema"),
        ('operator.attrgetter("graph._codegen")', "_codegen"),
        ('attrgetter("name", "_version")', "_version"),
        ('methodcaller("_walk")', "_walk"),
    ],
)
def test_private_attributes_of_others_have_their_places(tree, line, name):
    tree.write("python/tracejet/export/compat/run.py", f"{line}\n")
    tree.write("python/tracejet/patches/cuda.py", f"class Own:\n    {name} = 1\n\n\n{line}\n")
    assert check_private_attributes(tree.root) == []
    tree.write("python/tracejet/api/run.py", f"\ndef f(self, op):\n    {line}\n")
    assert check_private_attributes(tree.root) == [
        f"python/tracejet/api/run.py:3: uses {name} of an object that isn't the project's: only "
        "python/tracejet/patches/ and python/tracejet/export/compat/ may"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "other._in_body + other._annotated + other._slot + other._by_self + other._method() + other._Nested",
        'getattr(other, "_in_body")',
        "self._by_self",
        "self.__dict__ and other.__class__",
        "pair._replace(a=1)._asdict()",
        "sys._getframe(1)",
        'getattr(other, "public")',
        "getattr(other, name)",
        "getattr()",
    ],
)
def test_attributes_of_own_classes_and_public_ones_are_for_all(tree, line):
    tree.write(
        "python/tracejet/api/own.py",
        "class Own:\n    __slots__ = ('_slot',)\n    _in_body = 1\n    _annotated: int\n\n    class _Nested: ...\n\n"
        "    def _method(self):\n        self._by_self, _ = 1, 2\n",
    )
    tree.write("python/tracejet/api/run.py", f"{line}\n")
    assert check_private_attributes(tree.root) == []


def test_no_attribute_is_ones_own_for_being_set_on_another(tree):
    tree.write("python/tracejet/api/run.py", "_schema = 1\nop._schema = 1\n")
    (breach,) = check_private_attributes(tree.root)
    assert breach.startswith("python/tracejet/api/run.py:2: uses _schema ")
