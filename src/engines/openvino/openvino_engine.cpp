#include "engines/openvino/openvino_engine.h"

#include <algorithm>
#include <optional>
#include <span>
#include <sstream>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/item.h>
#include <openvino/openvino.hpp>

#include "base/error.h"
#include "engines/openvino/failure.h"
#include "engines/openvino/model.h"
#include "engines/openvino/session.h"
#include "engines/openvino/tensors.h"
#include "engines/runtime_sizes.h"
#include "ir/call.h"
#include "ir/model_line.h"
#include "ir/size_expression.h"
#include "ir/unbacked.h"

namespace tracejet::openvino {

namespace {

/// How many primitives of one kind OpenVINO keeps, one for each shape that it has met. Its own 5000 let a small BERT
/// grow by 480 MiB, these by 300, and a call at one of thousands of random shapes takes a fourth longer.
constexpr int kKeptPrimitives = 1000;

ov::AnyMap properties(const CompileSettings& settings) {
  const int threads = settings.threads > 0 ? settings.threads : at::get_num_threads();
  ov::AnyMap properties{
      ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
      // OpenVINO would choose bfloat16 by itself where the CPU has it.
      ov::hint::inference_precision(element_type(settings.precision)),
      // Where weights are quantized, OpenVINO would by itself quantize what they are multiplied with, too.
      ov::hint::dynamic_quantization_group_size(0),
      {"CPU_RUNTIME_CACHE_CAPACITY", kKeptPrimitives},
      ov::inference_num_threads(threads),
  };
  // In a stream of one thread, OpenVINO drops every error and runs what failed again at the next call, even where it
  // was freed meanwhile. No stream is the caller's thread alone.
  if (threads == 1) properties.insert(ov::num_streams(0));
  if (!settings.cache_dir.empty()) properties.insert(ov::cache_dir(settings.cache_dir));
  return properties;
}

class Program final : public Executable {
 public:
  /// `model`: of the graph, without anything refused.
  Program(std::shared_ptr<const Graph> graph, const Feeds& feeds, const Model& model, const CompileSettings& settings)
      : graph_(std::move(graph)),
        locator_(model.onnx),
        warnings_(model.onnx.warnings),
        int64_min_(model.onnx.int64_min),
        int64_max_(model.onnx.int64_max),
        requirements_(model.onnx.requirements),
        sessions_(model.model, properties(settings)) {
    const ov::CompiledModel& compiled = sessions_.get()->compiled();
    for (size_t i = 0; i < feeds.size(); ++i) {
      const onnx::TensorInfo& input = model.onnx.inputs[i];
      input_names_.push_back(graph_->inputs()[feeds[i]].name);
      inputs_.push_back(input.is_used ? std::optional(compiled.input(input.name)) : std::nullopt);
      const TensorMeta& meta = graph_->inputs()[feeds[i]].value->tensor();
      for (const auto& symbol : symbols_told_by(meta)) input_symbols_.push_back({i, symbol});
    }
    for (const auto& number : model.onnx.numbers) {
      numbers_.push_back({compiled.input(number.name), number.value, number.is_shape});
    }
    for (const GraphOutput& output : graph_->outputs()) {
      if (output.value == nullptr && !depends_on_data(output.literal)) continue;
      outputs_.push_back(describe(output.value, compiled.output(model.onnx.outputs[outputs_.size()].name)));
    }
    for (const std::string& message : model.onnx.checks) {
      const std::string& name = model.onnx.outputs[outputs_.size() + checks_.size()].name;
      checks_.push_back({compiled.output(name), message});
    }
  }

  std::vector<c10::IValue> run(std::vector<at::Tensor> feeds) const override {
    RuntimeSizes sizes;
    for (const auto& [feed, symbol] : input_symbols_) sizes.bind(symbol.symbol, feeds[feed].size(symbol.axis));
    for (const RuntimeAssertion& requirement : requirements_) {
      if (!sizes.holds(requirement.condition)) throw InvalidInput(requirement.message);
    }
    for (size_t i = 0; i < feeds.size(); ++i) {
      if (!inputs_[i]) continue;
      feeds[i] = feeds[i].contiguous();
      check_int64(feeds[i], input_names_[i]);
    }
    // Another thread's failure may have spoilt what this one has just computed.
    for (;;) {
      const auto session = sessions_.get();
      auto values = run(*session, feeds, sizes);
      if (!session->is_spoilt()) return values;
    }
  }

  std::vector<Unsupported> warnings() const override { return warnings_; }

 private:
  struct Output {
    ov::Output<const ov::Node> port;
    const TensorMeta* meta;  ///< null for a runtime scalar
    bool is_foreseeable;     ///< its size follows from those of the inputs
  };
  struct NumberInput {
    ov::Output<const ov::Node> port;
    symbolic::Expression value;
    bool is_shape;
  };
  struct Check {
    ov::Output<const ov::Node> port;  ///< a boolean
    std::string message;
  };
  struct InputSymbol {
    size_t feed;
    SymbolSource symbol;
  };

  /// Of these feeds, which are checked.
  std::vector<c10::IValue> run(Session& session, const std::vector<at::Tensor>& feeds,
                               const RuntimeSizes& sizes) const {
    const auto request = session.take_request();
    std::vector<at::Tensor> results;
    try {
      for (size_t i = 0; i < feeds.size(); ++i) {
        if (inputs_[i]) request->set_tensor(*inputs_[i], view_of(feeds[i]));
      }
      for (const NumberInput& number : numbers_) hand_over(*request, number, sizes);
      for (const Output& output : outputs_) results.push_back(offer_memory(*request, output, sizes));
      request->infer();
    } catch (const ov::Exception& error) {
      session.spoil();
      throw Error(failure_in_run(error.what()));
    }
    for (const auto& [port, message] : checks_) {
      if (!copy_of(request->get_tensor(port)).item().toBool()) throw Error(message);
    }
    std::vector<c10::IValue> values;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const at::Tensor result = taken(request->get_tensor(outputs_[i].port), results[i], i, sizes);
      values.push_back(outputs_[i].meta == nullptr ? c10::IValue(result.item()) : c10::IValue(result));
    }
    return values;
  }

  /// `value`: null for a number that is computed from runtime scalars.
  static Output describe(const Value* value, const ov::Output<const ov::Node>& port) {
    if (value == nullptr || !value->is_tensor()) return {port, nullptr, false};
    const TensorMeta& meta = value->tensor();
    const auto depends_on_data_sizes = [](const c10::SymInt& size) {
      return symbolic::is_data_dependent(expression_of(size));
    };
    return {port, &meta, std::ranges::none_of(meta.sizes, depends_on_data_sizes)};
  }

  /// OpenVINO cuts what 32 bits don't hold.
  void check_int64(const at::Tensor& tensor, const std::string& name) const {
    if (tensor.scalar_type() != at::kLong) return;
    const std::span values(tensor.const_data_ptr<int64_t>(), static_cast<size_t>(tensor.numel()));
    const auto is_beyond = [this](int64_t value) { return value < int64_min_ || value > int64_max_; };
    const auto beyond = std::ranges::find_if(values, is_beyond);
    if (beyond == values.end()) return;
    throw InvalidInput(name + ": it holds " + std::to_string(*beyond) +
                       ", but openvino computes int64 in 32 bits: it takes " + std::to_string(int64_min_) + " to " +
                       std::to_string(int64_max_) + " in this program; the engine \"aten\" takes all");
  }

  static void hand_over(ov::InferRequest& request, const NumberInput& number, const RuntimeSizes& sizes) {
    const c10::IValue value = sizes.number(number.value);
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
  static at::Tensor offer_memory(ov::InferRequest& request, const Output& output, const RuntimeSizes& sizes) {
    if (!output.is_foreseeable || scalar_type(output.port.get_element_type()) != output.meta->dtype) return {};
    const at::Tensor memory = at::empty(sizes.evaluate(output.meta->sizes), at::TensorOptions(output.meta->dtype));
    request.set_tensor(output.port, view_of(memory));
    return memory;
  }

  /// What OpenVINO gave, in the memory that it was offered or in a copy: it may have chosen memory of its own.
  at::Tensor taken(const ov::Tensor& given, const at::Tensor& offered, size_t index, const RuntimeSizes& sizes) const {
    const Output& output = outputs_[index];
    if (output.meta != nullptr) check_shape(given.get_shape(), *output.meta, index, sizes);
    const bool is_there = offered.defined() && (offered.numel() == 0 || given.data() == offered.const_data_ptr());
    return is_there ? offered : copy_of(given);
  }

  static void check_shape(const ov::Shape& given, const TensorMeta& meta, size_t index, const RuntimeSizes& sizes) {
    const auto is_expected = [&](const c10::SymInt& size, size_t got) {
      const auto expression = expression_of(size);
      return symbolic::is_data_dependent(expression) || sizes.evaluate(expression) == static_cast<int64_t>(got);
    };
    if (std::ranges::equal(meta.sizes, given, is_expected)) return;
    std::ostringstream message;
    message << "openvino gave output " << index << " of this program the shape " << ov::PartialShape(given)
            << ", but at these sizes of the inputs it is " << meta.str() << ": its values can't be trusted";
    throw Error(message.str());
  }

  std::string failure_in_run(const std::string& error) const {
    const Node* node = locator_.node_of(error);
    if (node == nullptr) return "openvino failed while running the program: " + essence_of(error);
    return "openvino failed at " + Call(*node).name() + ": " + essence_of(error) + "\n" +
           tracejet::describe(node->where(), *graph_);
  }

  std::shared_ptr<const Graph> graph_;
  FailureLocator locator_;
  std::vector<Unsupported> warnings_;
  int64_t int64_min_, int64_max_;                                  // where int64 inputs have to lie
  std::vector<std::optional<ov::Output<const ov::Node>>> inputs_;  // none where no output depends on it
  std::vector<std::string> input_names_;
  std::vector<InputSymbol> input_symbols_;
  std::vector<NumberInput> numbers_;
  std::vector<RuntimeAssertion> requirements_;  // of these symbols
  std::vector<Output> outputs_;
  std::vector<Check> checks_;
  Sessions sessions_;
};

}  // namespace

std::unique_ptr<Executable> prepare(std::shared_ptr<const Graph> graph, const Feeds& feeds,
                                    const CompileSettings& settings) {
  Model model = read(*graph, feeds);
  try {
    if (model.refused.empty()) return std::make_unique<Program>(graph, feeds, model, settings);
  } catch (const ov::Exception& error) {
    model.refused.push_back(FailureLocator(model.onnx).refusal(error.what()));
  }
  throw UnsupportedOperator(report(*graph, model.refused, target().name) + "\nThe engine \"aten\" runs every program.");
}

std::vector<Unsupported> find_unsupported(const Graph& graph, const Feeds& feeds) { return read(graph, feeds).refused; }

std::vector<Unsupported> find_warnings(const Graph& graph, const Feeds& feeds) {
  onnx::Lowering lowering(graph, feeds, target());
  lowering.run();
  return lowering.warnings();
}

}  // namespace tracejet::openvino
