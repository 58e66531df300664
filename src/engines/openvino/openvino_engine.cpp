#include "engines/openvino/openvino_engine.h"

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/item.h>
#include <openvino/op/constant.hpp>
#include <openvino/openvino.hpp>

#include "engines/runtime_sizes.h"
#include "graph/data_number.h"
#include "graph/size_expression.h"
#include "onnx/lower.h"
#include "support/error.h"

namespace tracejet::openvino {

namespace {

ov::element::Type element_type(at::ScalarType dtype) {
  switch (dtype) {
    case at::kBool:
      return ov::element::boolean;
    case at::kByte:
      return ov::element::u8;
    case at::kChar:
      return ov::element::i8;
    case at::kUInt16:
      return ov::element::u16;
    case at::kShort:
      return ov::element::i16;
    case at::kUInt32:
      return ov::element::u32;
    case at::kInt:
      return ov::element::i32;
    case at::kUInt64:
      return ov::element::u64;
    case at::kLong:
      return ov::element::i64;
    case at::kHalf:
      return ov::element::f16;
    case at::kBFloat16:
      return ov::element::bf16;
    case at::kFloat:
      return ov::element::f32;
    case at::kDouble:
      return ov::element::f64;
    default:
      throw UnsupportedOperator(std::string("OpenVINO has no data type for ") + c10::toString(dtype));
  }
}

ov::Shape shape_of(at::IntArrayRef sizes) { return {sizes.begin(), sizes.end()}; }

/// The tensor's memory as OpenVINO sees it. The tensor must be contiguous and outlive the view.
ov::Tensor view_of(const at::Tensor& tensor) {
  // OpenVINO refuses a null pointer, which is what PyTorch gives an empty tensor.
  static int64_t nothing = 0;
  void* data = tensor.numel() == 0 ? &nothing : const_cast<void*>(tensor.const_data_ptr());
  return {element_type(tensor.scalar_type()), shape_of(tensor.sizes()), data};
}

/// PyTorch's dtype of an OpenVINO output.
at::ScalarType scalar_type(ov::element::Type type) {
  for (const auto dtype : {at::kBool, at::kByte, at::kChar, at::kUInt16, at::kShort, at::kUInt32, at::kInt, at::kUInt64,
                           at::kLong, at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    if (element_type(dtype) == type) return dtype;
  }
  throw Error("OpenVINO gave an output of type " + type.get_type_name());
}

/// One per process: it holds the plugins and their threads.
ov::Core& core() {
  static ov::Core instance;
  return instance;
}

ov::PartialShape partial_shape(const TensorMeta& meta) {
  ov::PartialShape shape;
  for (const c10::SymInt& size : meta.sizes) {
    const auto range = expression_of(size).range();
    const auto max = range.max == symbolic::kInfinity ? -1 : range.max;
    shape.push_back(ov::Dimension(std::max<int64_t>(range.min, 0), max));
  }
  return shape;
}

/// Turns the inputs that stand for weights into constants over the weights' own memory.
void bind_weights(ov::Model& model, const std::vector<onnx::NamedTensor>& weights) {
  for (const auto& [name, data] : weights) {
    const auto keep_alive = std::make_shared<at::Tensor>(data.contiguous());
    const auto constant = std::make_shared<ov::op::v0::Constant>(element_type(data.scalar_type()),
                                                                 shape_of(data.sizes()), keep_alive->const_data_ptr(),
                                                                 std::static_pointer_cast<void>(keep_alive));
    constant->set_friendly_name(name);
    const auto input = model.input(name);
    const auto parameter = std::dynamic_pointer_cast<ov::op::v0::Parameter>(input.get_node_shared_ptr());
    parameter->output(0).replace(constant->output(0));
    model.remove_parameter(parameter);
  }
}

ov::AnyMap properties(const CompileSettings& settings) {
  ov::AnyMap properties{
      ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
      // OpenVINO would choose bfloat16 by itself where the CPU has it.
      ov::hint::inference_precision(element_type(settings.precision)),
      // Where weights are quantized, OpenVINO would by itself quantize what they are multiplied with, too.
      ov::hint::dynamic_quantization_group_size(0),
      ov::inference_num_threads(settings.threads > 0 ? settings.threads : at::get_num_threads()),
  };
  if (!settings.cache_dir.empty()) properties.insert(ov::cache_dir(settings.cache_dir));
  return properties;
}

/// What OpenVINO makes of ONNX.
onnx::Target target() { return {.name = "openvino", .float64 = false, .checks = true}; }

class Program final : public Executable {
 public:
  Program(std::shared_ptr<const Graph> graph, const Feeds& feeds, const CompileSettings& settings)
      : graph_(std::move(graph)) {
    const onnx::Model model = onnx::lower(*graph_, feeds, target());
    const auto ov_model = core().read_model(model.serialize(onnx::WeightForm::kInputs), ov::Tensor());
    bind_weights(*ov_model, model.weights);
    std::map<std::string, ov::PartialShape> shapes;
    for (size_t i = 0; i < feeds.size(); ++i) {
      const TensorMeta& meta = graph_->inputs()[feeds[i]].value->tensor();
      if (model.inputs[i].is_used) shapes.emplace(model.inputs[i].name, partial_shape(meta));
      for (const auto& symbol : symbols_told_by(meta)) input_symbols_.push_back({i, symbol});
    }
    ov_model->reshape(shapes);
    compiled_ = core().compile_model(ov_model, "CPU", properties(settings));
    for (const auto& input : model.inputs) {
      inputs_.push_back(input.is_used ? std::optional(compiled_.input(input.name)) : std::nullopt);
    }
    for (const GraphOutput& output : graph_->outputs()) {
      if (output.value == nullptr && !depends_on_data(output.literal)) continue;
      outputs_.push_back(describe(output.value, model.outputs[outputs_.size()].name));
    }
    for (const std::string& message : model.checks) {
      checks_.push_back({compiled_.output(model.outputs[outputs_.size() + checks_.size()].name), message});
    }
  }

  std::vector<c10::IValue> run(std::vector<at::Tensor> feeds) const override {
    RuntimeSizes sizes;
    for (const auto& [feed, symbol] : input_symbols_) sizes.bind(symbol.symbol, feeds[feed].size(symbol.axis));
    const auto request = take_request();
    for (size_t i = 0; i < feeds.size(); ++i) {
      if (!inputs_[i]) continue;
      feeds[i] = feeds[i].contiguous();
      request->set_tensor(*inputs_[i], view_of(feeds[i]));
    }
    std::vector<at::Tensor> results;
    for (const Output& output : outputs_) results.push_back(offer_memory(*request, output, sizes));
    try {
      request->infer();
    } catch (const ov::Exception& error) {
      throw Error(std::string("openvino failed while running the program; it says:\n") + error.what());
    }
    for (const auto& [port, message] : checks_) {
      if (!copy_of(request->get_tensor(port)).item().toBool()) throw Error(message);
    }
    std::vector<c10::IValue> values;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const at::Tensor result = results[i].defined() ? results[i] : copy_of(request->get_tensor(outputs_[i].port));
      values.push_back(outputs_[i].meta == nullptr ? c10::IValue(result.item()) : c10::IValue(result));
    }
    return values;
  }

 private:
  struct Output {
    ov::Output<const ov::Node> port;
    const TensorMeta* meta;  ///< null for a runtime scalar
    bool is_foreseeable;     ///< its size follows from those of the inputs
  };
  struct Check {
    ov::Output<const ov::Node> port;  ///< a boolean
    std::string message;
  };
  struct InputSymbol {
    size_t feed;
    SymbolSource symbol;
  };

  /// Returns itself to the pool.
  using Request = std::unique_ptr<ov::InferRequest, std::function<void(ov::InferRequest*)>>;

  /// `value`: null for a number that is computed from runtime scalars.
  Output describe(const Value* value, const std::string& name) const {
    const auto port = compiled_.output(name);
    if (value == nullptr || !value->is_tensor()) return {port, nullptr, false};
    const TensorMeta& meta = value->tensor();
    const auto hangs_on_data = [](const c10::SymInt& size) { return symbolic::is_data_dependent(expression_of(size)); };
    return {port, &meta, std::ranges::none_of(meta.sizes, hangs_on_data)};
  }

  /// Memory for OpenVINO to write an output into; undefined where its size isn't known beforehand.
  static at::Tensor offer_memory(ov::InferRequest& request, const Output& output, const RuntimeSizes& sizes) {
    if (!output.is_foreseeable || scalar_type(output.port.get_element_type()) != output.meta->dtype) return {};
    const at::Tensor memory = at::empty(sizes.evaluate(output.meta->sizes), at::TensorOptions(output.meta->dtype));
    request.set_tensor(output.port, view_of(memory));
    return memory;
  }

  static at::Tensor copy_of(const ov::Tensor& tensor) {
    const ov::Shape shape = tensor.get_shape();
    const std::vector<int64_t> sizes(shape.begin(), shape.end());
    const at::Tensor copy = at::empty(sizes, at::TensorOptions(scalar_type(tensor.get_element_type())));
    tensor.copy_to(view_of(copy));
    return copy;
  }

  Request take_request() const {
    const auto give_back = [this](ov::InferRequest* request) {
      const std::scoped_lock lock(idle_mutex_);
      idle_.emplace_back(request);
    };
    {
      const std::scoped_lock lock(idle_mutex_);
      if (!idle_.empty()) {
        Request request(idle_.back().release(), give_back);
        idle_.pop_back();
        return request;
      }
    }
    return {new ov::InferRequest(compiled_.create_infer_request()), give_back};
  }

  std::shared_ptr<const Graph> graph_;
  mutable ov::CompiledModel compiled_;
  std::vector<std::optional<ov::Output<const ov::Node>>> inputs_;  // none where no output depends on it
  std::vector<InputSymbol> input_symbols_;
  std::vector<Output> outputs_;
  std::vector<Check> checks_;
  mutable std::mutex idle_mutex_;
  mutable std::vector<std::unique_ptr<ov::InferRequest>> idle_;
};

}  // namespace

std::unique_ptr<Executable> prepare(std::shared_ptr<const Graph> graph, const Feeds& feeds,
                                    const CompileSettings& settings) {
  try {
    return std::make_unique<Program>(std::move(graph), feeds, settings);
  } catch (const ov::Exception& error) {
    throw UnsupportedOperator(std::string("openvino can't run this program; it says:\n") + error.what() +
                              "\nThe engine \"aten\" runs every program.");
  }
}

std::vector<Unsupported> find_unsupported(const Graph& graph, const Feeds& feeds) {
  return onnx::find_unsupported(graph, feeds, target());
}

}  // namespace tracejet::openvino
