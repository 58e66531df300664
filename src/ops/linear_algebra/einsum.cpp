// PyTorch: aten/src/ATen/native/Linear.cpp (einsum).
#include "ops/linear_algebra/einsum.h"

#include <cctype>
#include <map>
#include <string>

#include <ATen/ops/einsum_native.h>

#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

/// `subscripts`: those of one operand, "b...ij". What isn't well-formed is left to ATen to refuse.
void require_equal_where_repeated(std::string_view subscripts, const at::Tensor& operand) {
  std::string names;
  size_t before_ellipsis = std::string::npos;
  for (const char c : subscripts) {
    if (c == '.' && before_ellipsis == std::string::npos) before_ellipsis = names.size();
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) names.push_back(c);
  }
  const auto rank = static_cast<size_t>(operand.dim());
  if (names.size() > rank) return;
  std::map<char, size_t> axes;
  for (size_t i = 0; i < names.size(); ++i) {
    const size_t axis = i < before_ellipsis ? i : rank - names.size() + i;
    const auto [first, is_new] = axes.emplace(names[i], axis);
    if (is_new) continue;
    const auto size_of = [&](size_t of) { return operand.sym_size(static_cast<int64_t>(of)); };
    shape::require_equal(size_of(axis), size_of(first->second), std::string("axes of the subscript ") + names[i]);
  }
}

}  // namespace

at::Tensor einsum(std::string_view equation, at::TensorList operands, at::OptionalIntArrayRef path) {
  std::string_view rest = equation.substr(0, equation.find("->"));
  for (const at::Tensor& operand : operands) {
    const size_t end = rest.find(',');
    require_equal_where_repeated(rest.substr(0, end), operand);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return at::native::einsum(equation, operands, path);
}

}  // namespace tracejet::decompositions
