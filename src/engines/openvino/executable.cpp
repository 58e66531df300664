#include "engines/openvino/executable.h"

#include <algorithm>
#include <span>
#include <unordered_map>

#include <ATen/ops/empty.h>
#include <ATen/ops/item.h>
#include <openvino/openvino.hpp>

#include "base/error.h"
#include "engines/openvino/blob.h"
#include "engines/openvino/fixed_values.h"
#include "engines/openvino/tensors.h"
#include "engines/output_check.h"
#include "engines/reference.h"
#include "ir/call.h"
#include "ir/model_line.h"
#include "ir/size_expression.h"

namespace tracejet::openvino {

OpenVinoExecutable::OpenVinoExecutable(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                                       const onnx::Model& lowered, std::string identity,
                                       std::shared_ptr<const Sessions> sessions)
    : graph_(std::move(graph)),
      locator_(lowered),
      identity_(std::move(identity)),
      weights_(lowered.weights),
      warnings_(lowered.warnings),
      int64_min_(lowered.int64_min),
      int64_max_(lowered.int64_max),
      sessions_(std::move(sessions)),
      requirements_(lowered.requirements) {
  const ov::CompiledModel& compiled = sessions_->get()->compiled();
  for (size_t i = 0; i < inputs.size(); ++i) {
    const onnx::TensorInfo& input = lowered.inputs[i];
    inputs_.push_back(
        {graph_->inputs()[inputs[i]].name, input.is_used ? std::optional(compiled.input(input.name)) : std::nullopt});
  }
  for (const auto& number : lowered.numbers) {
    numbers_.push_back({compiled.input(number.name), number.value, number.is_shape});
  }
  for (const GraphOutput& output : graph_->outputs()) {
    if (!is_computed(output)) continue;
    outputs_.push_back(described(output.value, compiled.output(lowered.outputs[outputs_.size()].name)));
  }
  for (const std::string& message : lowered.checks) {
    const std::string& name = lowered.outputs[outputs_.size() + checks_.size()].name;
    checks_.push_back({compiled.output(name), message});
  }
}

OpenVinoExecutable::OpenVinoExecutable(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                                       const Model& model, const ov::AnyMap& properties)
    : OpenVinoExecutable(std::move(graph), inputs, model.onnx, model.identity,
                         std::make_shared<Sessions>([model = model.model, properties](const ov::AnyMap& besides) {
                           return core().compile_model(with_fixed_values(model), "CPU", with(properties, besides));
                         })) {
  model_ = model.model;
}

OpenVinoExecutable::OpenVinoExecutable(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                                       const onnx::Model& lowered, const OpenVinoExecutable& compiled)
    : OpenVinoExecutable(std::move(graph), inputs, lowered, compiled.identity_, compiled.sessions_) {
  model_ = compiled.model_;
}

OpenVinoExecutable::Output OpenVinoExecutable::described(const Value* value, Port port) {
  if (value == nullptr || !value->is_tensor()) return {std::move(port), nullptr, false};
  const TensorMeta& meta = value->tensor();
  const auto depends_on_data = [](const c10::SymInt& size) { return symbolic::is_data_dependent(expression_of(size)); };
  return {std::move(port), &meta, std::ranges::none_of(meta.sizes, depends_on_data)};
}

std::optional<std::string> OpenVinoExecutable::serialize() const {
  return export_model(sessions_->get()->compiled(), identity_, weights_);
}

std::vector<c10::IValue> OpenVinoExecutable::run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const {
  for (const RuntimeAssertion& requirement : requirements_) check(requirement, sizes);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs_[i].port) continue;
    inputs[i] = inputs[i].contiguous();
    check_int64(inputs[i], inputs_[i].name);
  }
  // Another thread's failure may have spoilt what this one has just computed.
  for (;;) {
    const auto session = KernelTimes::current() == nullptr ? sessions_->get() : sessions_->get_measuring();
    auto values = run_in(*session, inputs, sizes);
    if (!session->is_spoilt()) return values;
  }
}

std::vector<c10::IValue> OpenVinoExecutable::run_in(Session& session, const std::vector<at::Tensor>& inputs,
                                                    const RuntimeSizes& sizes) const {
  const auto request = session.take_request();
  std::vector<at::Tensor> results;
  try {
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs_[i].port) request->set_tensor(*inputs_[i].port, view_of(inputs[i]));
    }
    for (const NumberInput& number : numbers_) hand_over(*request, number, sizes);
    for (const Output& output : outputs_) results.push_back(offer_memory(*request, output, sizes));
    request->infer();
    if (KernelTimes* times = KernelTimes::current()) note_times(*times, session.compiled(), *request);
  } catch (const ov::Exception& error) {
    session.spoil();
    throw Error(failure_in_run(error.what()), ErrorCode::kEngineFailure);
  }
  for (const auto& [port, message] : checks_) {
    if (!copy_of(request->get_tensor(port)).item().toBool()) throw InvalidInput(message, ErrorCode::kRuntimeAssertion);
  }
  std::vector<c10::IValue> values;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const at::Tensor result = taken(request->get_tensor(outputs_[i].port), results[i], i, sizes);
    values.push_back(outputs_[i].meta == nullptr ? c10::IValue(result.item()) : c10::IValue(result));
  }
  return values;
}

/// OpenVINO's kernels name the nodes of its model that they were made of, and these those of the program.
void OpenVinoExecutable::note_times(KernelTimes& times, const ov::CompiledModel& compiled,
                                    ov::InferRequest& request) const {
  std::unordered_map<std::string, std::vector<const Node*>> nodes;
  for (const auto& kernel : compiled.get_runtime_model()->get_ordered_ops()) {
    const auto& info = kernel->get_rt_info();
    const auto made_of = info.find("originalLayersNames");
    if (made_of == info.end()) continue;
    nodes[kernel->get_friendly_name()] = locator_.nodes_in(made_of->second.as<std::string>());
  }
  for (const ov::ProfilingInfo& kernel : request.get_profiling_info()) {
    const auto found = nodes.find(kernel.node_name);
    if (kernel.status != ov::ProfilingInfo::Status::EXECUTED || found == nodes.end() || found->second.empty()) continue;
    times.add(kernel.node_type + " " + kernel.exec_type, found->second, *graph_,
              static_cast<double>(kernel.real_time.count()));
  }
}

/// OpenVINO cuts what 32 bits don't hold.
void OpenVinoExecutable::check_int64(const at::Tensor& tensor, const std::string& name) const {
  if (tensor.scalar_type() != at::kLong) return;
  const std::span values(tensor.const_data_ptr<int64_t>(), static_cast<size_t>(tensor.numel()));
  const auto is_beyond = [this](int64_t value) { return value < int64_min_ || value > int64_max_; };
  const auto beyond = std::ranges::find_if(values, is_beyond);
  if (beyond == values.end()) return;
  throw InvalidInput(name + ": it holds " + std::to_string(*beyond) +
                         ", but openvino computes int64 in 32 bits: it takes " + std::to_string(int64_min_) + " to " +
                         std::to_string(int64_max_) + " in this program; the engine \"" + reference_engine().name() +
                         "\" takes all",
                     ErrorCode::kInputMismatch);
}

void OpenVinoExecutable::hand_over(ov::InferRequest& request, const NumberInput& number, const RuntimeSizes& sizes) {
  const c10::IValue value = sizes.number(number.value);
  if (value.isInt() && value.toInt() != static_cast<int32_t>(value.toInt())) {
    throw InvalidInput("the program computes " + number.value.str() + " = " + std::to_string(value.toInt()) +
                           " with integers, of which openvino has 32 bits; the engine \"" + reference_engine().name() +
                           "\" takes all",
                       ErrorCode::kInputMismatch);
  }
  if (number.is_shape) {
    const auto size = static_cast<size_t>(value.toInt());
    return request.set_tensor(number.port, empty_tensor(ov::element::boolean, {size, 0}));
  }
  ov::Tensor one = request.get_tensor(number.port);
  if (value.isInt()) *one.data<int64_t>() = value.toInt();
  if (value.isDouble()) *one.data<double>() = value.toDouble();
  if (value.isBool()) *one.data<bool>() = value.toBool();
}

/// Memory for OpenVINO to write an output into; undefined where its size isn't known beforehand.
at::Tensor OpenVinoExecutable::offer_memory(ov::InferRequest& request, const Output& output,
                                            const RuntimeSizes& sizes) {
  if (!output.is_foreseeable || scalar_type(output.port.get_element_type()) != output.meta->dtype) return {};
  const at::Tensor memory = at::empty(sizes.evaluate(output.meta->sizes), at::TensorOptions(output.meta->dtype));
  request.set_tensor(output.port, view_of(memory));
  return memory;
}

/// What OpenVINO gave, in the memory that it was offered or in a copy: it may have chosen memory of its own.
at::Tensor OpenVinoExecutable::taken(const ov::Tensor& given, const at::Tensor& offered, size_t index,
                                     const RuntimeSizes& sizes) const {
  if (const TensorMeta* meta = outputs_[index].meta) {
    const ov::Shape shape = given.get_shape();
    check_output_shape("openvino", index, std::vector<int64_t>(shape.begin(), shape.end()), *meta, sizes);
  }
  const bool is_there = offered.defined() && (offered.numel() == 0 || given.data() == offered.const_data_ptr());
  return is_there ? offered : copy_of(given);
}

std::string OpenVinoExecutable::failure_in_run(const std::string& error) const {
  const Node* node = locator_.node_of(error);
  if (node == nullptr) return "openvino failed while running the program: " + essence_of(error);
  return "openvino failed at " + Call(*node).name() + ": " + essence_of(error) + "\n" +
         describe(node->where(), *graph_);
}

}  // namespace tracejet::openvino
