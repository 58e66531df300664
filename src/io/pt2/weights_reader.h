#pragma once

#include <string>
#include <unordered_map>

#include <ATen/core/Tensor.h>

#include "io/pt2/archive_reader.h"
#include "io/pt2/json_reader.h"

namespace tracejet::pt2 {

/// The tensors that a payload config describes, by name, in the memory of the archive. Those of one entry share it.
std::unordered_map<std::string, at::Tensor> read_weights(const ArchiveReader& archive, const Field& config,
                                                         const std::string& folder, bool is_checked);

}  // namespace tracejet::pt2
