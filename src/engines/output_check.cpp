#include "engines/output_check.h"

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "ir/size_expression.h"

namespace tracejet {

void check_output_shape(const std::string& engine, size_t output, c10::IntArrayRef given, const TensorMeta& expected,
                        const RuntimeSizes& sizes) {
  const auto is_expected = [&](const c10::SymInt& size, int64_t got) {
    const auto expression = expression_of(size);
    return symbolic::is_data_dependent(expression) || sizes.evaluate(expression) == got;
  };
  if (std::ranges::equal(expected.sizes, given, is_expected)) return;
  std::ostringstream message;
  message << engine << " gave output " << output << " of this program the shape " << given
          << ", but at these sizes of the inputs it is " << expected.str() << ": its values can't be trusted";
  throw Error(message.str(), ErrorCode::kEngineFailure);
}

}  // namespace tracejet
