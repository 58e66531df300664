#include "verify/random_inputs.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <c10/util/Exception.h>

#include "base/error.h"
#include "ir/size_expression.h"

namespace tracejet {

namespace {

/// From here on, integers are drawn from all that a byte holds, and from negative numbers too.
constexpr int64_t kTame = 8;

class Draw {
 public:
  Draw(const RuntimeSizes& sizes, const Domain& domain, at::Generator generator)
      : sizes_(sizes), domain_(domain), generator_(std::move(generator)) {}

  at::Tensor tensor(const TensorMeta& meta, const InputFacts& facts) const {
    const std::vector<int64_t> shape = sizes_.evaluate(meta.sizes);
    return numbers(shape, meta.dtype, facts).to(meta.device, meta.dtype);
  }

 private:
  at::Tensor numbers(const std::vector<int64_t>& shape, at::ScalarType dtype, const InputFacts& facts) const {
    try {
      if (dtype == at::kBool) return mask(shape);
      if (c10::isIntegralType(dtype, false)) return integers(shape, dtype, facts);
      if (c10::isComplexType(dtype)) return at::randn(shape, generator_, at::kComplexDouble);
      return domain_.is_positive ? at::rand(shape, generator_, at::kDouble) : at::randn(shape, generator_, at::kDouble);
    } catch (const c10::Error&) {  // nothing else than memory is asked for
      throw InvalidInput("there is no memory for random numbers of the shape " + c10::str(at::IntArrayRef(shape)),
                         ErrorCode::kVerifyInputs);
    }
  }

  /// Mostly true, and nowhere false along all of the last axis: an attention that may look at nothing is NaN.
  at::Tensor mask(const std::vector<int64_t>& shape) const {
    const at::Tensor mask = at::rand(shape, generator_, at::kDouble) < 0.75;
    if (!shape.empty() && shape.back() > 0) mask.select(-1, 0).fill_(true);
    return mask;
  }

  at::Tensor integers(const std::vector<int64_t>& shape, at::ScalarType dtype, const InputFacts& facts) const {
    if (facts.is_mask) return mask(shape);
    int64_t low = 0, high = domain_.largest;
    if (!facts.indexes.empty()) {
      if (domain_.largest > kTame) high = std::numeric_limits<int64_t>::max();
      for (const c10::SymInt& size : facts.indexes) {
        if (!symbolic::is_data_dependent(expression_of(size))) high = std::min(high, sizes_.evaluate(size));
      }
    } else if (domain_.largest > kTame) {
      if (dtype == at::kByte) high = 256;
      if (dtype == at::kChar) high = 128;
      if (dtype == at::kChar || dtype == at::kShort || dtype == at::kInt || dtype == at::kLong) low = -high;
    }
    return at::randint(low, std::max(high, low + 1), shape, generator_, at::kLong);
  }

  const RuntimeSizes& sizes_;
  const Domain& domain_;
  at::Generator generator_;
};

}  // namespace

std::vector<at::Tensor> random_inputs(const Graph& graph, const std::unordered_map<const Value*, InputFacts>& facts,
                                      const RuntimeSizes& sizes, const Domain& domain, const at::Generator& generator) {
  const Draw draw(sizes, domain, generator);
  std::vector<at::Tensor> tensors;
  for (const GraphInput& input : graph.inputs()) {
    if (input.kind != GraphInput::Kind::kUser || input.value == nullptr) continue;
    const auto known = facts.find(input.value);
    tensors.push_back(draw.tensor(input.value->tensor(), known == facts.end() ? InputFacts() : known->second));
  }
  return tensors;
}

}  // namespace tracejet
