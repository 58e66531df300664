// Random numbers. Programs draw them where eager does, so that with the same seed they are the same.
// PyTorch: aten/src/ATen/native/Distributions.cpp, aten/src/ATen/native/TensorFactories.cpp (rand, randint, randn,
// randperm).
#include <c10/core/DefaultDtype.h>

#include "ops/families.h"
#include "ops/random/decompositions.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

c10::Device device_of(const Call& call) { return call.device().value_or(c10::Device(c10::kCPU)); }

Metas sized(const Call& call) {
  const auto dtype = call.dtype().value_or(c10::get_default_dtype_as_scalartype());
  return {shape::contiguous(call.sym_ints("size"), dtype, device_of(call))};
}

Metas permutation(const Call& call) {
  return {shape::contiguous({call.sym_int("n")}, call.dtype().value_or(at::kLong), device_of(call))};
}

/// A tensor like the input, refilled: random numbers written in place become these.
Metas refilled(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::like(self, self.dtype)};
}

Metas like(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const auto format = call.memory_format().value_or(c10::MemoryFormat::Preserve);
  TensorMeta result = shape::like(self, call.dtype().value_or(self.dtype), format);
  result.device = call.device().value_or(self.device);
  return {result};
}

/// One number for each parameter, in a dense tensor.
Metas one_each(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::contiguous(self.sizes, self.dtype, self.device)};
}

/// Of these means and deviations, which are broadcast; either may be a number.
Metas normal(const Call& call) {
  const TensorMeta* mean = call.is_number("mean") ? nullptr : &call.tensor("mean");
  const TensorMeta* std = call.is_number("std") ? nullptr : &call.tensor("std");
  const TensorMeta& first = call.tensor(mean != nullptr ? "mean" : "std");
  Sizes sizes = mean != nullptr && std != nullptr ? shape::broadcast(mean->sizes, std->sizes) : first.sizes;
  return {shape::contiguous(std::move(sizes), first.dtype, first.device)};
}

Metas binomial(const Call& call) {
  const TensorMeta &count = call.tensor("count"), &prob = call.tensor("prob");
  return {shape::pointwise({&count, &prob}, count.dtype)};
}

/// Positions in rows of weights.
Metas multinomial(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const c10::SymInt count = call.sym_int("num_samples");
  require(self.dim() == 1 || self.dim() == 2,
          [&] { return "self is " + shape::text(self.sizes) + ", expected 1 or 2 axes"; });
  require(count.sym_ge(1), [&] { return "num_samples is " + shape::text({count}) + ", expected at least 1"; });
  if (!call.flag("replacement")) {
    require(count.sym_le(self.sizes.back()), [&] {
      return "num_samples is " + shape::text({count}) + ", without replacement at most the " +
             shape::text({self.sizes.back()}) + " of self";
    });
  }
  Sizes sizes = self.sizes;
  sizes.back() = count;
  return {shape::contiguous(std::move(sizes), at::kLong, self.device)};
}

}  // namespace

std::span<const Operator> random_operators() {
  namespace to = decompositions;
  static constexpr Operator table[] = {
      // In new tensors
      {.name = "aten::normal.float_float", .meta = sized},
      {.name = "aten::rand", .meta = sized},
      {.name = "aten::rand_like", .decompose = expand<&to::rand_like>},
      {.name = "aten::randint", .meta = sized},
      {.name = "aten::randint.low", .meta = sized},
      {.name = "aten::randint_like", .meta = like},
      {.name = "aten::randint_like.low_dtype", .meta = like},
      {.name = "aten::randn", .meta = sized},
      {.name = "aten::randn_like", .decompose = expand<&to::randn_like>},
      {.name = "aten::randperm", .meta = permutation},

      // In the place of others
      {.name = "aten::cauchy", .meta = refilled},
      {.name = "aten::exponential", .meta = refilled},
      {.name = "aten::geometric", .meta = refilled},
      {.name = "aten::log_normal", .meta = refilled},
      {.name = "aten::normal_functional", .meta = refilled},
      {.name = "aten::random", .meta = refilled},
      {.name = "aten::random.from", .meta = refilled},
      {.name = "aten::random.to", .meta = refilled},
      {.name = "aten::uniform", .meta = refilled},

      // Whose parameters are tensors
      {.name = "aten::_sample_dirichlet", .meta = one_each},
      {.name = "aten::_standard_gamma", .meta = one_each},
      {.name = "aten::bernoulli", .decompose = expand<&to::bernoulli>},
      {.name = "aten::bernoulli.p", .meta = one_each},
      {.name = "aten::binomial", .meta = binomial},
      {.name = "aten::multinomial", .meta = multinomial},
      {.name = "aten::normal.Tensor_Tensor", .meta = normal},
      {.name = "aten::normal.Tensor_float", .meta = normal},
      {.name = "aten::normal.float_Tensor", .meta = normal},
      {.name = "aten::poisson", .meta = one_each},
  };
  return table;
}

}  // namespace tracejet
