#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <c10/util/Exception.h>

#include "frontends/frontend.h"
#include "frontends/model_trace.h"
#include "symbolic/advice.h"
#include <tracejet/trace.h>

namespace tracejet {

/// trace() and diagnose() of what C++ code hands over: every Input is one tensor.
Program trace_code(Frontend& frontend, const std::vector<Input>& inputs, const TraceOptions& options);
Report diagnose_code(Frontend& frontend, const std::vector<Input>& inputs, const TraceOptions& options);

TraceSettings settings_of(const TraceOptions& options);

/// PyTorch's own words for data that only a run has, or for a dynamic size that was taken for a number, in ours.
[[noreturn]] void rethrow_of_code(const c10::Error& error, const Tracer& tracer);
/// While it still listens: what one of PyTorch's modules says of sizes that don't fit together, with their names.
[[noreturn]] void rethrow_of_module(const c10::Error& error, Tracer& tracer);

/// Runs forward, in C++, whose errors are told so.
template <typename Run>
decltype(auto) run_code(Tracer& tracer, Run&& run) {
  const symbolic::WrittenIn written_in(symbolic::Language::kCpp);
  try {
    return run();
  } catch (const c10::Error& error) {
    rethrow_of_module(error, tracer);
  }
}

/// Records a run; what PyTorch says of it is told so.
void record_run(ModelTrace& trace, const std::function<std::unique_ptr<Results>()>& run);

}  // namespace tracejet
