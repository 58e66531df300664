// Traces C++ code that calls ATen.
#include <algorithm>
#include <string_view>

#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "capture/refusal.h"
#include "frontends/session.h"
#include "frontends/suggestion.h"
#include <tracejet/trace.h>

namespace tracejet {

std::string Program::str() const { return graph_->str(); }

size_t Program::node_count() const { return graph_->nodes().size(); }

namespace {

/// PyTorch's own words for data that only a run has, or for a dynamic size that was taken for a number, in ours.
[[noreturn]] void rethrow(const c10::Error& error, const Tracer& tracer) {
  static constexpr std::string_view kGot = "expected int but got ";
  const std::string message = error.what_without_backtrace();
  if (const std::exception_ptr of_operator = tracer.locations().errors().find(message))
    std::rethrow_exception(of_operator);
  if (asks_for_data(message)) {
    throw DataDependent(
        "the code asks for a tensor's memory (data_ptr, accessor), which only exists when the program runs; "
        "compute with the tensor instead");
  }
  const size_t got = message.find(kGot);
  if (got == std::string::npos) throw error;
  const std::string size =
      message.substr(got + kGot.size(), message.find_first_of(" \n", got + kGot.size()) - got - kGot.size());
  const auto axes = tracer.guards().symbol_axes().find(size);
  throw UnsupportedOperator(
      "the code takes " + (axes == tracer.guards().symbol_axes().end() ? size : axes->second.front()) +
      ", a dynamic size, for a plain number (expect_int(), or a call that takes int64_t); hand it "
      "on as a SymInt, ask guard_int() where one size is meant, or make the axis static");
}

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

  void run(ModelTrace& trace) override {
    Tracer& tracer = trace.tracer();
    for (const auto& [name, parameter] : state_.parameters) tracer.state().add_parameter(name, parameter);
    for (const auto& [name, buffer] : state_.buffers) tracer.state().add_buffer(name, buffer, /*persistent=*/true);
    const std::vector<at::Tensor> inputs = trace.add_inputs();
    const at::NoGradGuard no_grad;
    try {
      trace.record([&] { return run_forward(tracer, inputs); });
    } catch (const c10::Error& error) {
      rethrow(error, tracer);
    }
  }

 private:
  std::unique_ptr<Results> run_forward(Tracer& tracer, const std::vector<at::Tensor>& inputs) const {
    std::vector<at::Tensor> results = forward_(inputs);
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i].defined()) {
        throw InvalidInput("forward returns an undefined tensor as result " + std::to_string(i) +
                           ", which can't be a program's result; leave it out");
      }
      tracer.signature().add_output(std::move(results[i]));
    }
    return std::make_unique<ResultCount>(results.size());
  }

  const Forward& forward_;
  const ModelState& state_;
};

TraceSettings settings_of(const TraceOptions& options) {
  return {.decompositions = options.decompositions,
          .asserts_relations = options.prefer_deferred_runtime_asserts_over_guards};
}

/// An exception as reports have it: "ShapeError: [aten::cat] sizes must match …".
std::string in_words(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const DataDependent& own) {
    return std::string("DataDependent: ") + own.what();
  } catch (const UnsupportedOperator& own) {
    return std::string("UnsupportedOperator: ") + own.what();
  } catch (const ShapeError& own) {
    return std::string("ShapeError: ") + own.what();
  } catch (const InvalidInput& own) {
    return std::string("InvalidInput: ") + own.what();
  } catch (const Error& own) {
    return std::string("Error: ") + own.what();
  } catch (const c10::Error& of_pytorch) {
    return std::string("c10::Error: ") + of_pytorch.what_without_backtrace();
  } catch (const std::exception& of_model) {
    return std::string("an exception: ") + of_model.what();
  }
}

}  // namespace

Program trace(const Forward& forward, const std::vector<Input>& inputs, const ModelState& state,
              const TraceOptions& options) {
  FunctionFrontend frontend(forward, state);
  Session session(frontend, model_inputs(inputs), settings_of(options));
  session.run();
  if (session.is_violated()) throw ConstraintViolation(session.report().str());
  return Program(session.trace().graph(), inputs);
}

Report diagnose(const Forward& forward, const std::vector<Input>& inputs, const ModelState& state,
                const TraceOptions& options) {
  FunctionFrontend frontend(forward, state);
  const std::vector<ModelInput> bound = model_inputs(inputs);
  Session session(frontend, bound, settings_of(options));
  std::string error;
  try {
    session.run();
  } catch (const std::exception&) {
    error = in_words(std::current_exception());
  }
  Report report = session.report(error);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto suggested = suggested_input(inputs[i], *bound[i].shape, report.suggested_dimensions);
    report.suggested_inputs.push_back(suggested.value_or(inputs[i]));
  }
  return report;
}

}  // namespace tracejet
