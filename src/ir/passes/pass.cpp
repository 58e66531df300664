#include "ir/passes/pass.h"

#include "base/error.h"
#include "ir/verify.h"

namespace tracejet {

namespace {

#ifdef NDEBUG
constexpr bool kAlwaysVerifies = false;
#else
constexpr bool kAlwaysVerifies = true;
#endif

}  // namespace

void run_pass(const Pass& pass, Graph& graph, bool verifies) {
  pass.run(graph);
  if (!verifies && !kAlwaysVerifies) return;
  try {
    verify_graph(graph);
  } catch (const Error& error) {
    error.rethrow_as("after the pass " + std::string(pass.name) + ": " + said_by(error));
  }
}

}  // namespace tracejet
