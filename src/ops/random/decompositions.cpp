// PyTorch: torch/_decomp/decompositions.py (bernoulli), aten/src/ATen/native/TensorFactories.cpp (rand_like,
// randn_like).
#include "ops/random/decompositions.h"

#include <ATen/ops/lt.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>

#include "ops/refusal.h"

namespace tracejet::decompositions {

namespace {

at::TensorOptions options_like(const at::Tensor& self, Type dtype, Device device) {
  return self.options().dtype(dtype.value_or(self.scalar_type())).device(device.value_or(self.device()));
}

}  // namespace

at::Tensor bernoulli(const at::Tensor& self, std::optional<at::Generator> generator) {
  require(self.is_floating_point(),
          [&] { return std::string("self is ") + at::toString(self.scalar_type()) + ", expected probabilities"; });
  const auto type = self.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const auto options = self.options().dtype(type);
  const at::Tensor drawn = generator ? at::rand_symint(self.sym_sizes(), std::move(generator), options)
                                     : at::rand_symint(self.sym_sizes(), options);
  return at::lt(drawn, self).to(self.scalar_type());
}

at::Tensor rand_like(const at::Tensor& self, Type dtype, Layout, Device device, Flag, Format) {
  return at::rand_symint(self.sym_sizes(), options_like(self, dtype, device));
}

at::Tensor randn_like(const at::Tensor& self, Type dtype, Layout, Device device, Flag, Format) {
  return at::randn_symint(self.sym_sizes(), options_like(self, dtype, device));
}

}  // namespace tracejet::decompositions
