#pragma once

#include <vector>

#include "ir/call.h"

/// Shape rules of the loss of sequences whose alignment with their labels isn't known.
namespace tracejet {

/// The lengths are plain numbers.
std::vector<TensorMeta> ctc_loss(const Call& call);
/// The lengths are tensors.
std::vector<TensorMeta> ctc_loss_with_unknown_lengths(const Call& call);

}  // namespace tracejet
