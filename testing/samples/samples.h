#pragma once

#include <initializer_list>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>

/// Example tensors for the sample calls of operators. Everything is deterministic.
namespace tracejet::samples {

using Stacks = std::vector<torch::jit::Stack>;

/// Values spread over (-2, 2), none of them 0 and no two equal nearby.
at::Tensor floats(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat);
/// Values in (0, 1).
at::Tensor fractions(at::IntArrayRef sizes);
/// Values in [0, limit).
at::Tensor integers(at::IntArrayRef sizes, int64_t limit = 7, at::ScalarType dtype = at::kLong);
at::Tensor bools(at::IntArrayRef sizes);

/// Tensors whose shapes and strides differ in every way that a rule could get wrong: 0-dim, axes of size 1 and 0,
/// transposed, channels-last, with gaps, repeated by expand.
std::vector<at::Tensor> layouts();
/// The same with integers.
std::vector<at::Tensor> integer_layouts();

/// One call per tensor, with the same arguments after it.
Stacks each(const std::vector<at::Tensor>& tensors, std::initializer_list<c10::IValue> rest = {});
/// Appends dtype, layout, device, pin_memory: once without any, once with a dtype and a device.
Stacks with_options(const Stacks& calls, at::ScalarType dtype, std::initializer_list<c10::IValue> rest = {});
/// Joins lists of calls.
Stacks join(std::initializer_list<Stacks> parts);

/// None, for optional arguments.
inline const c10::IValue none;
/// How a dtype or memory format is passed.
inline c10::IValue type(at::ScalarType dtype) { return static_cast<int64_t>(dtype); }
inline c10::IValue format(at::MemoryFormat format) { return static_cast<int64_t>(format); }

}  // namespace tracejet::samples
