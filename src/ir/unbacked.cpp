#include "ir/unbacked.h"

#include "ir/symbolic_constant.h"

namespace tracejet {

bool depends_on_data(const c10::IValue& number) {
  const auto expression = symbolic_expression(number);
  return expression && symbolic::is_data_dependent(*expression);
}

}  // namespace tracejet
