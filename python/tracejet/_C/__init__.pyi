"""
The C++ core of tracejet.
"""

from __future__ import annotations

import collections.abc
import typing

import torch

from . import control_flow, symbolic

__all__: list[str] = [
    "CachedEngine",
    "CallSpec",
    "CompileReport",
    "CompileSettings",
    "CompiledPart",
    "ConstraintViolation",
    "DataDependent",
    "DecompositionSet",
    "DecompositionTable",
    "DifferingCall",
    "Dim",
    "Error",
    "ErrorCode",
    "Expression",
    "FallbackCall",
    "FxBuilder",
    "Graph",
    "GraphInput",
    "GraphOutput",
    "InvalidInput",
    "KernelTime",
    "ModelLine",
    "ModelTrace",
    "Node",
    "OnnxInput",
    "OnnxNode",
    "OnnxOutput",
    "OnnxProgram",
    "Operator",
    "ProgramRunner",
    "RefusedCall",
    "Report",
    "ReportedGuard",
    "SavedCompilation",
    "ScriptState",
    "Session",
    "Setting",
    "ShapeError",
    "ShapeProblem",
    "SuggestedDimension",
    "Support",
    "Symbol",
    "Tracer",
    "UnsupportedOperator",
    "Value",
    "Verification",
    "VerificationError",
    "VerifiedOutput",
    "VerifiedRun",
    "VerifyOptions",
    "axes_of",
    "axes_of_input",
    "cached_engines",
    "changed_containers",
    "check_memory",
    "checked_shared_dims",
    "class_seen",
    "clear_engine_cache",
    "control_flow",
    "default_engine",
    "default_engine_cache_dir",
    "device_of",
    "engines",
    "envelope",
    "error_named_in",
    "is_asked_by_model",
    "is_contiguous",
    "is_model_state",
    "is_tracing",
    "load_pt2",
    "memory_overlaps",
    "name_dimensions",
    "node_seen",
    "note_layout_question",
    "note_memory_question",
    "onnx_for_tensorrt",
    "operators",
    "optimized",
    "raise_refusal",
    "register_engine",
    "register_inductor_engine",
    "register_onnx_engine",
    "replace_indexing",
    "restore_indexing",
    "retrace",
    "run_torchscript",
    "save_onnx",
    "save_pt2",
    "set_requires_cuda_init",
    "settings_table",
    "suggested_attributes",
    "support",
    "symbolic",
    "unregister_engine",
    "verify",
]

class ErrorCode:
    """
    What went wrong, one of a closed set, each with a section in docs.

    Members:

      ERROR

      INTERNAL_ERROR

      UNREADABLE_FILE

      UNWRITABLE_FILE

      MISSING_PACKAGE

      ENGINE_FAILURE

      PYTORCH_REFUSAL

      FOREIGN_TRACE

      SIZE_ARITHMETIC

      ENGINE_CACHE

      INVALIDINPUT

      INPUT_DECLARATION

      DYNAMIC_SHAPES

      MODEL_ARGUMENTS

      NOT_A_MODULE

      UNSUPPORTED_ARGUMENT

      PROGRAM_RESULT

      CALL_ARGUMENTS

      INPUT_MISMATCH

      GUARD_VIOLATION

      RUNTIME_ASSERTION

      SHARED_MEMORY

      INVALID_SETTING

      ENGINE_SETTING

      UNKNOWN_ENGINE

      ENGINE_DEFINITION

      DECOMPOSITION_TABLE

      VERIFY_INPUTS

      OTHER_PROGRAM

      WEIGHTS_CHANGED

      DIVISION_BY_ZERO

      COMMAND_LINE

      MODEL_REPOSITORY

      UNSUPPORTEDOPERATOR

      ENGINE_REFUSAL

      PLAIN_NUMBER

      FAKE_IMPLEMENTATION

      TENSOR_LAYOUT

      IN_PLACE_WRITE

      MODEL_STATE

      CONTROL_FLOW

      SIZE_LOOP

      TORCHSCRIPT

      FILE_CONTENT

      COLLECTIVE

      TRAINING

      REPLACEMENT

      TRITON_KERNEL

      RANDOM_GENERATOR

      RETURNED_VIEW

      SHAPEERROR

      DEVICE_MISMATCH

      CONSTRAINTVIOLATION

      DATADEPENDENT

      DATA_ACCESS

      VERIFICATIONERROR
    """

    CALL_ARGUMENTS: typing.ClassVar[ErrorCode]
    COLLECTIVE: typing.ClassVar[ErrorCode]
    COMMAND_LINE: typing.ClassVar[ErrorCode]
    CONSTRAINTVIOLATION: typing.ClassVar[ErrorCode]
    CONTROL_FLOW: typing.ClassVar[ErrorCode]
    DATADEPENDENT: typing.ClassVar[ErrorCode]
    DATA_ACCESS: typing.ClassVar[ErrorCode]
    DECOMPOSITION_TABLE: typing.ClassVar[ErrorCode]
    DEVICE_MISMATCH: typing.ClassVar[ErrorCode]
    DIVISION_BY_ZERO: typing.ClassVar[ErrorCode]
    DYNAMIC_SHAPES: typing.ClassVar[ErrorCode]
    ENGINE_CACHE: typing.ClassVar[ErrorCode]
    ENGINE_DEFINITION: typing.ClassVar[ErrorCode]
    ENGINE_FAILURE: typing.ClassVar[ErrorCode]
    ENGINE_REFUSAL: typing.ClassVar[ErrorCode]
    ENGINE_SETTING: typing.ClassVar[ErrorCode]
    ERROR: typing.ClassVar[ErrorCode]
    FAKE_IMPLEMENTATION: typing.ClassVar[ErrorCode]
    FILE_CONTENT: typing.ClassVar[ErrorCode]
    FOREIGN_TRACE: typing.ClassVar[ErrorCode]
    GUARD_VIOLATION: typing.ClassVar[ErrorCode]
    INPUT_DECLARATION: typing.ClassVar[ErrorCode]
    INPUT_MISMATCH: typing.ClassVar[ErrorCode]
    INTERNAL_ERROR: typing.ClassVar[ErrorCode]
    INVALIDINPUT: typing.ClassVar[ErrorCode]
    INVALID_SETTING: typing.ClassVar[ErrorCode]
    IN_PLACE_WRITE: typing.ClassVar[ErrorCode]
    MISSING_PACKAGE: typing.ClassVar[ErrorCode]
    MODEL_ARGUMENTS: typing.ClassVar[ErrorCode]
    MODEL_REPOSITORY: typing.ClassVar[ErrorCode]
    MODEL_STATE: typing.ClassVar[ErrorCode]
    NOT_A_MODULE: typing.ClassVar[ErrorCode]
    OTHER_PROGRAM: typing.ClassVar[ErrorCode]
    PLAIN_NUMBER: typing.ClassVar[ErrorCode]
    PROGRAM_RESULT: typing.ClassVar[ErrorCode]
    PYTORCH_REFUSAL: typing.ClassVar[ErrorCode]
    RANDOM_GENERATOR: typing.ClassVar[ErrorCode]
    REPLACEMENT: typing.ClassVar[ErrorCode]
    RETURNED_VIEW: typing.ClassVar[ErrorCode]
    RUNTIME_ASSERTION: typing.ClassVar[ErrorCode]
    SHAPEERROR: typing.ClassVar[ErrorCode]
    SHARED_MEMORY: typing.ClassVar[ErrorCode]
    SIZE_ARITHMETIC: typing.ClassVar[ErrorCode]
    SIZE_LOOP: typing.ClassVar[ErrorCode]
    TENSOR_LAYOUT: typing.ClassVar[ErrorCode]
    TORCHSCRIPT: typing.ClassVar[ErrorCode]
    TRAINING: typing.ClassVar[ErrorCode]
    TRITON_KERNEL: typing.ClassVar[ErrorCode]
    UNKNOWN_ENGINE: typing.ClassVar[ErrorCode]
    UNREADABLE_FILE: typing.ClassVar[ErrorCode]
    UNSUPPORTEDOPERATOR: typing.ClassVar[ErrorCode]
    UNSUPPORTED_ARGUMENT: typing.ClassVar[ErrorCode]
    UNWRITABLE_FILE: typing.ClassVar[ErrorCode]
    VERIFICATIONERROR: typing.ClassVar[ErrorCode]
    VERIFY_INPUTS: typing.ClassVar[ErrorCode]
    WEIGHTS_CHANGED: typing.ClassVar[ErrorCode]
    __members__: typing.ClassVar[dict[str, ErrorCode]]
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: int) -> None: ...
    def __int__(self) -> int: ...
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: int) -> None: ...
    def __str__(self) -> str: ...
    @property
    def anchor(self) -> str: ...
    @property
    def help(self) -> str:
        """
        The section of the documentation, with cause and fix.
        """
    @property
    def kind(self) -> str:
        """
        The class of errors that have it.
        """
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class Error(RuntimeError):
    """
    Whatever tracejet raises; also what fits none of the others, such as a file that can't be read.

    Causes and fixes: docs/errors.md#error
    """

    code: typing.ClassVar[ErrorCode]
    def __init__(self, message: typing.Any = "", code: ErrorCode | None = None) -> None: ...
    def __str__(self) -> str: ...
    @property
    def help(self) -> str:
        """
        The section of the documentation, with cause and fix.
        """
    @property
    def message(self) -> str:
        """
        What the error says, without the line that names its section.
        """

class InvalidInput(Error):
    """
    An argument contradicts itself or doesn't fit, of trace, of compile, or of a call.

    Causes and fixes: docs/errors.md#invalidinput
    """

    code: typing.ClassVar[ErrorCode]

class UnsupportedOperator(Error):
    """
    A call can't be captured, or an engine can't run it. The message lists all with lines.

    Causes and fixes: docs/errors.md#unsupportedoperator
    """

    code: typing.ClassVar[ErrorCode]

class ShapeError(Error):
    """
    An operator is called with sizes that don't fit each other.

    Causes and fixes: docs/errors.md#shapeerror
    """

    code: typing.ClassVar[ErrorCode]

class ConstraintViolation(Error):
    """
    The model can't take all sizes that were declared. `report` is what `diagnose` gives.

    Causes and fixes: docs/errors.md#constraintviolation
    """

    code: typing.ClassVar[ErrorCode]

class DataDependent(Error):
    """
    The model's Python code needs a value that only exists when the program runs.

    Causes and fixes: docs/errors.md#datadependent
    """

    code: typing.ClassVar[ErrorCode]

class VerificationError(Error):
    """
    What was compiled gives something else than PyTorch's kernels.

    Causes and fixes: docs/errors.md#verificationerror
    """

    code: typing.ClassVar[ErrorCode]

class Symbol:
    """
    A size or number that is known only when the program runs.
    """
    @property
    def backed(self) -> bool:
        """
        False for a data-dependent value, which has no hint.
        """
    @property
    def hint(self) -> int:
        """
        The value of the example that was traced.
        """
    @property
    def id(self) -> int: ...
    @property
    def is_float(self) -> bool:
        """
        A float of data; all others are integers.
        """
    @property
    def max(self) -> typing.Any: ...
    @property
    def min(self) -> typing.Any: ...
    @property
    def name(self) -> str: ...

class Expression:
    """
    A number over symbols, in normal form.
    """
    class Kind:
        """
        The operators of an expression.

        Members:

          CONSTANT

          SYMBOL

          SUM

          PRODUCT

          FLOOR_DIV

          MOD

          POWER

          BIT_AND

          BIT_OR

          BIT_XOR

          SHIFT_LEFT

          SHIFT_RIGHT

          FLOOR

          CEIL

          TRUNCATE

          ROUND

          FROM_BOOL

          MIN

          MAX

          SELECT

          TO_FLOAT

          ADD

          SUBTRACT

          MULTIPLY

          TRUE_DIV

          FLOAT_POWER

          FLOAT_MOD

          ROUND_DIGITS

          SQRT

          COS

          COSH

          SIN

          SINH

          TAN

          TANH

          ASIN

          ACOS

          ATAN

          LOG2

          EQUAL

          NOT_EQUAL

          LESS

          LESS_EQUAL

          AND

          OR

          NOT
        """

        ACOS: typing.ClassVar[Expression.Kind]
        ADD: typing.ClassVar[Expression.Kind]
        AND: typing.ClassVar[Expression.Kind]
        ASIN: typing.ClassVar[Expression.Kind]
        ATAN: typing.ClassVar[Expression.Kind]
        BIT_AND: typing.ClassVar[Expression.Kind]
        BIT_OR: typing.ClassVar[Expression.Kind]
        BIT_XOR: typing.ClassVar[Expression.Kind]
        CEIL: typing.ClassVar[Expression.Kind]
        CONSTANT: typing.ClassVar[Expression.Kind]
        COS: typing.ClassVar[Expression.Kind]
        COSH: typing.ClassVar[Expression.Kind]
        EQUAL: typing.ClassVar[Expression.Kind]
        FLOAT_MOD: typing.ClassVar[Expression.Kind]
        FLOAT_POWER: typing.ClassVar[Expression.Kind]
        FLOOR: typing.ClassVar[Expression.Kind]
        FLOOR_DIV: typing.ClassVar[Expression.Kind]
        FROM_BOOL: typing.ClassVar[Expression.Kind]
        LESS: typing.ClassVar[Expression.Kind]
        LESS_EQUAL: typing.ClassVar[Expression.Kind]
        LOG2: typing.ClassVar[Expression.Kind]
        MAX: typing.ClassVar[Expression.Kind]
        MIN: typing.ClassVar[Expression.Kind]
        MOD: typing.ClassVar[Expression.Kind]
        MULTIPLY: typing.ClassVar[Expression.Kind]
        NOT: typing.ClassVar[Expression.Kind]
        NOT_EQUAL: typing.ClassVar[Expression.Kind]
        OR: typing.ClassVar[Expression.Kind]
        POWER: typing.ClassVar[Expression.Kind]
        PRODUCT: typing.ClassVar[Expression.Kind]
        ROUND: typing.ClassVar[Expression.Kind]
        ROUND_DIGITS: typing.ClassVar[Expression.Kind]
        SELECT: typing.ClassVar[Expression.Kind]
        SHIFT_LEFT: typing.ClassVar[Expression.Kind]
        SHIFT_RIGHT: typing.ClassVar[Expression.Kind]
        SIN: typing.ClassVar[Expression.Kind]
        SINH: typing.ClassVar[Expression.Kind]
        SQRT: typing.ClassVar[Expression.Kind]
        SUBTRACT: typing.ClassVar[Expression.Kind]
        SUM: typing.ClassVar[Expression.Kind]
        SYMBOL: typing.ClassVar[Expression.Kind]
        TAN: typing.ClassVar[Expression.Kind]
        TANH: typing.ClassVar[Expression.Kind]
        TO_FLOAT: typing.ClassVar[Expression.Kind]
        TRUE_DIV: typing.ClassVar[Expression.Kind]
        TRUNCATE: typing.ClassVar[Expression.Kind]
        __members__: typing.ClassVar[dict[str, Expression.Kind]]
        def __eq__(self, other: typing.Any) -> bool: ...
        def __getstate__(self) -> int: ...
        def __hash__(self) -> int: ...
        def __index__(self) -> int: ...
        def __init__(self, value: int) -> None: ...
        def __int__(self) -> int: ...
        def __ne__(self, other: typing.Any) -> bool: ...
        def __repr__(self) -> str: ...
        def __setstate__(self, state: int) -> None: ...
        def __str__(self) -> str: ...
        @property
        def name(self) -> str: ...
        @property
        def value(self) -> int: ...

    @staticmethod
    def fx_targets() -> dict[Expression.Kind, str]:
        """
        The Python function that stands for each operator in a program.
        """
    @staticmethod
    def sympy_targets() -> dict[Expression.Kind, str]:
        """
        What sympy, or PyTorch's own functions for it, call each operator.
        """
    @staticmethod
    def variadic_kinds() -> set[Expression.Kind]:
        """
        Operators that take any number of operands.
        """
    def __eq__(self, arg0: Expression) -> bool: ...
    def __hash__(self) -> int: ...
    def __str__(self) -> str: ...
    @property
    def coefficient(self) -> int: ...
    @property
    def constant(self) -> typing.Any: ...
    @property
    def hint(self) -> typing.Any:
        """
        The value on the example that was traced; None if data-dependent.
        """
    @property
    def is_float(self) -> bool: ...
    @property
    def is_int(self) -> bool: ...
    @property
    def kind(self) -> Expression.Kind: ...
    @property
    def operands(self) -> list[Expression]: ...
    @property
    def symbol(self) -> Symbol: ...

class Graph:
    """
    A traced program, read-only.
    """
    def __len__(self) -> int: ...
    def __str__(self) -> str: ...
    def count(self, op: str) -> int:
        """
        How many calls of this operator there are.
        """
    @property
    def inputs(self) -> list[GraphInput]: ...
    @property
    def nodes(self) -> list[Node]:
        """
        The calls, in the order of execution.
        """
    @property
    def outputs(self) -> list[GraphOutput]: ...

class Value:
    """
    A tensor, or a number that only exists at run time, in a graph.
    """
    def __repr__(self) -> str: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def id(self) -> int: ...
    @property
    def is_tensor(self) -> bool: ...
    @property
    def shape(self) -> tuple: ...
    @property
    def strides(self) -> tuple: ...

class Node:
    """
    One call of an operator.
    """
    def __repr__(self) -> str: ...
    @property
    def inputs(self) -> list[Value]:
        """
        The values that it reads, in the order of its arguments.
        """
    @property
    def op(self) -> str:
        """
        "aten::add.Tensor"
        """
    @property
    def outputs(self) -> list[Value]: ...
    @property
    def subgraphs(self) -> list[Graph]:
        """
        What an operator of control flow runs.
        """

class GraphInput:
    """
    A parameter, a buffer, a constant or an argument.
    """
    class Kind:
        """
        Members:

          PARAMETER

          BUFFER

          CONSTANT

          USER
        """

        BUFFER: typing.ClassVar[GraphInput.Kind]
        CONSTANT: typing.ClassVar[GraphInput.Kind]
        PARAMETER: typing.ClassVar[GraphInput.Kind]
        USER: typing.ClassVar[GraphInput.Kind]
        __members__: typing.ClassVar[dict[str, GraphInput.Kind]]
        def __eq__(self, other: typing.Any) -> bool: ...
        def __getstate__(self) -> int: ...
        def __hash__(self) -> int: ...
        def __index__(self) -> int: ...
        def __init__(self, value: int) -> None: ...
        def __int__(self) -> int: ...
        def __ne__(self, other: typing.Any) -> bool: ...
        def __repr__(self) -> str: ...
        def __setstate__(self, state: int) -> None: ...
        def __str__(self) -> str: ...
        @property
        def name(self) -> str: ...
        @property
        def value(self) -> int: ...

    @property
    def data(self) -> torch.Tensor | None: ...
    @property
    def kind(self) -> GraphInput.Kind: ...
    @property
    def name(self) -> str: ...
    @property
    def persistent(self) -> bool: ...
    @property
    def value(self) -> Value:
        """
        None: not a tensor.
        """

class GraphOutput:
    """
    What the program returns or writes back.
    """
    class Kind:
        """
        Members:

          USER

          BUFFER_MUTATION

          INPUT_MUTATION
        """

        BUFFER_MUTATION: typing.ClassVar[GraphOutput.Kind]
        INPUT_MUTATION: typing.ClassVar[GraphOutput.Kind]
        USER: typing.ClassVar[GraphOutput.Kind]
        __members__: typing.ClassVar[dict[str, GraphOutput.Kind]]
        def __eq__(self, other: typing.Any) -> bool: ...
        def __getstate__(self) -> int: ...
        def __hash__(self) -> int: ...
        def __index__(self) -> int: ...
        def __init__(self, value: int) -> None: ...
        def __int__(self) -> int: ...
        def __ne__(self, other: typing.Any) -> bool: ...
        def __repr__(self) -> str: ...
        def __setstate__(self, state: int) -> None: ...
        def __str__(self) -> str: ...
        @property
        def name(self) -> str: ...
        @property
        def value(self) -> int: ...

    @property
    def is_computed(self) -> bool:
        """
        Whether running the graph gives a value for it.
        """
    @property
    def kind(self) -> GraphOutput.Kind: ...
    @property
    def target(self) -> int:
        """
        Of a mutation: which input takes the value.
        """
    @property
    def value(self) -> Value:
        """
        None: not a tensor.
        """

class OnnxNode:
    """
    A node of an ONNX model.
    """
    @property
    def inputs(self) -> list[str]: ...
    @property
    def op(self) -> str: ...
    @property
    def outputs(self) -> list[str]: ...

class OnnxInput:
    """
    A tensor that an ONNX model takes when it runs.
    """
    @property
    def axes(self) -> list[str]:
        """
        The size of each axis in words: "batch", "2*batch", "8".
        """
    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def is_used(self) -> bool:
        """
        Whether some output depends on it.
        """
    @property
    def name(self) -> str: ...
    @property
    def sizes(self) -> list:
        """
        (min, opt, max) of each axis; opt and max may be unknown.
        """

class OnnxOutput:
    """
    A tensor that an ONNX model gives.
    """
    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def name(self) -> str: ...
    @property
    def rank(self) -> int:
        """
        How many axes it has.
        """

class OnnxProgram:
    """
    A graph as ONNX, for engines that read it.
    """
    def report(self, refused: collections.abc.Sequence[tuple[int, str]]) -> str:
        """
        What an engine refuses, by ONNX node, in the words of the model.
        """
    def skeleton(self) -> bytes:
        """
        The model's bytes, without its weights: they are initialisers whose data are elsewhere.
        """
    @property
    def checks(self) -> list[str]:
        """
        What to say where such a boolean is false.
        """
    @property
    def inputs(self) -> list[OnnxInput]:
        """
        What it takes when it runs.
        """
    @property
    def nodes(self) -> list[OnnxNode]: ...
    @property
    def outputs(self) -> list[OnnxOutput]:
        """
        Those of the program, then one boolean for each of `checks`.
        """
    @property
    def weights(self) -> list[tuple[str, torch.Tensor]]: ...

class Operator:
    """
    What the table knows of one operator overload.
    """
    @property
    def has_conversion(self) -> bool: ...
    @property
    def has_decomposition(self) -> bool: ...
    @property
    def has_shape_rule(self) -> bool: ...
    @property
    def is_decomposed(self) -> bool:
        """
        In the set "tensorrt".
        """
    @property
    def name(self) -> str: ...

class DecompositionSet:
    """
    Members:

      tensorrt

      core_aten

      none
    """

    __members__: typing.ClassVar[dict[str, DecompositionSet]]
    core_aten: typing.ClassVar[DecompositionSet]
    none: typing.ClassVar[DecompositionSet]
    tensorrt: typing.ClassVar[DecompositionSet]
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: int) -> None: ...
    def __int__(self) -> int: ...
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: int) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class DecompositionTable:
    @staticmethod
    def can_expand(op: str) -> bool: ...
    @typing.overload
    def __init__(self, set: DecompositionSet) -> None: ...
    @typing.overload
    def __init__(self, table: DecompositionTable) -> None: ...
    def __str__(self) -> str: ...
    def decision(self, op: str) -> tuple[str, str]:
        """
        What happens to an operator, and why.
        """
    def expand(self, op: str) -> DecompositionTable: ...
    def expand_attention(self, use_fp32_acc: bool) -> DecompositionTable: ...
    def keep(self, op: str) -> DecompositionTable: ...
    def operators(self) -> list[str]: ...
    def replace(self, op: str, function: collections.abc.Callable, *, why: str, is_slow: bool = False) -> None: ...

class Tracer:
    """
    Records one run of a model on the calling thread.
    """
    @staticmethod
    def current() -> Tracer | None:
        """
        The tracer that listens on this thread, or None.
        """
    def add_buffer(self, name: str, buffer: torch.Tensor, persistent: bool) -> None: ...
    def add_output(self, arg0: typing.Any) -> None: ...
    def add_parameter(self, name: str, parameter: torch.Tensor) -> None: ...
    def enter_module(self, path: str, type: str) -> None: ...
    def exit_module(self) -> None: ...
    def know_index(self, index: int | torch.SymInt, count: int | torch.SymInt) -> None: ...
    def raise_error(self, message: str) -> None:
        """
        Raises the tracer's own exception behind an error of this message, if there is one.
        """
    def rebind_buffer(self, buffer: torch.Tensor, replacement: torch.Tensor) -> None: ...
    def set_replayed(self, stack_trace: str | None) -> None:
        """
        What is traced from here on is the node of another program, of this stack trace.
        """
    def state_dependence_of(self, tensor: torch.Tensor, previous: torch.Tensor | None) -> tuple[bool, bool, bool]:
        """
        Whether `previous` was read, whether `tensor` is computed from it, whether it differs from call to call.
        """
    def unbacked(self, min: int, max: int | None) -> int | torch.SymInt:
        """
        A size that is only known when the program runs.
        """
    @property
    def python_decompositions(self) -> dict[str, int]: ...
    @property
    def python_meta_calls(self) -> dict[str, int]: ...

class ScriptState:
    """
    What the TorchScript modules of one trace have set.
    """
    def __init__(self) -> None: ...

class FxBuilder:
    """
    Writes a Graph as fx nodes; see fx_writer.Writer for its other half.
    """
    def __init__(self, graph: Graph, writer: typing.Any) -> None: ...
    def add_nodes(self, note: typing.Any | None = None) -> None: ...
    def define(self, value: Value, node: typing.Any) -> None: ...
    def node(self, value: Value) -> typing.Any: ...
    def output(self, output: GraphOutput) -> typing.Any: ...
    def value(self, value: Value, requires_grad: bool = False) -> typing.Any:
        """
        The meta['val'] of an input.
        """

class ModelLine:
    """
    A line of the model that asked something of a size.
    """
    @property
    def file(self) -> str: ...
    @property
    def function(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def module_path(self) -> str: ...
    @property
    def module_type(self) -> str: ...
    @property
    def text(self) -> str: ...

class ReportedGuard:
    """
    Something that was assumed of sizes, and what became of it.
    """
    @property
    def condition(self) -> str: ...
    @property
    def lines(self) -> list[ModelLine]: ...
    @property
    def verdict(self) -> str: ...

class ShapeProblem:
    """
    What keeps sizes from varying as declared, or ended the trace.
    """
    @property
    def axes(self) -> list[str]: ...
    @property
    def condition(self) -> str: ...
    @property
    def fix(self) -> str: ...
    @property
    def forces(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def lines(self) -> list[ModelLine]: ...

class SuggestedDimension:
    """
    How a dynamic dimension would have to be declared.
    """
    @property
    def max(self) -> int: ...
    @property
    def min(self) -> int: ...
    @property
    def opt(self) -> int: ...
    @property
    def same_as(self) -> str: ...
    @property
    def traced(self) -> int: ...

class Report:
    """
    Everything that a trace found out about the sizes of its inputs.
    """
    def __str__(self) -> str: ...
    @property
    def guards(self) -> list[ReportedGuard]: ...
    @property
    def problems(self) -> list[ShapeProblem]: ...
    @property
    def suggested_dimensions(self) -> dict[str, SuggestedDimension]: ...

class Dim:
    """
    A dynamic axis. Axes with the same name are one symbol.
    """
    @typing.overload
    def __eq__(self, arg0: Dim) -> bool: ...
    @typing.overload
    def __eq__(self, arg0: typing.Any) -> bool: ...
    def __getstate__(self) -> tuple: ...
    def __hash__(self) -> int: ...
    def __init__(
        self,
        name: str,
        min: int,
        opt: int,
        max: int,
        profiles: collections.abc.Sequence[typing.Annotated[collections.abc.Sequence[int], "FixedSize(3)"]] = [],
    ) -> None: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, arg0: tuple) -> None: ...
    def __str__(self) -> str: ...
    @property
    def max(self) -> int: ...
    @property
    def min(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def opt(self) -> int: ...
    @property
    def profiles(self) -> tuple:
        """
        (min, opt, max) in each optimization profile, if there are any.
        """

class ModelTrace:
    """
    One run of a model under a tracer.
    """
    def add_inputs(self) -> list[torch.Tensor]:
        """
        What forward is to be called with; None where it is a literal.
        """
    def record(self, forward: collections.abc.Callable) -> None:
        """
        Listens while `forward` runs, whose result says by gives_like() whether it is like another trace's.
        """
    @property
    def has_known_sizes(self) -> bool:
        """
        Whether dynamic sizes are numbers, for it is compared with a trace for all sizes.
        """
    @property
    def tracer(self) -> Tracer: ...

class Session:
    """
    One call of `trace` or `diagnose`.
    """
    def __init__(
        self,
        model: typing.Any,
        inputs: list,
        *,
        decompositions: DecompositionTable,
        prefer_deferred_runtime_asserts_over_guards: bool,
        device: torch.device | None,
        check_rules: bool,
    ) -> None: ...
    def is_violated(self) -> bool:
        """
        Whether something keeps sizes from varying as declared.
        """
    def report(self, error: str = "") -> Report:
        """
        Everything that was assumed of sizes. error: what run() has raised, in words.
        """
    def run(self) -> None:
        """
        Traces. Raises what ended the trace.
        """
    @property
    def graph(self) -> Graph: ...
    @property
    def results(self) -> typing.Any:
        """
        What the run that `graph` is of gave to record().
        """
    @property
    def tracer(self) -> Tracer: ...

class Setting:
    """
    What is known of one of the settings of `compile`.
    """
    @property
    def default(self) -> typing.Any: ...
    @property
    def doc(self) -> str: ...
    @property
    def engines_depend(self) -> bool:
        """
        Whether what an engine compiles depends on it, and not only what it is given to compile.
        """
    @property
    def name(self) -> str: ...

class CompileSettings:
    """
    How a program is compiled: the keywords of `compile`. Unknown names and values that are invalid raise InvalidInput.
    """

    __hash__: typing.ClassVar[None] = None  # type: ignore[assignment]
    def __eq__(self, arg0: CompileSettings) -> bool: ...
    def __init__(self, **kwargs: typing.Any) -> None: ...
    def __repr__(self) -> str: ...
    def as_dict(self) -> dict: ...
    @property
    def cache_built_engines(self) -> typing.Any:
        """
        whether what engines compile is kept in the engine cache, for later processes
        """
    @property
    def cache_dir(self) -> typing.Any:
        """
        where engines keep compiled kernels, so that the next process starts faster; empty: nowhere
        """
    @property
    def compute_capabilities(self) -> typing.Any:
        """
        which GPUs TensorRT builds for: "8.6", "8.9", "12.0"; empty for the one at hand, or all where there is none
        """
    @property
    def cuda_graphs(self) -> typing.Any:
        """
        whether what PyTorch's kernels or Inductor run on a GPU is recorded as CUDA graphs and replayed for inputs that are laid out alike
        """
    @property
    def custom_engine_cache(self) -> typing.Any:
        """
        a cache of your own in the place of that folder: a tracejet.BaseEngineCache
        """
    @property
    def disable_tf32(self) -> typing.Any:
        """
        whether TensorRT computes products of float32 without TensorFloat-32
        """
    @property
    def dryrun(self) -> typing.Any:
        """
        only plans: nothing is compiled, and the result has a report but can't be called
        """
    @property
    def effort(self) -> typing.Any:
        """
        how long compiling may look for a faster program: "fast"; "balanced", where Inductor is held against PyTorch's kernels in parts that it promises to make faster; or "max", where it is held against every engine, and looks for the fastest kernels
        """
    @property
    def enable_weight_streaming(self) -> typing.Any:
        """
        whether TensorRT may leave weights in the CPU's memory until they are needed
        """
    @property
    def engine(self) -> typing.Any:
        """
        which engines run the program: "auto" splits it between those that run on its devices, in the order of `engines()`, a list between these (what they don't take is left to PyTorch's kernels), and a single name has that engine run all of it
        """
    @property
    def engine_cache_dir(self) -> typing.Any:
        """
        the folder of the engine cache; empty: tracejet/engines in $XDG_CACHE_HOME, or else in ~/.cache
        """
    @property
    def engine_cache_size(self) -> typing.Any:
        """
        how many bytes the engine cache's folder may hold; beyond that, what was used longest ago goes
        """
    @property
    def hardware_compatible(self) -> typing.Any:
        """
        whether TensorRT's engines also run on later GPUs than they are built for
        """
    @property
    def max_aux_streams(self) -> typing.Any:
        """
        how many streams beside the main one TensorRT may use; -1 for its own choice
        """
    @property
    def max_cuda_graphs(self) -> typing.Any:
        """
        of how many layouts of its inputs a program keeps CUDA graphs; what was called longest ago goes
        """
    @property
    def min_block_size(self) -> typing.Any:
        """
        where the program is split, an engine gets no part of fewer nodes; the next one runs them
        """
    @property
    def num_avg_timing_iters(self) -> typing.Any:
        """
        how often TensorRT times a kernel while building
        """
    @property
    def optimization_level(self) -> typing.Any:
        """
        0 to 5, how long TensorRT looks for faster kernels; -1 for its own default
        """
    @property
    def pass_through_build_failures(self) -> typing.Any:
        """
        whether an engine's failure is an error; otherwise the next engine takes its part, with a BuildWarning
        """
    @property
    def precision(self) -> typing.Any:
        """
        what float32 arithmetic may be done in: torch.float32, torch.bfloat16 or torch.float16
        """
    @property
    def require_full_compilation(self) -> typing.Any:
        """
        whether it is an error where PyTorch's kernels would run a part of the program
        """
    @property
    def reuse_cached_engines(self) -> typing.Any:
        """
        whether what the engine cache has of this very program is used, and not compiled again
        """
    @property
    def runtime_cache_path(self) -> typing.Any:
        """
        a file for the kernels that TensorRT-RTX compiles when a program first runs; empty: none
        """
    @property
    def skipped_passes(self) -> typing.Any:
        """
        passes that aren't run on what goes to PyTorch's kernels, by name; "all" for none of them
        """
    @property
    def sparse_weights(self) -> typing.Any:
        """
        whether TensorRT may use kernels for sparse weights
        """
    @property
    def threads(self) -> typing.Any:
        """
        how many threads a call may use; 0 for as many as PyTorch uses
        """
    @property
    def timing_cache_path(self) -> typing.Any:
        """
        a file for what TensorRT measures while building; empty: none
        """
    @property
    def torch_executed_modules(self) -> typing.Any:
        """
        modules of which PyTorch's kernels run everything: by path ("encoder.layers.0") or class (torch.nn.Linear)
        """
    @property
    def torch_executed_ops(self) -> typing.Any:
        """
        operators that PyTorch's kernels run: "aten.add" or torch.ops.aten.add with all of its overloads, "aten.add.Tensor" for one
        """
    @property
    def use_cuda_graphs(self) -> typing.Any:
        """
        whether TensorRT records calls of equal shapes as CUDA graphs and replays them
        """
    @property
    def verify(self) -> typing.Any:
        """
        whether each part is held against eager's kernels on random inputs before it is used: "off", "warn" (a BuildWarning names the first call that differs), "error" (a VerificationError does) or "repair" (PyTorch's kernels run what an engine gets wrong, with a BuildWarning)
        """
    @property
    def verify_in_child_process(self) -> typing.Any:
        """
        whether a process of its own builds and tries each part first, so that an engine's crash is found like a wrong number
        """
    @property
    def version_compatible(self) -> typing.Any:
        """
        whether TensorRT's engines also run on its later versions
        """
    @property
    def workspace_size(self) -> typing.Any:
        """
        the bytes that a kernel of TensorRT's may take while it runs; 0 for as many as there are
        """

class CachedEngine:
    """
    An entry of an engine cache in a folder.
    """
    @property
    def bytes(self) -> int: ...
    @property
    def engine(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def last_used(self) -> int: ...
    @property
    def nodes(self) -> int: ...
    @property
    def refused(self) -> int: ...
    @property
    def version(self) -> str: ...

class CallSpec:
    """
    How a program is called: what a .pt2 file has beside the graph.
    """
    def __init__(
        self,
        *,
        in_spec: str,
        out_spec: str,
        inputs: list,
        outputs: list,
        argument_names: collections.abc.Sequence[str],
        constant_names: collections.abc.Mapping[str, str],
        namedtuple_fields: collections.abc.Mapping[str, collections.abc.Sequence[str]],
    ) -> None:
        """
        inputs: None for tensors; outputs: ... for what the graph gives.
        """
    @property
    def argument_names(self) -> list[str]: ...
    @property
    def constant_names(self) -> dict[str, str]: ...
    @property
    def in_spec(self) -> str: ...
    @property
    def inputs(self) -> list: ...
    @property
    def out_spec(self) -> str: ...
    @property
    def outputs(self) -> list: ...

class SavedCompilation:
    """
    What a file keeps of a compiled program.
    """
    @property
    def settings(self) -> CompileSettings: ...

class CompiledPart:
    """
    A part of a compiled program, as one engine runs it.
    """
    @property
    def engine(self) -> str: ...
    @property
    def inputs(self) -> list[str]: ...
    @property
    def inside(self) -> str: ...
    @property
    def is_cached(self) -> bool: ...
    @property
    def measured(self) -> str: ...
    @property
    def nodes(self) -> int: ...
    @property
    def outputs(self) -> list[str]: ...
    @property
    def weight_bytes(self) -> int: ...

class FallbackCall:
    """
    A call that doesn't run on the engine that comes first.
    """
    @property
    def engine(self) -> str: ...
    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def op(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def where(self) -> str: ...

class KernelTime:
    """
    What an engine took for one kernel.
    """
    @property
    def calls(self) -> int: ...
    @property
    def kernel(self) -> str: ...
    @property
    def line(self) -> ModelLine: ...
    @property
    def microseconds(self) -> float:
        """
        Of all calls.
        """
    @property
    def operators(self) -> list[str]: ...
    @property
    def part(self) -> int: ...

class CompileReport:
    """
    Which engine runs what of a program.
    """
    def __str__(self) -> str: ...
    @property
    def engines(self) -> str: ...
    @property
    def fallbacks(self) -> list[FallbackCall]: ...
    @property
    def nodes(self) -> int: ...
    @property
    def nodes_on_preferred(self) -> int: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def parts(self) -> list[CompiledPart]: ...
    @property
    def preferred(self) -> str: ...

class ProgramRunner:
    """
    A graph made ready for an engine.
    """
    def __init__(
        self,
        graph: Graph,
        settings: CompileSettings,
        state: collections.abc.Mapping[int, torch.Tensor] = {},
        saved: SavedCompilation | None = None,
    ) -> None: ...
    def kernel_times(self, inputs: collections.abc.Sequence[torch.Tensor], calls: int) -> list[KernelTime]:
        """
        Runs it so often, and says how long the kernels took of those engines that know it.
        """
    def part_graph(self, part: int) -> Graph:
        """
        What one engine runs.
        """
    def refitted(self, graph: Graph, state: collections.abc.Mapping[int, torch.Tensor] = {}) -> ProgramRunner:
        """
        The same program with the weights of another graph.
        """
    def report(self) -> CompileReport:
        """
        Which engine runs what.
        """
    def run(self, inputs: collections.abc.Sequence[torch.Tensor]) -> list:
        """
        Runs on the user's tensors, in their order; gives one object per output of the user: a tensor or a number.
        """
    def save(self, call: CallSpec, source_line: collections.abc.Callable[[str, int], str], path: str) -> None:
        """
        Writes it as a .pt2 file. source_line(file, line): the text of a line, without indentation.
        """
    def warnings(self) -> str:
        """
        The calls that an engine runs otherwise than PyTorch for some data, in words.
        """
    @property
    def notes(self) -> list[str]:
        """
        Engines that failed, settings that had no effect.
        """
    @property
    def settings(self) -> CompileSettings: ...

class RefusedCall:
    """
    A call that an engine can't run.
    """
    @property
    def gives(self) -> list[str]: ...
    @property
    def line(self) -> ModelLine: ...
    @property
    def op(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def takes(self) -> list[str]: ...

class Support:
    """
    Operator-support report: which calls of a graph an engine runs, which not and why.
    """
    @property
    def refused(self) -> list[RefusedCall]: ...
    @property
    def refused_text(self) -> str: ...
    @property
    def taken(self) -> dict[str, int]: ...
    @property
    def warnings(self) -> list[RefusedCall]: ...
    @property
    def warnings_text(self) -> str: ...

class VerifyOptions:
    def __init__(self, *, sizes: collections.abc.Sequence[str], tolerance: float | None, seed: int) -> None: ...

class VerifiedOutput:
    @property
    def absolute_error(self) -> float: ...
    @property
    def is_equal(self) -> bool: ...
    @property
    def name(self) -> str: ...
    @property
    def problem(self) -> str: ...
    @property
    def relative_error(self) -> float: ...

class VerifiedRun:
    @property
    def amplifies_rounding(self) -> bool: ...
    @property
    def dimensions(self) -> list[tuple[str, int]]: ...
    @property
    def failure(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def ok(self) -> bool: ...
    @property
    def outputs(self) -> list[VerifiedOutput]: ...

class DifferingCall:
    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def op(self) -> str: ...
    @property
    def problem(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def where(self) -> str: ...

class Verification:
    def __str__(self) -> str: ...
    @property
    def engine(self) -> str: ...
    @property
    def first(self) -> DifferingCall | None: ...
    @property
    def runs(self) -> list[VerifiedRun]: ...

def axes_of(expression: Expression, tracer: Tracer | None = None) -> str:
    """
    A size in terms of the inputs' axes: "x[0] // 2".
    """

def axes_of_input(value: Value) -> list[tuple[str, int, int, int]]:
    """
    (name, least, usual, greatest) of each axis of a tensor; the name is empty where the size is one number.
    """

def cached_engines(folder: str = "") -> list[CachedEngine]:
    """
    What is in the engine cache of this folder, the latest used first.
    """

def changed_containers(saved: list, is_same: collections.abc.Callable) -> list:
    """
    Those of (container, former content, ...) that don't hold the very objects any more, in the former order. `is_same` tells it of containers other than a dict.
    """

def check_memory(here: str, shape: collections.abc.Sequence[int], dtype: torch.dtype) -> None:
    """
    Raises InvalidInput where there is no dense tensor of numbers of this dtype, or 64 bits don't count its bytes.
    """

def checked_shared_dims(here: str, rank: int, shared_dims: collections.abc.Sequence[tuple[int, str]]) -> dict[int, str]:
    """
    The names of axes, none of them negative.
    """

def class_seen(own: type, for_model: collections.abc.Callable) -> typing.Any:
    """
    `__class__` of symbolic numbers: the class itself, where it isn't the model's code that asks.
    """

def clear_engine_cache(folder: str = "") -> list[CachedEngine]:
    """
    Removes all of it; gives what there was.
    """

def default_engine() -> str:
    """
    The engine that runs a program where none is named.
    """

def default_engine_cache_dir() -> str: ...
def device_of(tensor: torch.Tensor) -> torch.device:
    """
    Where a tensor is; in a trace, where it claims to be.
    """

def engines() -> list[tuple[str, str]]:
    """
    Of every engine that compiles, the default first.
    """

def envelope(
    here: str,
    profiles: collections.abc.Sequence[
        tuple[collections.abc.Sequence[int], collections.abc.Sequence[int], collections.abc.Sequence[int]]
    ],
    places: collections.abc.Sequence[str],
) -> tuple[list[int], list[int], list[int]]:
    """
    The range that takes in all profiles of an Input, each (min, opt, max) shapes. Raises InvalidInput where one contradicts itself.
    """

def error_named_in(text: str) -> typing.Any:
    """
    The error that a text was made of, by the section that its last line names; None where it names none.
    """

def is_asked_by_model() -> bool:
    """
    Whether this thread traces and the model's own code is running, not an operator's.
    """

def is_contiguous(tensor: torch.Tensor, memory_format: torch.memory_format) -> bool:
    """
    What the model's code is told.
    """

def is_model_state(tensor: torch.Tensor) -> bool:
    """
    Whether this thread traces a model with this parameter or buffer.
    """

def is_tracing() -> bool:
    """
    Whether this thread traces.
    """

def load_pt2(path: str, checks_weights: bool) -> tuple[Graph, CallSpec, SavedCompilation | None]:
    """
    The graph, how it is called, and what engines made of it, where the file has that.
    """

def memory_overlaps(a: torch.Tensor, b: torch.Tensor) -> bool:
    """
    Whether a write to one tensor may be seen in the other.
    """

def name_dimensions(inputs: collections.abc.Sequence[tuple[str, str, typing.Any]]) -> list[list[int | Dim]]:
    """
    inputs: name, path and Input of each. Gives their shapes with the dynamic axes named. Raises InvalidInput where Inputs contradict each other.
    """

def node_seen(own: type, for_model: collections.abc.Callable) -> typing.Any:
    """
    `node` of symbolic numbers: what is kept there, where the model's code surely doesn't ask for it.
    """

def note_layout_question(tensor: torch.Tensor) -> None:
    """
    To be called where the model's code asks for strides.
    """

def note_memory_question(tensor: torch.Tensor) -> None:
    """
    To be called where the model's code asks what memory a tensor shows.
    """

def onnx_for_tensorrt(graph: Graph, precision: torch.dtype) -> OnnxProgram:
    """
    A whole program as TensorRT reads it.
    """

def operators() -> list[Operator]:
    """
    Every entry of the operator tables, family by family.
    """

def optimized(graph: Graph, settings: CompileSettings) -> Graph:
    """
    The graph as PyTorch's kernels run it: after the passes that the settings leave.
    """

def raise_refusal(message: str, operator: str, where: str) -> None:
    """
    Raises what an error of PyTorch's is called here.
    """

def register_engine(adapter: typing.Any) -> None:
    """
    See tracejet.api.engine.Adapter.
    """

def register_inductor_engine(adapter: typing.Any) -> None:
    """
    See tracejet.engines.inductor.engine.Inductor.
    """

def register_onnx_engine(adapter: typing.Any) -> None:
    """
    An engine that reads ONNX and is asked by default: see tracejet.engines.tensorrt.engine.TensorRT.
    """

def replace_indexing(tensor_class: typing.Any, getitem: typing.Any, setitem: typing.Any) -> None:
    """
    While a trace runs on a thread, `tensor[index]` is these functions' where the index may be symbolic.
    """

def restore_indexing(tensor_class: typing.Any) -> None: ...
def retrace(
    graph: Graph,
    *,
    decompositions: DecompositionTable,
    prefer_deferred_runtime_asserts_over_guards: bool,
    check_rules: bool,
) -> Graph:
    """
    The graph as a new trace of it gives it, with the same inputs and outputs.
    """

def run_torchscript(
    module: typing.Any, path: str, state: ScriptState, *args: typing.Any, **kwargs: typing.Any
) -> typing.Any:
    """
    Runs the forward of a TorchScript module, under the name `path`, with sizes that stay symbols.
    """

def save_onnx(graph: Graph, path: str) -> list[str]:
    """
    Writes the graph as an ONNX file, its weights included. Returns the names of its inputs, then its outputs.
    """

def save_pt2(graph: Graph, call: CallSpec, path: str, source_line: collections.abc.Callable[[str, int], str]) -> None:
    """
    source_line(file, line): the text of a line, without indentation.
    """

def set_requires_cuda_init(value: bool) -> None:
    """
    Whether PyTorch starts CUDA when Python code names it.
    """

def settings_table() -> list[Setting]: ...
def suggested_attributes(spec: typing.Any, shape: collections.abc.Sequence[int | Dim], report: Report) -> typing.Any:
    """
    The attributes of an Input that would have to be others for the trace to succeed; None where it is right.
    """

def support(graph: Graph, engine: str) -> Support:
    """
    Operator-support report: which calls of a graph an engine runs, which not and why.
    """

def unregister_engine(name: str) -> None: ...
@typing.overload
def verify(
    graph: Graph,
    compiled: ProgramRunner,
    inputs: collections.abc.Sequence[collections.abc.Sequence[torch.Tensor]],
    options: VerifyOptions,
    output_names: collections.abc.Sequence[str],
) -> Verification:
    """
    Holds what was compiled against eager's kernels: see tracejet.verify.
    """

@typing.overload
def verify(
    graph: Graph,
    function: typing.Any,
    inputs: collections.abc.Sequence[collections.abc.Sequence[torch.Tensor]],
    options: VerifyOptions,
    output_names: collections.abc.Sequence[str],
) -> Verification:
    """
    Holds what was compiled against eager's kernels: see tracejet.verify.
    """

__version__: str = "0.1.0"
