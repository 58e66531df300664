#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <tracejet/decompositions.h>
#include <tracejet/input.h>
#include <tracejet/report.h>

namespace tracejet {

class Graph;

/// The tensors of a model by name, as `torch::nn::Module::named_parameters()` and `named_buffers()` list them. Tensors
/// that forward uses and that aren't listed become constants of the program.
struct ModelState {
  std::vector<std::pair<std::string, at::Tensor>> parameters;
  std::vector<std::pair<std::string, at::Tensor>> buffers;
};

/// A traced program in Core ATen. Cheap to copy; it shares the model's weights.
class Program {
 public:
  explicit Program(std::shared_ptr<const Graph> graph, std::vector<Input> inputs = {})
      : graph_(std::move(graph)), inputs_(std::move(inputs)) {}

  /// One line per input, node and output.
  std::string str() const;
  const std::shared_ptr<const Graph>& graph() const { return graph_; }
  /// What it was traced for; engines that tune by range find profiles there.
  const std::vector<Input>& inputs() const { return inputs_; }

 private:
  std::shared_ptr<const Graph> graph_;
  std::vector<Input> inputs_;
};

struct TraceOptions {
  /// What is done with each operator: one of the sets (`DecompositionSet::kCoreAten`), or a table made from one.
  DecompositionTable decompositions = DecompositionSet::kTensorRT;
  /// What the trace assumes of several sizes together (`height % 8 == 0`, `a == 2 * b`) is checked when the program
  /// runs; if not, it is a ConstraintViolation. Named as in torch.export.
  bool prefer_deferred_runtime_asserts_over_guards = true;
};

/// A function of C++ code. Holders of modules (`torch::nn::Linear`), which say that they can be called with anything,
/// are none: nn_module.h is for them.
class Forward : public std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)> {
 public:
  using Function = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>;

  template <typename Callable>
    requires(!std::is_base_of_v<Forward, std::remove_cvref_t<Callable>> &&
             !requires { typename std::remove_cvref_t<Callable>::ContainedType; } &&
             std::is_constructible_v<Function, Callable>)
  Forward(Callable&& callable) : Function(std::forward<Callable>(callable)) {}  // NOLINT: implicit, as a function is
};

/// Runs `forward` on tensors without data, and gives its program: the calls that it makes, as torch.export.export
/// records them, decomposed. Works on any code that calls ATen. Where the code asks something of a dynamic size
/// (`x.sym_size(0) == 1`, `> 8`, `is_contiguous()`) or of data (`mask.any().item<bool>()`), it is run the other ways,
/// too, up to eight times for each kind of question: an answer that makes no difference is none of the program's
/// concern. Another one about sizes is a ConstraintViolation, or checked when the program runs; about data, it is
/// DataDependent.
///
/// A dynamic size has no plain number: `x.size(0)`, `sizes()` and `expect_int()` are UnsupportedOperator there. Ask
/// `x.sym_size(0)`, and hand it on as a SymInt (`at::zeros_symint`).
///
/// Weights are shared with the model, not copied, and are unchanged afterwards, whether or not this succeeds.
/// Throws InvalidInput where Inputs contradict themselves or each other, ConstraintViolation where a declared range
/// can't hold, and UnsupportedOperator, ShapeError or DataDependent where a call can't be captured.
Program trace(const Forward& forward, const std::vector<Input>& inputs, const ModelState& state = {},
              const TraceOptions& options = {});

/// Traces `forward` as trace() does, and reports everything that keeps the sizes of its inputs from varying as
/// declared, what ends the trace among it. Throws only InvalidInput, where Inputs contradict themselves or each other;
/// `suggested_inputs` of the report are inputs with which a trace succeeds.
Report diagnose(const Forward& forward, const std::vector<Input>& inputs, const ModelState& state = {},
                const TraceOptions& options = {});

}  // namespace tracejet
