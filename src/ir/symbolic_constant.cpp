#include "ir/symbolic_constant.h"

#include <algorithm>

namespace tracejet {

bool is_symbolic(const c10::IValue& constant) {
  if (constant.isList()) return std::ranges::any_of(constant.toListRef(), is_symbolic);
  return is_symbolic_number(constant);
}

std::optional<symbolic::Expression> symbolic_expression(const c10::IValue& constant) {
  if (constant.isSymInt()) return expression_of(constant.toSymInt());
  if (constant.isSymFloat()) return expression_of(constant.toSymFloat());
  if (constant.isSymBool()) return expression_of(constant.toSymBool());
  return std::nullopt;
}

}  // namespace tracejet
