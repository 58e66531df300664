#include "frontends/cpp_code.h"

#include <mutex>
#include <optional>
#include <utility>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/equal.h>

#include "base/error.h"
#include "capture/keys.h"
#include "capture/plain_sizes.h"
#include "capture/refusal.h"
#include "frontends/session.h"
#include "frontends/suggestion.h"

namespace tracejet {

void rethrow_of_code(const c10::Error& error, const Tracer& tracer) {
  const std::string message = error.what_without_backtrace();
  if (const std::exception_ptr of_operator = tracer.locations().errors().find(message))
    std::rethrow_exception(of_operator);
  if (asks_for_data(message)) {
    throw DataDependent(
        "the code asks for a tensor's memory (data_ptr, accessor, torch::tensor of a vector), which only exists when "
        "the program runs; compute with the tensor instead, and make tables once, as members of the module",
        ErrorCode::kDataAccess);
  }
  const std::optional<std::string> size = size_taken_for_number(message);
  if (!size) throw;
  const auto axes = tracer.guards().symbol_axes().find(*size);
  throw UnsupportedOperator(
      "the code takes " + (axes == tracer.guards().symbol_axes().end() ? *size : axes->second.front()) +
          ", a dynamic size, for a plain number (expect_int(), or a call that takes int64_t); hand it "
          "on as a SymInt, ask guard_int() where one size is meant, or make the axis static",
      ErrorCode::kPlainNumber);
}

namespace {

/// The generator that PyTorch draws from, as it is when this is made, and again when it ends if it was seeded.
/// Other threads may draw from it in the meantime, which seeds nothing.
class KeptGenerator {
 public:
  KeptGenerator() : before_(now()) {}
  KeptGenerator(const KeptGenerator&) = delete;
  KeptGenerator& operator=(const KeptGenerator&) = delete;
  ~KeptGenerator() {
    if (!is_seeded()) return;
    const ExcludeTracingGuard guard;
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    const std::scoped_lock lock(generator.mutex());
    generator.set_state(before_.state);
  }
  bool is_seeded() const {
    const ExcludeTracingGuard guard;
    const Drawn after = now();
    if (at::equal(after.state, before_.state)) return false;
    if (after.seed != before_.seed) return true;
    return at::equal(after.state, at::detail::createCPUGenerator(after.seed).get_state());
  }

 private:
  struct Drawn {
    uint64_t seed;
    at::Tensor state;
  };

  static Drawn now() {
    const ExcludeTracingGuard guard;
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    const std::scoped_lock lock(generator.mutex());
    return {generator.current_seed(), generator.get_state()};
  }

  Drawn before_;
};

}  // namespace

void record_run(ModelTrace& trace, const std::function<std::unique_ptr<Results>()>& run) {
  try {
    const KeptGenerator generator;
    trace.record(run);
    if (generator.is_seeded()) {
      throw UnsupportedOperator(
          "forward seeds PyTorch's generator (torch::manual_seed), which can't be part of a program: seed before the "
          "program is run, or take the random tensor as an argument of forward",
          ErrorCode::kRandomGenerator);
    }
  } catch (const c10::Error& error) {
    rethrow_of_code(error, trace.tracer());
  }
}

void rethrow_of_module(const c10::Error& error, Tracer& tracer) {
  const PlainSizes& plain = tracer.plain_sizes();
  if (plain.empty() || !is_raised_by_module(error)) throw;
  throw ShapeError("a module of PyTorch's refuses what it is given: " + plain.in_words(error.what_without_backtrace()) +
                   "\nThe dynamic sizes there are " + plain.axes() +
                   ": those that have to be equal must share a name (Input::shared_dims)");
}

TraceSettings settings_of(const TraceOptions& options) {
  return {.decompositions = options.decompositions,
          .asserts_relations = options.prefer_deferred_runtime_asserts_over_guards};
}

namespace {

/// An exception as reports have it: "ShapeError: [aten::cat] sizes must match …".
std::string in_words(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& own) {
    return std::string(own.kind()) + ": " + own.what();
  } catch (const c10::Error& of_pytorch) {
    return std::string("c10::Error: ") + of_pytorch.what_without_backtrace();
  } catch (const std::exception& of_model) {
    return std::string("an exception: ") + of_model.what();
  }
}

}  // namespace

Program trace_code(Frontend& frontend, const std::vector<Input>& inputs, const TraceOptions& options) {
  Session session(frontend, model_inputs(inputs), settings_of(options));
  session.run();
  if (session.is_violated()) throw ConstraintViolation(session.report().str());
  return Program(session.trace().graph(), inputs);
}

Report diagnose_code(Frontend& frontend, const std::vector<Input>& inputs, const TraceOptions& options) {
  const std::vector<ModelInput> bound = model_inputs(inputs);
  Session session(frontend, bound, settings_of(options));
  std::string error;
  try {
    session.run();
    session.is_violated();  // which the model may have something against, too
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
