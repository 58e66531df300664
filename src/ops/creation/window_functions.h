#pragma once

#include "ops/creation/decompositions.h"

/// The windows that signals are cut out with. Each has the signature of the operator that it stands for, and computes
/// what ATen's kernel does, rounding by rounding.
namespace tracejet::decompositions {

at::Tensor bartlett_window(int64_t length, Type dtype, Layout layout, Device device, Flag pin_memory);
at::Tensor bartlett_window_periodic(int64_t length, bool periodic, Type dtype, Layout layout, Device device,
                                    Flag pin_memory);
at::Tensor blackman_window(int64_t length, Type dtype, Layout layout, Device device, Flag pin_memory);
at::Tensor blackman_window_periodic(int64_t length, bool periodic, Type dtype, Layout layout, Device device,
                                    Flag pin_memory);
at::Tensor hamming_window(int64_t length, Type dtype, Layout layout, Device device, Flag pin_memory);
at::Tensor hamming_window_periodic(int64_t length, bool periodic, Type dtype, Layout layout, Device device,
                                   Flag pin_memory);
at::Tensor hamming_window_alpha(int64_t length, bool periodic, double alpha, Type dtype, Layout layout, Device device,
                                Flag pin_memory);
at::Tensor hamming_window_alpha_beta(int64_t length, bool periodic, double alpha, double beta, Type dtype,
                                     Layout layout, Device device, Flag pin_memory);
at::Tensor hann_window(int64_t length, Type dtype, Layout layout, Device device, Flag pin_memory);
at::Tensor hann_window_periodic(int64_t length, bool periodic, Type dtype, Layout layout, Device device,
                                Flag pin_memory);
at::Tensor kaiser_window(int64_t length, Type dtype, Layout layout, Device device, Flag pin_memory);
at::Tensor kaiser_window_periodic(int64_t length, bool periodic, Type dtype, Layout layout, Device device,
                                  Flag pin_memory);
at::Tensor kaiser_window_beta(int64_t length, bool periodic, double beta, Type dtype, Layout layout, Device device,
                              Flag pin_memory);

}  // namespace tracejet::decompositions
