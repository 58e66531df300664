#include "engines/inductor/executable.h"

#include <algorithm>
#include <unordered_map>

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty_strided.h>

#include "base/error.h"
#include "engines/inductor/package.h"
#include "engines/output_check.h"
#include "engines/recording/recordable.h"
#include "engines/recording/replaying.h"
#include "engines/reference.h"
#include "ir/size_expression.h"

namespace tracejet::inductor {

namespace {

/// Code for GPUs takes it for granted.
constexpr uintptr_t kAlignment = 16;

/// Where the graph runs.
c10::Device device_of(const Graph& graph) {
  const auto has_value = [](const GraphInput& input) { return input.value != nullptr; };
  const auto input = std::ranges::find_if(graph.inputs(), has_value);
  if (input != graph.inputs().end()) return input->value->tensor().device;
  for (const GraphOutput& output : graph.outputs()) {
    if (output.value != nullptr && output.value->is_tensor()) return output.value->tensor().device;
  }
  return c10::kCPU;
}

/// Where the code finds a weight: at its own place, unless that isn't aligned.
at::Tensor readable(const at::Tensor& weight) {
  const at::Tensor plain = weight.detach();
  const bool is_aligned = reinterpret_cast<uintptr_t>(plain.const_data_ptr()) % kAlignment == 0;
  return is_aligned ? plain : at::empty_strided(plain.sizes(), plain.strides(), plain.options()).copy_(plain);
}

std::unordered_map<std::string, at::Tensor> constants_of(const Graph& graph, const Compiled& compiled) {
  std::unordered_map<std::string, at::Tensor> constants(compiled.constants.begin(), compiled.constants.end());
  for (const auto& [name, input] : compiled.weights) constants.emplace(name, readable(graph.inputs()[input].data));
  return constants;
}

bool lie_alike(const at::Tensor& one, const at::Tensor& other) {
  return one.sizes() == other.sizes() && one.strides() == other.strides() && one.dtype() == other.dtype() &&
         one.device() == other.device();
}

/// The code, called with what it takes for granted.
class Code final : public Executable {
 public:
  Code(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs, std::shared_ptr<const Compiled> compiled)
      : graph_(std::move(graph)),
        runtime_inputs_(inputs),
        compiled_(std::move(compiled)),
        package_(compiled_->package, device_of(*graph_), constants_of(*graph_, *compiled_)) {
    for (const size_t input : runtime_inputs_) inputs_.push_back(&graph_->inputs()[input].value->tensor());
    for (const GraphOutput& output : graph_->outputs()) {
      if (is_computed(output)) outputs_.push_back(&output.value->tensor());
    }
  }

  std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const override {
    for (const symbolic::Condition& assumed : compiled_->assumed) {
      if (sizes.holds(assumed)) continue;
      throw InvalidInput("inductor compiled this program for sizes of which " + assumed.str() +
                             " holds, and of these it doesn't; the engine \"" + reference_engine().name() +
                             "\" takes all",
                         ErrorCode::kGuardViolation);
    }
    const at::AutoDispatchBelowADInplaceOrView no_autograd;
    for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = as_traced(std::move(inputs[i]), *inputs_[i], sizes);
    std::vector<at::Tensor> given = package_.run(std::move(inputs));
    if (given.size() != outputs_.size()) {
      throw Error("inductor gave " + std::to_string(given.size()) + " tensors, but this program has " +
                      std::to_string(outputs_.size()) + " outputs",
                  ErrorCode::kEngineFailure);
    }
    std::vector<c10::IValue> values;
    values.reserve(given.size());
    for (size_t i = 0; i < given.size(); ++i) {
      check(given[i], i, sizes);
      values.emplace_back(std::move(given[i]));
    }
    return values;
  }

 private:
  /// The code reads memory by the strides that were traced, whatever the tensor says.
  static at::Tensor as_traced(at::Tensor tensor, const TensorMeta& traced, const RuntimeSizes& sizes) {
    bool lies_so = true;
    for (int64_t axis = 0; axis < tensor.dim() && lies_so; ++axis) {
      lies_so =
          tensor.size(axis) < 2 || tensor.stride(axis) == sizes.evaluate(traced.strides[static_cast<size_t>(axis)]);
    }
    if (lies_so || tensor.numel() == 0) return tensor;
    return at::empty_strided(tensor.sizes(), sizes.evaluate(traced.strides), tensor.options()).copy_(tensor);
  }

  void check(const at::Tensor& given, size_t output, const RuntimeSizes& sizes) const {
    const TensorMeta& expected = *outputs_[output];
    if (given.scalar_type() != expected.dtype || given.device() != expected.device) {
      throw Error("inductor gave output " + std::to_string(output) + " of this program as " +
                      c10::toString(given.scalar_type()) + " on " + given.device().str() + ", but it is " +
                      expected.str(),
                  ErrorCode::kEngineFailure);
    }
    check_output_shape("inductor", output, given.sizes(), expected, sizes);
  }

  std::shared_ptr<const Graph> graph_;
  RuntimeInputs runtime_inputs_;
  std::shared_ptr<const Compiled> compiled_;
  Package package_;
  std::vector<const TensorMeta*> inputs_, outputs_;
};

/// The code, and on a GPU recordings of what it calls.
class InductorExecutable final : public Executable {
 public:
  InductorExecutable(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                     std::shared_ptr<const Compiled> compiled, const CompileSettings& settings)
      : graph_(std::move(graph)), compiled_(std::move(compiled)) {
    program_ = std::make_unique<Code>(graph_, inputs, compiled_);
    const c10::Device device = device_of(*graph_);
    const bool is_recorded =
        settings.cuda_graphs && device.is_cuda() && recording::has_recorders() && !recording::why_not_recorded(*graph_);
    if (!is_recorded) return;
    program_ = recording::make_replaying({std::move(program_), graph_, inputs}, device,
                                         static_cast<size_t>(settings.max_cuda_graphs), recording::make_recorder);
  }

  std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const override {
    return program_->run(std::move(inputs), sizes);
  }
  std::optional<std::string> serialize() const override { return compiled_->serialized; }

  /// Null where the code isn't good for the weights of `graph`.
  std::unique_ptr<Executable> with_weights_of(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                                              const CompileSettings& settings) const {
    std::vector<bool> is_read(graph->inputs().size(), false);
    for (const size_t input : inputs) is_read[input] = true;
    for (const auto& [name, input] : compiled_->weights) {
      if (!lie_alike(graph_->inputs()[input].data, graph->inputs()[input].data)) return nullptr;
      is_read[input] = true;
    }
    for (size_t i = 0; i < is_read.size(); ++i) {
      if (!is_read[i] && graph->inputs()[i].value != nullptr) return nullptr;
    }
    return std::make_unique<InductorExecutable>(std::move(graph), inputs, compiled_, settings);
  }

 private:
  std::shared_ptr<const Graph> graph_;
  std::shared_ptr<const Compiled> compiled_;
  std::unique_ptr<Executable> program_;
};

}  // namespace

std::unique_ptr<Executable> make_executable(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                                            std::shared_ptr<const Compiled> compiled, const CompileSettings& settings) {
  return std::make_unique<InductorExecutable>(std::move(graph), inputs, std::move(compiled), settings);
}

std::unique_ptr<Executable> with_weights(const Executable& compiled, std::shared_ptr<const Graph> graph,
                                         const RuntimeInputs& inputs, const CompileSettings& settings) {
  return dynamic_cast<const InductorExecutable&>(compiled).with_weights_of(std::move(graph), inputs, settings);
}

}  // namespace tracejet::inductor
