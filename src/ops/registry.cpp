// The tables of all operator families, listed explicitly: static linking would drop self-registering ones.
#include <array>
#include <stdexcept>
#include <unordered_map>

#include "ops/families.h"
#include "ops/operator.h"
#include "ops/operator_names.h"

namespace tracejet {

std::span<const std::span<const Operator>> operator_tables() {
  static const std::array tables = {
      pointwise_operators(),     arithmetic_operators(), logic_operators(),          special_function_operators(),
      reduction_operators(),     view_operators(),       part_operators(),           joining_operators(),
      indexing_operators(),      creation_operators(),   linear_algebra_operators(), convolution_operators(),
      normalization_operators(), pooling_operators(),    activation_operators(),     attention_operators(),
      resampling_operators(),    padding_operators(),    rearranging_operators(),    lookup_operators(),
      recurrent_operators(),     backward_operators(),   data_dependent_operators(), spectral_operators(),
      observer_operators(),      view_copy_operators(),  random_operators(),         factorization_operators(),
      quantization_operators(),
  };
  return tables;
}

namespace {

using Index = std::unordered_map<c10::OperatorName, const Operator*>;

Index build_index() {
  Index index;
  for (const auto table : operator_tables()) {
    for (const Operator& entry : table) {
      if (!index.emplace(parse_operator_name(entry.name), &entry).second) {
        throw std::logic_error("operator listed twice: " + std::string(entry.name));
      }
    }
  }
  return index;
}

}  // namespace

const Operator* find_operator(const c10::OperatorHandle& op) {
  static const Index index = build_index();
  const auto found = index.find(op.operator_name());
  return found == index.end() ? nullptr : found->second;
}

}  // namespace tracejet
