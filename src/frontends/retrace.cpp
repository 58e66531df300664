#include "frontends/retrace.h"

#include "base/error.h"
#include "ir/analysis/equivalence.h"

namespace tracejet {

std::optional<Failure> Traces::failure_of(const std::function<void()>& work) const {
  try {
    work();
  } catch (...) {
    const Failure failure = frontend_.kind_of(std::current_exception());
    if (failure == Failure::kInterrupted) throw;
    return failure;
  }
  return std::nullopt;
}

Trace Traces::run(Variation variation) {
  auto trace = make(std::move(variation));
  trace->run();
  check_second_call(*trace);
  return trace;
}

Attempt Traces::attempt(Variation variation) {
  auto trace = make(std::move(variation));
  const auto failure = failure_of([&] { trace->run(); });
  if (!failure) check_second_call(*trace);
  return {std::move(trace), failure};
}

void Traces::check_second_call(const ModelTrace& trace) {
  if (!frontend_.has_memory()) return;
  Variation variation = trace.variation();
  variation.is_second_call = true;
  const auto second = make(std::move(variation));
  const auto reads_traced_tensors = [&] {
    try {
      second->run();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kForeignTrace) throw;
      return true;
    }
    return false;
  };
  if (!reads_traced_tensors() && trace.gives_like(*second) && gives_the_same_results(*trace.graph(), *second->graph()))
    return;
  throw UnsupportedOperator(
      "a second call of forward computes something else than the first: forward changes a variable that it reads (a "
      "number, a container, a tensor that is bound to what forward has computed, or to another one by std::swap; a "
      "static, too), which a program doesn't keep between calls; register a buffer, and write to it (copy_, add_). "
      "What "
      "forward fills once, at its first call: call it before the trace",
      ErrorCode::kModelState);
}

}  // namespace tracejet
