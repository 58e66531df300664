// Comparisons, and operators on bits and truth values.
// PyTorch: aten/src/ATen/native/BinaryOps.cpp.
#include "ops/families.h"
#include "ops/pointwise/decompositions.h"
#include "ops/pointwise/rules.h"

namespace tracejet {

std::span<const Operator> logic_operators() {
  namespace to = decompositions;
  using namespace pointwise;
  static constexpr auto binary_same = binary<Result::kSame>;
  static constexpr auto binary_bool = binary<Result::kBool>;

  static constexpr Operator table[] = {
      // Comparisons
      {.name = "aten::eq.Scalar", .meta = binary_bool},
      {.name = "aten::eq.Tensor", .meta = binary_bool},
      {.name = "aten::ge.Scalar", .meta = binary_bool},
      {.name = "aten::ge.Tensor", .meta = binary_bool},
      {.name = "aten::gt.Scalar", .meta = binary_bool},
      {.name = "aten::gt.Tensor", .meta = binary_bool},
      {.name = "aten::le.Scalar", .meta = binary_bool},
      {.name = "aten::le.Tensor", .meta = binary_bool},
      {.name = "aten::lt.Scalar", .meta = binary_bool},
      {.name = "aten::lt.Tensor", .meta = binary_bool},
      {.name = "aten::ne.Scalar", .meta = binary_bool},
      {.name = "aten::ne.Tensor", .meta = binary_bool},

      // Bits and truth values
      {.name = "aten::bitwise_and.Scalar", .meta = binary_same},
      {.name = "aten::bitwise_and.Tensor", .meta = binary_same},
      {.name = "aten::__lshift__.Scalar", .decompose = expand<&to::left_shift_by_number>},
      {.name = "aten::__lshift__.Tensor", .decompose = expand<&to::left_shift>},
      {.name = "aten::__rshift__.Scalar", .decompose = expand<&to::right_shift_by_number>},
      {.name = "aten::__rshift__.Tensor", .decompose = expand<&to::right_shift>},
      {.name = "aten::bitwise_left_shift.Tensor_Scalar", .decompose = expand<&to::left_shift_by_number>},
      {.name = "aten::bitwise_right_shift.Tensor_Scalar", .decompose = expand<&to::right_shift_by_number>},
      {.name = "aten::gcd", .meta = binary_same},
      {.name = "aten::lcm", .meta = binary_same},
      {.name = "aten::bitwise_left_shift.Tensor", .meta = binary_same},
      {.name = "aten::bitwise_or.Scalar", .meta = binary_same},
      {.name = "aten::bitwise_or.Tensor", .meta = binary_same},
      {.name = "aten::bitwise_right_shift.Tensor", .meta = binary_same},
      {.name = "aten::bitwise_xor.Scalar", .meta = binary_same},
      {.name = "aten::bitwise_xor.Tensor", .meta = binary_same},
      {.name = "aten::logical_and", .meta = binary_bool},
      {.name = "aten::logical_or", .meta = binary_bool},
      {.name = "aten::logical_xor", .meta = binary_bool},
  };
  return table;
}

}  // namespace tracejet
