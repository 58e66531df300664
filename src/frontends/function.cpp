// Traces C++ functions that call ATen.
#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "frontends/cpp_code.h"
#include "frontends/model_trace.h"
#include <tracejet/trace.h>

namespace tracejet {

std::string Program::str() const { return graph_->str(); }

namespace {

/// How many tensors a function gave.
class ResultCount final : public Results {
 public:
  explicit ResultCount(size_t count) : count_(count) {}
  bool is_like(const Results& other) const override { return count_ == static_cast<const ResultCount&>(other).count_; }

 private:
  size_t count_;
};

class FunctionFrontend final : public Frontend {
 public:
  FunctionFrontend(const Forward& forward, const ModelState& state) : forward_(forward), state_(state) {}

  bool has_memory() const override { return true; }

  void run(ModelTrace& trace) override {
    Tracer& tracer = trace.tracer();
    for (const auto& [name, parameter] : state_.parameters) tracer.state().add_parameter(name, parameter);
    for (const auto& [name, buffer] : state_.buffers) tracer.state().add_buffer(name, buffer, /*persistent=*/true);
    const std::vector<at::Tensor> inputs = trace.add_inputs();
    const at::NoGradGuard no_grad;
    record_run(trace, [&] { return run_forward(tracer, inputs); });
  }

 private:
  std::unique_ptr<Results> run_forward(Tracer& tracer, const std::vector<at::Tensor>& inputs) const {
    std::vector<at::Tensor> results = run_code(tracer, [&] { return forward_(inputs); });
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i].defined()) {
        throw InvalidInput("forward returns an undefined tensor as result " + std::to_string(i) +
                               ", which can't be a program's result; leave it out",
                           ErrorCode::kProgramResult);
      }
      tracer.signature().add_output(std::move(results[i]));
    }
    return std::make_unique<ResultCount>(results.size());
  }

  const Forward& forward_;
  const ModelState& state_;
};

}  // namespace

Program trace(const Forward& forward, const std::vector<Input>& inputs, const ModelState& state,
              const TraceOptions& options) {
  FunctionFrontend frontend(forward, state);
  return trace_code(frontend, inputs, options);
}

Report diagnose(const Forward& forward, const std::vector<Input>& inputs, const ModelState& state,
                const TraceOptions& options) {
  FunctionFrontend frontend(forward, state);
  return diagnose_code(frontend, inputs, options);
}

}  // namespace tracejet
