#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <tracejet/decompositions.h>

namespace tracejet {

class Graph;

/// What a trace has to know of a tensor that it will only see when the program runs: one size per axis, from
/// `min_shape` to `max_shape`. An axis whose bounds differ is dynamic.
struct Input {
  std::vector<int64_t> min_shape;
  std::vector<int64_t> opt_shape;  ///< the size that engines tune for
  std::vector<int64_t> max_shape;
  at::ScalarType dtype = at::kFloat;
  std::string name;                             ///< "input_0", ... where it is empty
  std::map<int64_t, std::string> shared_dims;   ///< axes of one dimension name always have the same size
  c10::Device device = c10::Device(c10::kCPU);  ///< where the tensor will be; it needn't exist while tracing

  static Input fixed(std::vector<int64_t> shape, at::ScalarType dtype = at::kFloat, std::string name = "");
  static Input dynamic(std::vector<int64_t> min_shape, std::vector<int64_t> opt_shape, std::vector<int64_t> max_shape,
                       at::ScalarType dtype = at::kFloat, std::string name = "");
};

/// The tensors of a model by name, as `torch::nn::Module::named_parameters()` and `named_buffers()` list them. Tensors
/// that forward uses and that aren't listed become constants of the program.
struct ModelState {
  std::vector<std::pair<std::string, at::Tensor>> parameters;
  std::vector<std::pair<std::string, at::Tensor>> buffers;
};

/// A traced program in Core ATen. Cheap to copy; it shares the model's weights.
class Program {
 public:
  explicit Program(std::shared_ptr<const Graph> graph) : graph_(std::move(graph)) {}

  /// One line per input, node and output.
  std::string str() const;
  /// How many operators it calls.
  size_t node_count() const;
  const std::shared_ptr<const Graph>& graph() const { return graph_; }

 private:
  std::shared_ptr<const Graph> graph_;
};

struct TraceOptions {
  /// What is done with each operator: one of the sets (`DecompositionSet::kCoreAten`), or a table made from one.
  DecompositionTable decompositions = DecompositionSet::kTensorRT;
  /// What the trace assumes of several sizes together (`height % 8 == 0`, `a == 2 * b`) is checked when the program
  /// runs; if not, it is a ConstraintViolation. Named as in torch.export.
  bool prefer_deferred_runtime_asserts_over_guards = true;
};

using Forward = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>;

/// Runs `forward` on tensors without data, and gives its program. Works on any code that calls ATen. Where the code
/// asks something of a dynamic size (`x.sym_size(0) == 1`, `> 8`, `is_contiguous()`), it is run the other ways, too, up
/// to eight times for each kind of question: an answer that makes no difference is none of the program's concern,
/// another is a ConstraintViolation, or checked when the program runs.
///
/// A dynamic size has no plain number: `x.size(0)`, `sizes()` and `expect_int()` are UnsupportedOperator there. Ask
/// `x.sym_size(0)`, and hand it on as a SymInt (`at::zeros_symint`).
///
/// Weights are shared with the model, not copied, and are unchanged afterwards, whether or not this succeeds.
/// Throws InvalidInput where an Input contradicts itself, ConstraintViolation where a declared range can't hold, and
/// UnsupportedOperator, ShapeError or DataDependent where a call can't be captured.
Program trace(const Forward& forward, const std::vector<Input>& inputs, const ModelState& state = {},
              const TraceOptions& options = {});

}  // namespace tracejet
