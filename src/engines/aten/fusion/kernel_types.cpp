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

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string result(text);
  for (size_t at = result.find(what); at != std::string::npos; at = result.find(what, at + by.size()))
    result.replace(at, what.size(), by);
  return result;
}

}  // namespace tracejet::aten
