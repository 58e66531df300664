#pragma once

#include <ATen/core/Generator.h>

#include "ops/creation/decompositions.h"

/// Random numbers by way of fewer operators. Each has the signature of the operator that it stands for.
namespace tracejet::decompositions {

/// Draws the very numbers that ATen's kernel does.
at::Tensor bernoulli(const at::Tensor& self, std::optional<at::Generator> generator);
at::Tensor rand_like(const at::Tensor& self, Type dtype, Layout layout, Device device, Flag pin_memory,
                     Format memory_format);
at::Tensor randn_like(const at::Tensor& self, Type dtype, Layout layout, Device device, Flag pin_memory,
                      Format memory_format);

}  // namespace tracejet::decompositions
