#include "testing/samples/table.h"

#include <array>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "testing/samples/families.h"

namespace tracejet::samples {

std::span<const std::span<const OperatorSamples>> sample_tables() {
  static const std::array tables = {
      activation_samples(),     attention_samples(),     backward_samples(),        convolution_samples(),
      creation_samples(),       factorization_samples(), gather_backward_samples(), indexing_samples(),
      linear_algebra_samples(), normalization_samples(), observer_samples(),        pointwise_samples(),
      pooling_samples(),        quantization_samples(),  random_samples(),          recurrent_samples(),
      reduction_samples(),      resampling_samples(),    spectral_samples(),        view_samples(),
  };
  return tables;
}

namespace {

using Index = std::unordered_map<std::string_view, const OperatorSamples*>;

Index build_index() {
  Index index;
  for (const auto table : sample_tables()) {
    for (const OperatorSamples& entry : table) {
      if (!index.emplace(entry.op, &entry).second) {
        throw std::logic_error("samples listed twice: " + std::string(entry.op));
      }
    }
  }
  return index;
}

}  // namespace

std::vector<torch::jit::Stack> samples_of(std::string_view op) {
  static const Index index = build_index();
  const auto found = index.find(op);
  return found == index.end() ? std::vector<torch::jit::Stack>() : found->second->calls();
}

}  // namespace tracejet::samples
