#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <tracejet/input.h>
#include <tracejet/trace.h>

namespace tracejet {

/// What a program takes, as it would be declared to trace(): one Input for each tensor, in their order. Axes that
/// always have the same size share a name.
std::vector<Input> inputs_of(const Program& program);

/// Lowers a program anew: its calls are traced as forward's would be, with other decompositions, and keep their lines
/// and modules. For programs that `load` has read, whoever wrote them; nothing of Python is run.
///
/// Throws UnsupportedOperator, ShapeError or ConstraintViolation where it can't be traced for all sizes that it takes.
Program trace(const Program& program, const TraceOptions& options = {});

/// A tensor that a program has beside its inputs. It is that of the model or the file, not a copy.
struct ProgramTensor {
  enum class Kind { kParameter, kBuffer, kConstant };
  Kind kind = Kind::kParameter;
  std::string name;  ///< the path in the model; of a constant, a name of its own
  at::Tensor data;
};
std::vector<ProgramTensor> tensors_of(const Program& program);

/// One call of an operator. Values are named as in Program::str(): "%7".
struct ProgramCall {
  std::string op;                                              ///< "aten::add.Tensor"
  std::vector<std::pair<std::string, std::string>> arguments;  ///< ("self", "%3"), ("alpha", "1"): all of the schema's
  std::vector<std::string> results;                            ///< "%7: float32[batch, 4]"
  std::string where;                             ///< the line of the model and its module; empty where nobody knows
  std::vector<std::vector<ProgramCall>> bodies;  ///< what control flow runs
};
/// The calls of a program in the order in which they run.
std::vector<ProgramCall> calls_of(const Program& program);

/// Runs a program with PyTorch's kernels, call by call, on the tensors that it takes. For one run: compile() is for
/// many. Throws InvalidInput, naming input and axis, where an input isn't what was traced.
std::vector<at::Tensor> run(const Program& program, const std::vector<at::Tensor>& inputs);

}  // namespace tracejet
