#include "frontends/retrace.h"

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
  return trace;
}

Attempt Traces::attempt(Variation variation) {
  auto trace = make(std::move(variation));
  const auto failure = failure_of([&] { trace->run(); });
  return {std::move(trace), failure};
}

}  // namespace tracejet
