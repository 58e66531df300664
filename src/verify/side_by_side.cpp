#include "verify/side_by_side.h"

#include <mutex>
#include <set>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "verify/comparison.h"

namespace tracejet {

namespace {

at::ScalarType dtype_of(const c10::IValue& value) {
  return value.isTensor() ? value.toTensor().scalar_type() : value.isDouble() ? at::kDouble : at::kLong;
}

}  // namespace

FixedSeed::FixedSeed() : generator_(at::detail::getDefaultCPUGenerator()) {
  const std::scoped_lock lock(generator_.mutex());
  before_ = generator_.get_state();
  generator_.set_current_seed(0);
}

FixedSeed::~FixedSeed() {
  const std::scoped_lock lock(generator_.mutex());
  generator_.set_state(before_);
}

KeptState::KeptState(const Graph& graph, const OwnState& own) {
  std::set<size_t> seen;
  for (const GraphOutput& output : graph.outputs()) {
    if (output.kind != GraphOutput::Kind::kBufferMutation || !seen.insert(output.target).second) continue;
    const GraphInput& buffer = graph.inputs()[output.target];
    const at::Tensor& data = data_of(graph, own, output.target);
    buffers_.push_back({buffer.name, data, data.detach().clone()});
  }
}

KeptState::~KeptState() { restore(); }

void KeptState::restore() const {
  const at::NoGradGuard no_grad;
  for (const Buffer& buffer : buffers_) buffer.data.copy_(buffer.before);
}

std::vector<std::pair<std::string, at::Tensor>> KeptState::now() const {
  std::vector<std::pair<std::string, at::Tensor>> values;
  for (const Buffer& buffer : buffers_) values.emplace_back(buffer.name, buffer.data.detach().clone());
  return values;
}

void KeptState::take_over(const KeptState& other) const {
  const at::NoGradGuard no_grad;
  for (const Buffer& mine : buffers_) {
    for (const Buffer& theirs : other.buffers_) {
      const bool fits = mine.name == theirs.name && mine.data.sizes() == theirs.before.sizes();
      if (fits && !mine.data.is_alias_of(theirs.data)) mine.data.copy_(theirs.before);
    }
  }
}

Outcome outcome_of(const RunProgram& run, const Graph& graph, const KeptState& state,
                   const std::vector<at::Tensor>& inputs, const std::vector<std::string>& output_names) {
  const at::NoGradGuard no_grad;
  const FixedSeed seed;
  std::vector<at::Tensor> copies;
  for (const at::Tensor& input : inputs) copies.push_back(input.detach().clone());
  Outcome outcome;
  std::vector<c10::IValue> results;
  try {
    results = run(copies);
  } catch (const std::exception& error) {
    outcome.failure = said_by(error);
    return outcome;
  }
  for (size_t i = 0; i < results.size(); ++i) {
    std::string name = i < output_names.size() ? output_names[i] : "output " + std::to_string(i);
    // Results may be views of what later runs write.
    outcome.values.emplace_back(std::move(name),
                                results[i].isTensor() ? c10::IValue(results[i].toTensor().clone()) : results[i]);
  }
  for (auto& [name, value] : state.now()) outcome.values.emplace_back("buffer " + name, value);
  std::vector<std::string> names;
  std::vector<size_t> positions(graph.inputs().size());
  for (size_t i = 0, next = 0; i < graph.inputs().size(); ++i) {
    if (graph.inputs()[i].kind == GraphInput::Kind::kUser && graph.inputs()[i].value != nullptr) positions[i] = next++;
  }
  for (const GraphOutput& output : graph.outputs()) {
    if (output.kind != GraphOutput::Kind::kInputMutation) continue;
    outcome.values.emplace_back("input " + graph.inputs()[output.target].name, copies.at(positions[output.target]));
  }
  return outcome;
}

std::vector<VerifiedOutput> compare(const Outcome& expected, const Outcome& got, at::ScalarType precision,
                                    std::optional<double> rounding) {
  std::vector<VerifiedOutput> compared;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    const auto& [name, value] = expected.values[i];
    if (i >= got.values.size()) {
      compared.push_back({name, false, INFINITY, INFINITY, "is missing"});
      continue;
    }
    const double allowed = rounding.value_or(value.isNone() ? 0 : rounding_of(dtype_of(value), precision));
    Comparison found = compare(value, got.values[i].second, allowed);
    compared.push_back({name, found.is_equal, found.absolute, found.relative, std::move(found.problem)});
  }
  return compared;
}

}  // namespace tracejet
