#include "engines/aten/fusion/kernel_types.h"

#include <algorithm>
#include <array>

namespace tracejet::aten {

const KernelType* kernel_type(at::ScalarType dtype) {
  static constexpr std::array table{
      KernelType{at::kHalf, "Half", "float", true},
      KernelType{at::kBFloat16, "BFloat16", "float", true},
      KernelType{at::kFloat, "float", "float"},
      KernelType{at::kDouble, "double", "double"},
      KernelType{at::kBool, "bool", "bool"},
      KernelType{at::kByte, "unsigned char", "unsigned char"},
      KernelType{at::kChar, "signed char", "signed char"},
      KernelType{at::kShort, "short", "short"},
      KernelType{at::kInt, "int", "int"},
      KernelType{at::kLong, "long long", "long long"},
  };
  const auto* found = std::ranges::find(table, dtype, &KernelType::dtype);
  return found == table.end() ? nullptr : found;
}

}  // namespace tracejet::aten
