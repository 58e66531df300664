#include "ir/passes/pass.h"

#include <cstdlib>

#include "base/error.h"
#include "ir/verify.h"

namespace tracejet {

namespace {

bool are_verified() {
  static const bool verified = std::getenv("TRACEJET_VERIFY_PASSES") != nullptr;
  return verified;
}

}  // namespace

void run_pass(const Pass& pass, Graph& graph) {
  pass.run(graph);
  if (!are_verified()) return;
  try {
    verify_graph(graph);
  } catch (const Error& error) {
    error.rethrow_as("after the pass " + std::string(pass.name) + ": " + said_by(error));
  }
}

}  // namespace tracejet
