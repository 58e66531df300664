#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontends/retrace.h"
#include <tracejet/report.h>

namespace tracejet {

/// One call of trace() or diagnose(), whatever language the model is written in: the model's trace, and those that show
/// for which sizes and data it is right.
class Session {
 public:
  Session(Frontend& frontend, std::vector<ModelInput> inputs, TraceSettings settings)
      : traces_(frontend, std::move(inputs), std::move(settings)), first_(traces_.make()), best_(first_) {}

  /// Traces. Throws what ended the trace. Whether it holds at every size that was declared, is_violated() says.
  void run();

  /// The trace that is right for the most sizes and data; where run() threw, the first one.
  const ModelTrace& trace() const { return *best_; }
  /// Whether something keeps sizes from varying as declared.
  bool is_violated();
  /// Everything that was assumed of sizes. `error`: what run() has thrown, in words.
  Report report(const std::string& error = "");

 private:
  void trace_with_rewritten_calls();
  /// What one run of a loop's body leaves behind, wherever that is, must show neither in the next nor later.
  void check_loops(const ModelTrace& trace);
  Trace trace_for_any_texts(Trace first);
  const Guards& harmless();
  void refuse(const RefusedSizes& refused);

  Traces traces_;
  const std::shared_ptr<ModelTrace> first_;
  Trace last_;  ///< that has run for its own sake, not as a proof
  Trace best_;
  std::optional<Guards> harmless_;  ///< of best_
};

}  // namespace tracejet
