#include "ir/tensor_meta.h"

#include <algorithm>
#include <sstream>

namespace tracejet {

namespace {

void print_list(std::ostream& out, const Sizes& list) {
  out << '[';
  for (size_t i = 0; i < list.size(); ++i) out << (i == 0 ? "" : ", ") << list[i];
  out << ']';
}

/// For printing only: where a plain comparison can't tell without a guard, the strides are printed.
bool same_text(const c10::SymInt& a, const c10::SymInt& b) {
  const auto x = a.maybe_as_int(), y = b.maybe_as_int();
  if (x && y) return *x == *y;
  std::ostringstream text_a, text_b;
  text_a << a;
  text_b << b;
  return text_a.str() == text_b.str();
}

}  // namespace

c10::SymInt TensorMeta::numel() const {
  c10::SymInt product = 1;
  for (const c10::SymInt& size : sizes) product = product * size;
  return product;
}

bool TensorMeta::is_symbolic() const {
  const auto symbolic = [](const c10::SymInt& value) { return value.is_symbolic(); };
  return std::any_of(sizes.begin(), sizes.end(), symbolic) || std::any_of(strides.begin(), strides.end(), symbolic) ||
         symbolic(storage_offset);
}

std::string TensorMeta::str() const {
  std::ostringstream out;
  out << (dtype == at::ScalarType::Undefined ? "undefined" : c10::getDtypeNames(dtype).first);
  print_list(out, sizes);
  const Sizes dense = contiguous_strides(sizes);
  if (!std::equal(strides.begin(), strides.end(), dense.begin(), dense.end(), same_text)) {
    out << " strides ";
    print_list(out, strides);
  }
  return out.str();
}

Sizes contiguous_strides(c10::SymIntArrayRef sizes) {
  Sizes strides(sizes.size());
  c10::SymInt stride = 1;
  for (size_t axis = sizes.size(); axis-- > 0;) {
    strides[axis] = stride;
    if (axis > 0) stride = stride * sizes[axis].max(1);
  }
  return strides;
}

}  // namespace tracejet
