#pragma once

#include <optional>

#include <ATen/core/Tensor.h>
#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/Scalar.h>
#include <c10/core/SymInt.h>

/// Tensors made of numbers, as `full`, `arange` and pointwise operators. Each has the signature of the operator that it
/// stands for. Layouts are not kept: nobody's value depends on them.
namespace tracejet::decompositions {

using Type = std::optional<at::ScalarType>;
using Layout = std::optional<at::Layout>;
using Device = std::optional<at::Device>;
using Flag = std::optional<bool>;
using Format = std::optional<at::MemoryFormat>;

at::Tensor arange(const at::Scalar& end, Type dtype, Layout layout, Device device, Flag pin_memory);
at::Tensor arange_start(const at::Scalar& start, const at::Scalar& end, Type dtype, Layout layout, Device device,
                        Flag pin_memory);
at::Tensor eye(c10::SymInt n, Type dtype, Layout layout, Device device, Flag pin_memory);
at::Tensor eye_m(c10::SymInt n, c10::SymInt m, Type dtype, Layout layout, Device device, Flag pin_memory);
at::Tensor linspace(const at::Scalar& start, const at::Scalar& end, int64_t steps, Type dtype, Layout layout,
                    Device device, Flag pin_memory);
at::Tensor logspace(const at::Scalar& start, const at::Scalar& end, int64_t steps, double base, Type dtype,
                    Layout layout, Device device, Flag pin_memory);
// The ends may be data.
at::Tensor linspace_tensors(const at::Tensor& start, const at::Tensor& end, int64_t steps, Type dtype, Layout layout,
                            Device device, Flag pin_memory);
at::Tensor linspace_to_tensor(const at::Scalar& start, const at::Tensor& end, int64_t steps, Type dtype, Layout layout,
                              Device device, Flag pin_memory);
at::Tensor linspace_from_tensor(const at::Tensor& start, const at::Scalar& end, int64_t steps, Type dtype,
                                Layout layout, Device device, Flag pin_memory);
at::Tensor logspace_tensors(const at::Tensor& start, const at::Tensor& end, int64_t steps, double base, Type dtype,
                            Layout layout, Device device, Flag pin_memory);
at::Tensor logspace_to_tensor(const at::Scalar& start, const at::Tensor& end, int64_t steps, double base, Type dtype,
                              Layout layout, Device device, Flag pin_memory);
at::Tensor logspace_from_tensor(const at::Tensor& start, const at::Scalar& end, int64_t steps, double base, Type dtype,
                                Layout layout, Device device, Flag pin_memory);

at::Tensor copy(const at::Tensor& self, const at::Tensor& src, bool non_blocking);
at::Tensor fill(const at::Tensor& self, const at::Scalar& value);
at::Tensor fill_tensor(const at::Tensor& self, const at::Tensor& value);
at::Tensor full_like(const at::Tensor& self, const at::Scalar& fill_value, Type dtype, Layout layout, Device device,
                     Flag pin_memory, Format memory_format);
at::Tensor new_full(const at::Tensor& self, c10::SymIntArrayRef size, const at::Scalar& fill_value, Type dtype,
                    Layout layout, Device device, Flag pin_memory);
at::Tensor new_ones(const at::Tensor& self, c10::SymIntArrayRef size, Type dtype, Layout layout, Device device,
                    Flag pin_memory);
at::Tensor new_zeros(const at::Tensor& self, c10::SymIntArrayRef size, Type dtype, Layout layout, Device device,
                     Flag pin_memory);
at::Tensor ones(c10::SymIntArrayRef size, Type dtype, Layout layout, Device device, Flag pin_memory);
at::Tensor ones_like(const at::Tensor& self, Type dtype, Layout layout, Device device, Flag pin_memory,
                     Format memory_format);
at::Tensor zero(const at::Tensor& self);
at::Tensor zeros(c10::SymIntArrayRef size, Type dtype, Layout layout, Device device, Flag pin_memory);
at::Tensor zeros_like(const at::Tensor& self, Type dtype, Layout layout, Device device, Flag pin_memory,
                      Format memory_format);

at::Tensor empty_like(const at::Tensor& self, Type dtype, Layout layout, Device device, Flag pin_memory,
                      Format memory_format);
at::Tensor empty_permuted(c10::SymIntArrayRef size, at::IntArrayRef physical_layout, Type dtype, Layout layout,
                          Device device, Flag pin_memory);
at::Tensor empty_strided(c10::SymIntArrayRef size, c10::SymIntArrayRef stride, Type dtype, Layout layout, Device device,
                         Flag pin_memory);
at::Tensor new_empty(const at::Tensor& self, c10::SymIntArrayRef size, Type dtype, Layout layout, Device device,
                     Flag pin_memory);
at::Tensor new_empty_strided(const at::Tensor& self, c10::SymIntArrayRef size, c10::SymIntArrayRef stride, Type dtype,
                             Layout layout, Device device, Flag pin_memory);

}  // namespace tracejet::decompositions
