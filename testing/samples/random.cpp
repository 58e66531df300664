#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

using List = std::vector<int64_t>;

std::vector<at::Tensor> numbers() {
  return {floats({2, 3}), floats({4, 3}).t(), floats({4, 6}).slice(1, 0, 6, 2), floats({}), floats({2, 0})};
}

std::vector<at::Tensor> positive() {
  return {fractions({2, 3}), fractions({4, 3}).t(), fractions({5}).to(at::kDouble)};
}

// In new tensors -----------------------------------------------------------------------------------------------------

Stacks sized() { return with_options({{List{2, 3}}, {List{}}, {List{0, 3}}, {List{1, 2, 1, 4}}}, at::kDouble); }

Stacks normal_sized() {
  Stacks calls;
  for (const c10::IValue& dtype : {none, type(at::kDouble)}) {
    calls.push_back({0.5, 2.0, List{2, 3}, none, dtype, none, none, none});
  }
  return calls;
}

Stacks integers_sized() { return with_options({{9, List{2, 3}}, {2, List{}}}, at::kInt); }
Stacks integers_from() { return with_options({{3, 9, List{2, 3}}}, at::kInt); }
Stacks integers_like() { return with_options(each(numbers(), {9}), at::kInt, {none}); }
Stacks integers_like_from() { return with_options(each(numbers(), {3, 9}), at::kInt, {none}); }
Stacks like_floats() { return with_options(each({floats({2, 3}), floats({4, 3}).t()}), at::kDouble, {none}); }
Stacks permutation() { return with_options({{6}, {0}}, at::kInt); }

// In the place of others ---------------------------------------------------------------------------------------------

Stacks between() { return join({each(numbers(), {2, 9, none}), each({integers({2, 3})}, {2, none, none})}); }
Stacks below() { return each(numbers(), {9, none}); }
Stacks distribution() { return each(numbers(), {0.0, 1.0, none}); }
Stacks exponential() { return each(numbers(), {1.5, none}); }
Stacks generator_only() { return each(numbers(), {none}); }

// Whose parameters are tensors ---------------------------------------------------------------------------------------

Stacks bernoulli_of_number() { return each(numbers(), {0.3, none}); }
Stacks concentrations() { return each(positive(), {none}); }
Stacks probabilities() { return join({each(positive(), {none}), {{fractions({4}).to(at::kHalf), none}}}); }

Stacks binomial() {
  return {{integers({2, 3}).to(at::kFloat), fractions({2, 3}), none},
          {integers({3}).to(at::kFloat), fractions({2, 1}), none}};
}

Stacks multinomial() {
  return {
      {fractions({5}), 3, false, none}, {fractions({2, 5}), 5, false, none}, {fractions({4, 3}).t(), 7, true, none}};
}

Stacks normal_around_tensor() { return each(numbers(), {1.5, none}); }

Stacks normal_of_deviations() {
  Stacks calls;
  for (const at::Tensor& std : positive()) calls.push_back({0.5, std, none});
  return calls;
}

Stacks normal_of_tensors() {
  return {{floats({2, 3}), fractions({2, 3}), none},
          {floats({3}), fractions({2, 1}), none},
          {floats({4, 3}).t(), fractions({4, 3}).t(), none}};
}

}  // namespace

std::span<const OperatorSamples> random_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::normal.float_float", normal_sized},
      {"aten::rand", sized},
      {"aten::rand_like", like_floats},
      {"aten::randint", integers_sized},
      {"aten::randint.low", integers_from},
      {"aten::randint_like", integers_like},
      {"aten::randint_like.low_dtype", integers_like_from},
      {"aten::randn", sized},
      {"aten::randn_like", like_floats},
      {"aten::randperm", permutation},
      {"aten::cauchy", distribution},
      {"aten::exponential", exponential},
      {"aten::geometric", bernoulli_of_number},
      {"aten::log_normal", distribution},
      {"aten::normal_functional", distribution},
      {"aten::random", generator_only},
      {"aten::random.from", between},
      {"aten::random.to", below},
      {"aten::uniform", distribution},
      {"aten::_sample_dirichlet", concentrations},
      {"aten::_standard_gamma", concentrations},
      {"aten::bernoulli", probabilities},
      {"aten::bernoulli.p", bernoulli_of_number},
      {"aten::binomial", binomial},
      {"aten::multinomial", multinomial},
      {"aten::normal.Tensor_Tensor", normal_of_tensors},
      {"aten::normal.Tensor_float", normal_around_tensor},
      {"aten::normal.float_Tensor", normal_of_deviations},
      {"aten::poisson", concentrations},
  };
  return table;
}

}  // namespace tracejet::samples
