#include "ir/unbacked.h"

#include "ir/size_expression.h"

namespace tracejet {

bool depends_on_data(const c10::IValue& number) {
  const bool is_symbolic = number.isSymInt() || number.isSymFloat() || number.isSymBool();
  return is_symbolic && symbolic::is_data_dependent(expression_of(number.toScalar()));
}

}  // namespace tracejet
