#pragma once

#include <optional>

#include <c10/core/SymIntArrayRef.h>
#include <c10/util/ArrayRef.h>

#include "ir/tensor_meta.h"

namespace tracejet::upsample {

/// floor(size * scale) as PyTorch computes it, in double precision. A symbolic size stays symbolic where `scale` is
/// a fraction for which whole numbers give the same, which may guard that the size is not enormous; otherwise it is
/// specialised.
c10::SymInt scaled(const c10::SymInt& size, double scale);

/// The spatial output sizes of `input` ([N, C, spatial...]): given, or its own times the factors.
Sizes output_sizes(c10::SymIntArrayRef input, const std::optional<Sizes>& output_size,
                   std::optional<at::ArrayRef<double>> scale_factors);

}  // namespace tracejet::upsample
