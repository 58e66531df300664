// The tables of all families, listed explicitly: static linking would drop self-registering ones.
#include "lowering/onnx/conversion.h"

#include <array>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "lowering/onnx/families.h"
#include "ops/operator_names.h"

namespace tracejet::onnx {

std::span<const std::span<const Conversion>> conversion_tables() {
  static const std::array tables = {
      activation_conversions(),    arithmetic_conversions(),
      attention_conversions(),     block_quantization_conversions(),
      comparison_conversions(),    convolution_conversions(),
      creation_conversions(),      distance_conversions(),
      indexing_conversions(),      linear_algebra_conversions(),
      normalization_conversions(), order_conversions(),
      pooling_conversions(),       quantization_conversions(),
      recurrent_conversions(),     reduction_conversions(),
      resampling_conversions(),    search_conversions(),
      unary_conversions(),         views_conversions(),
  };
  return tables;
}

namespace {

using Index = std::unordered_map<c10::OperatorName, const Conversion*>;

Index build_index() {
  Index index;
  for (const auto table : conversion_tables()) {
    for (const Conversion& entry : table) {
      if (!index.emplace(parse_operator_name(entry.op), &entry).second) {
        throw std::logic_error("two conversions to ONNX of one operator: " + std::string(entry.op));
      }
    }
  }
  return index;
}

}  // namespace

const Conversion* find_conversion(const c10::OperatorName& op) {
  static const Index index = build_index();
  const auto found = index.find(op);
  return found == index.end() ? nullptr : found->second;
}

}  // namespace tracejet::onnx
