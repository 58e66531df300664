#include "verify/suitable_inputs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/isfinite.h>

#include "base/error.h"
#include "verify/input_facts.h"
#include "verify/random_inputs.h"

namespace tracejet {

namespace {

/// Domains of random inputs, in the order in which they are tried.
constexpr Domain kDomains[] = {{64, false}, {8, false}, {2, false}, {64, true}, {8, true}, {2, true}, {1, true}};

/// How much of what a program gives is numbers, and neither NaN nor infinite.
double finite_part(const Outcome& outcome) {
  double part = 1;
  for (const auto& [name, value] : outcome.values) {
    if (!value.isTensor() || value.toTensor().numel() == 0 || !value.toTensor().is_floating_point()) continue;
    // Of 8 bits, PyTorch has no isfinite.
    const at::Tensor tensor = value.toTensor().element_size() > 1 ? value.toTensor() : value.toTensor().to(at::kFloat);
    part = std::min(part, at::isfinite(tensor).sum().item().toDouble() / static_cast<double>(tensor.numel()));
  }
  return part;
}

}  // namespace

SuitableInputs suitable_inputs(const Graph& graph, const Trial& trial, uint64_t seed,
                               const std::function<Outcome(const std::vector<at::Tensor>&)>& eager) {
  const auto facts = facts_of_inputs(graph);
  const at::Generator generator = at::detail::createCPUGenerator(seed);
  std::optional<std::string> refusal;
  SuitableInputs best;
  double best_part = -1;
  for (const Domain& domain : kDomains) {
    std::vector<at::Tensor> inputs = random_inputs(graph, facts, trial.sizes, domain, generator);
    Outcome outcome = eager(inputs);
    if (outcome.failure) {
      if (!refusal) refusal = outcome.failure;
      continue;
    }
    const double part = finite_part(outcome);
    if (part > best_part) {
      best_part = part;
      best = {std::move(inputs), std::move(outcome)};
    }
    if (best_part > 0.75) break;
  }
  if (best_part < 0) {
    throw InvalidInput("no random inputs were found that this program takes, at \"" + trial.name +
                           "\": pass some as `inputs`. Eager's kernels say: " + *refusal,
                       ErrorCode::kVerifyInputs);
  }
  return best;
}

}  // namespace tracejet
