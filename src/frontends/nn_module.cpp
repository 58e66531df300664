// Traces torch::nn modules of C++.
#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "frontends/cpp_code.h"
#include "frontends/model_trace.h"
#include "frontends/running_module.h"
#include <tracejet/nn_module.h>

namespace tracejet {

Input input_like(const at::Tensor& example) {
  Input input = Input::fixed(example.sizes().vec(), example.scalar_type());
  input.device = example.device();
  input.format = example.suggest_memory_format();
  if (example.is_contiguous(input.format)) return input;
  throw InvalidInput(
      "an example tensor is laid out in another way than contiguous or channels last; give forward one "
      "that is contiguous, or an Input",
      ErrorCode::kUnsupportedArgument);
}

namespace {

const std::string kLeftBehind =
    "forward leaves a tensor that it has computed in a member of a module, or elsewhere, which a program doesn't keep "
    "between calls: register a buffer of fixed shape, and write to it (copy_) instead of binding it anew. What forward "
    "fills once, at its first call: call it before the trace";

class StructuredResults final : public Results {
 public:
  StructuredResults(std::string structure, std::vector<c10::IValue> literals)
      : structure_(std::move(structure)), literals_(std::move(literals)) {}
  bool is_like(const Results& other) const override {
    const auto& as_this = static_cast<const StructuredResults&>(other);
    return structure_ == as_this.structure_ && literals_ == as_this.literals_;
  }

 private:
  std::string structure_;
  std::vector<c10::IValue> literals_;  ///< that no graph knows: texts, booleans
};

class ModuleFrontend final : public Frontend {
 public:
  explicit ModuleFrontend(const ModuleCall& call)
      : call_(call), restore_(call.keep_members ? call.keep_members() : [] {}) {}

  ModuleFrontend(const ModuleFrontend&) = delete;
  ModuleFrontend& operator=(const ModuleFrontend&) = delete;
  ~ModuleFrontend() override { restore_(); }

  bool has_memory() const override { return true; }

  void run(ModelTrace& trace) override {
    if (!trace.variation().is_second_call) restore();
    graphs_.push_back(trace.tracer().graph());
    record(trace);
  }

  /// Whether something holds a tensor of a trace, once the session is over. `program`: the graph that is kept.
  bool left_tensors_behind(const std::shared_ptr<const Graph>& program) const {
    return members_held_tensors_ || std::ranges::any_of(graphs_, [&](const std::weak_ptr<Graph>& graph) {
             const auto held = graph.lock();
             if (held == nullptr) return false;
             return held.use_count() > (held == program ? 2 : 1);
           });
  }

 private:
  /// Gives the module object its members back.
  void restore() {
    const auto held = [this] { return graphs_.empty() ? 0 : graphs_.back().use_count(); };  // by traced tensors, too
    const long before = held();
    restore_();
    members_held_tensors_ |= held() != before;
  }

  void record(ModelTrace& trace) const {
    Tracer& tracer = trace.tracer();
    for (const auto& each : call_.module->named_parameters()) tracer.state().add_parameter(each.key(), each.value());
    for (const auto& each : call_.module->named_buffers()) {
      tracer.state().add_buffer(each.key(), each.value(), /*persistent=*/true);
    }
    const std::vector<at::Tensor> inputs = trace.add_inputs();
    const at::NoGradGuard no_grad;
    record_run(trace, [&] {
      const RunningModule running(tracer, *call_.module);
      return run_forward(tracer, inputs);
    });
  }

  std::unique_ptr<Results> run_forward(Tracer& tracer, const std::vector<at::Tensor>& inputs) const {
    FlatResults results = run_code(tracer, [&] { return call_.forward(inputs); });
    std::vector<c10::IValue> literals;
    for (c10::IValue& value : results.values) {
      if (value.isTensor() && !value.toTensor().defined()) value = {};
      if (value.isBool() || value.isString() || value.isNone()) literals.push_back(value);
      tracer.signature().add_output(std::move(value));
    }
    return std::make_unique<StructuredResults>(std::move(results.structure), std::move(literals));
  }

  const ModuleCall& call_;
  std::function<void()> restore_;
  std::vector<std::weak_ptr<Graph>> graphs_;  ///< of all traces
  bool members_held_tensors_ = false;         ///< of a trace, when they were restored
};

}  // namespace

Program trace(const ModuleCall& call, const std::vector<Input>& inputs, const TraceOptions& options) {
  ModuleFrontend frontend(call);
  std::optional<Program> program;
  try {
    program = trace_code(frontend, inputs, options);
  } catch (const Error&) {
    if (frontend.left_tensors_behind(nullptr)) throw UnsupportedOperator(kLeftBehind, ErrorCode::kModelState);
    throw;
  }
  if (frontend.left_tensors_behind(program->graph())) throw UnsupportedOperator(kLeftBehind, ErrorCode::kModelState);
  return *std::move(program);
}

Report diagnose(const ModuleCall& call, const std::vector<Input>& inputs, const TraceOptions& options) {
  ModuleFrontend frontend(call);
  Report report = diagnose_code(frontend, inputs, options);
  if (report.error.empty() && frontend.left_tensors_behind(nullptr)) {
    report.error = "UnsupportedOperator: " + kLeftBehind;
    report.problems.push_back({.kind = "error", .forces = "the trace ended with " + report.error});
  }
  return report;
}

}  // namespace tracejet
