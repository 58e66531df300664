// Traces programs: lowers them anew.
#include "frontends/program.h"

#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "base/identifier.h"
#include "frontends/cpp_code.h"
#include "frontends/graph_replay.h"
#include "frontends/session.h"
#include "ir/symbolic_constant.h"
#include "ops/shape/shape.h"
#include "symbolic/context.h"
#include <tracejet/program.h>

namespace tracejet {

namespace {

/// For axes without an upper bound: the largest size that every engine can count.
constexpr int64_t kUnbounded = (int64_t{1} << 31) - 1;

bool is_in_format(const TensorMeta& meta, c10::MemoryFormat format) {
  const bool has_rank =
      format == c10::MemoryFormat::Contiguous || meta.dim() == (format == c10::MemoryFormat::ChannelsLast ? 4 : 5);
  return has_rank &&
         shape::known_equal(meta.strides, shape::in_format(meta.sizes, format, meta.dtype, meta.device).strides);
}

Input input_of(const GraphInput& given, symbolic::Context& shapes) {
  const TensorMeta& meta = given.value->tensor();
  Input input;
  input.name = given.name;
  input.dtype = meta.dtype;
  input.device = meta.device;
  for (size_t axis = 0; axis < meta.sizes.size(); ++axis) {
    const auto size = symbolic_expression(meta.sizes[axis]);
    if (!size || size->is_constant()) {
      const int64_t known = size ? size->constant() : *meta.sizes[axis].maybe_as_int();
      for (auto* sizes : {&input.min_shape, &input.opt_shape, &input.max_shape}) sizes->push_back(known);
      continue;
    }
    const symbolic::Range range = shapes.range(*size);
    const int64_t low = std::max<int64_t>(range.min, 0), high = std::min(range.max, kUnbounded);
    input.min_shape.push_back(low);
    input.opt_shape.push_back(std::clamp(size->has_hint() ? size->hint() : low, low, high));
    input.max_shape.push_back(high);
    const bool is_symbol = size->is_symbol() && is_identifier(size->symbol().name);
    if (is_symbol) input.shared_dims.emplace(static_cast<int64_t>(axis), size->symbol().name);
  }
  for (const auto format : {c10::MemoryFormat::ChannelsLast, c10::MemoryFormat::ChannelsLast3d}) {
    if (!is_in_format(meta, c10::MemoryFormat::Contiguous) && is_in_format(meta, format)) input.format = format;
  }
  return input;
}

/// The strides of a tensor that lies otherwise in memory than its Input says; nullopt where it doesn't.
std::optional<std::vector<int64_t>> own_strides(const GraphInput& given, const Input& input) {
  const TensorMeta& meta = given.value->tensor();
  if (is_in_format(meta, input.format)) return std::nullopt;
  std::vector<int64_t> strides;
  for (const c10::SymInt& stride : meta.strides) {
    const auto known = stride.maybe_as_int();
    if (!known) {
      throw UnsupportedOperator("the input " + given.name + " is " + meta.str() +
                                    ", whose layout follows from sizes that vary in no way known here",
                                ErrorCode::kFileContent);
    }
    strides.push_back(*known);
  }
  return strides;
}

std::vector<Input> inputs_of(const Graph& graph) {
  std::vector<Input> inputs;
  for (const GraphInput& given : graph.inputs()) {
    if (given.kind != GraphInput::Kind::kUser || given.value == nullptr) continue;
    inputs.push_back(input_of(given, graph.shapes()));
  }
  return inputs;
}

std::vector<ModelInput> model_inputs_of(const Graph& graph) {
  const std::vector<Input> declared = inputs_of(graph);
  std::vector<ModelInput> tensors = model_inputs(declared), all;
  size_t next = 0;
  for (const GraphInput& given : graph.inputs()) {
    if (given.kind != GraphInput::Kind::kUser) continue;
    if (given.value == nullptr) {
      all.push_back({.name = given.name, .shape = std::nullopt, .strides = std::nullopt});
      continue;
    }
    tensors[next].strides = own_strides(given, declared[next]);
    all.push_back(std::move(tensors[next++]));
  }
  return all;
}

/// A program gives what it gives, however often it is run.
class SameResults final : public Results {
 public:
  bool is_like(const Results& /*other*/) const override { return true; }
};

class ProgramFrontend final : public Frontend {
 public:
  ProgramFrontend(const Graph& graph, FrontendHooks hooks)
      : graph_(graph), texts_(graph, read_source_lines()), hooks_(std::move(hooks)) {}

  FrontendHooks hooks() const override { return hooks_; }

  void run(ModelTrace& trace) override {
    Tracer& tracer = trace.tracer();
    for (const GraphInput& given : graph_.inputs()) announce(tracer, given);
    const std::vector<at::Tensor> inputs = trace.add_inputs();
    const at::NoGradGuard no_grad;
    record_run(trace, [&] {
      replay(tracer, inputs);
      return std::make_unique<SameResults>();
    });
  }

 private:
  static void announce(Tracer& tracer, const GraphInput& given) {
    if (!given.data.defined()) return;
    const c10::Device device = given.value->tensor().device;
    if (device != given.data.device()) tracer.state().set_device(device);  // it was traced for a device elsewhere
    if (given.kind == GraphInput::Kind::kParameter) tracer.state().add_parameter(given.name, given.data);
    if (given.kind == GraphInput::Kind::kBuffer) tracer.state().add_buffer(given.name, given.data, given.persistent);
  }

  void replay(Tracer& tracer, const std::vector<at::Tensor>& inputs) const {
    GraphReplay replay(tracer, graph_, texts_);
    std::vector<at::Tensor> given;  // in the order of the graph's inputs
    size_t next = 0;
    for (const GraphInput& input : graph_.inputs()) {
      given.push_back(input.kind == GraphInput::Kind::kUser ? inputs.at(next++) : input.data);
      if (input.value != nullptr) replay.set(*input.value, given.back());
    }
    replay.check_inputs();
    replay.run();
    for (const GraphOutput& output : graph_.outputs()) {
      if (output.kind == GraphOutput::Kind::kUser) {
        tracer.signature().add_output(output.value == nullptr ? replay.constant(output.literal)
                                                              : replay.value(*output.value));
      } else if (output.kind == GraphOutput::Kind::kBufferMutation) {
        tracer.signature().rebind_buffer(given[output.target], replay.value(*output.value).toTensor());
      } else {
        given[output.target].copy_(replay.value(*output.value).toTensor());
      }
    }
  }

  const Graph& graph_;
  const StackTexts texts_;
  const FrontendHooks hooks_;
};

}  // namespace

std::vector<Input> inputs_of(const Program& program) { return inputs_of(*program.graph()); }

std::shared_ptr<Graph> retraced(const Graph& graph, const TraceSettings& settings, const FrontendHooks& hooks) {
  ProgramFrontend frontend(graph, hooks);
  Session session(frontend, model_inputs_of(graph), settings);
  session.run();
  if (session.is_violated()) throw ConstraintViolation(session.report().str());
  return session.trace().graph();
}

Program trace(const Program& program, const TraceOptions& options) {
  return Program(retraced(*program.graph(), settings_of(options)), program.inputs());
}

}  // namespace tracejet
