// Comparisons, and operators on bits and truth values.
#include "onnx/conversions.h"
#include "ops/families.h"
#include "ops/pointwise_decompositions.h"
#include "ops/pointwise_rules.h"
#include "ops/pointwise_samples.h"

namespace tracejet {

std::span<const Operator> logic_operators() {
  namespace to = decompositions;
  using namespace pointwise;
  static constexpr auto binary_same = binary<Result::kSame>;
  static constexpr auto binary_bool = binary<Result::kBool>;

  static constexpr Operator table[] = {
      // Comparisons
      {.name = "aten::eq.Scalar", .meta = binary_bool, .onnx = onnx::compare("Equal"), .samples = samples::with_number},
      {.name = "aten::eq.Tensor", .meta = binary_bool, .onnx = onnx::compare("Equal"), .samples = samples::binary},
      {.name = "aten::ge.Scalar",
       .meta = binary_bool,
       .onnx = onnx::compare("GreaterOrEqual"),
       .samples = samples::with_number},
      {.name = "aten::ge.Tensor",
       .meta = binary_bool,
       .onnx = onnx::compare("GreaterOrEqual"),
       .samples = samples::binary},
      {.name = "aten::gt.Scalar",
       .meta = binary_bool,
       .onnx = onnx::compare("Greater"),
       .samples = samples::with_number},
      {.name = "aten::gt.Tensor", .meta = binary_bool, .onnx = onnx::compare("Greater"), .samples = samples::binary},
      {.name = "aten::le.Scalar",
       .meta = binary_bool,
       .onnx = onnx::compare("LessOrEqual"),
       .samples = samples::with_number},
      {.name = "aten::le.Tensor",
       .meta = binary_bool,
       .onnx = onnx::compare("LessOrEqual"),
       .samples = samples::binary},
      {.name = "aten::lt.Scalar", .meta = binary_bool, .onnx = onnx::compare("Less"), .samples = samples::with_number},
      {.name = "aten::lt.Tensor", .meta = binary_bool, .onnx = onnx::compare("Less"), .samples = samples::binary},
      {.name = "aten::ne.Scalar",
       .meta = binary_bool,
       .onnx = onnx::compare("NotEqual"),
       .samples = samples::with_number},
      {.name = "aten::ne.Tensor", .meta = binary_bool, .onnx = onnx::compare("NotEqual"), .samples = samples::binary},

      // Bits and truth values
      {.name = "aten::bitwise_and.Scalar",
       .meta = binary_same,
       .onnx = onnx::bitwise("And"),
       .samples = samples::integer_with_number},
      {.name = "aten::bitwise_and.Tensor",
       .meta = binary_same,
       .onnx = onnx::bitwise("And"),
       .samples = samples::binary_integer},
      {.name = "aten::__lshift__.Scalar",
       .decompose = expand<&to::left_shift_by_number>,
       .samples = samples::integer_with_number},
      {.name = "aten::__lshift__.Tensor", .decompose = expand<&to::left_shift>, .samples = samples::binary_integer},
      {.name = "aten::__rshift__.Scalar",
       .decompose = expand<&to::right_shift_by_number>,
       .samples = samples::integer_with_number},
      {.name = "aten::__rshift__.Tensor", .decompose = expand<&to::right_shift>, .samples = samples::binary_integer},
      {.name = "aten::bitwise_left_shift.Tensor_Scalar",
       .decompose = expand<&to::left_shift_by_number>,
       .samples = samples::integer_with_number},
      {.name = "aten::bitwise_right_shift.Tensor_Scalar",
       .decompose = expand<&to::right_shift_by_number>,
       .samples = samples::integer_with_number},
      {.name = "aten::gcd", .meta = binary_same, .samples = samples::binary_integer},
      {.name = "aten::lcm", .meta = binary_same, .samples = samples::binary_integer},
      {.name = "aten::bitwise_left_shift.Tensor",
       .meta = binary_same,
       .onnx = onnx::shift_left,
       .samples = samples::binary_integer},
      {.name = "aten::bitwise_or.Scalar",
       .meta = binary_same,
       .onnx = onnx::bitwise("Or"),
       .samples = samples::integer_with_number},
      {.name = "aten::bitwise_or.Tensor",
       .meta = binary_same,
       .onnx = onnx::bitwise("Or"),
       .samples = samples::binary_integer},
      {.name = "aten::bitwise_right_shift.Tensor",
       .meta = binary_same,
       .onnx = onnx::shift_right,
       .samples = samples::binary_integer},
      {.name = "aten::bitwise_xor.Scalar",
       .meta = binary_same,
       .onnx = onnx::bitwise("Xor"),
       .samples = samples::integer_with_number},
      {.name = "aten::bitwise_xor.Tensor",
       .meta = binary_same,
       .onnx = onnx::bitwise("Xor"),
       .samples = samples::binary_integer},
      {.name = "aten::logical_and", .meta = binary_bool, .onnx = onnx::logical("And"), .samples = samples::binary},
      {.name = "aten::logical_or", .meta = binary_bool, .onnx = onnx::logical("Or"), .samples = samples::binary},
      {.name = "aten::logical_xor", .meta = binary_bool, .onnx = onnx::logical("Xor"), .samples = samples::binary},
  };
  return table;
}

}  // namespace tracejet
