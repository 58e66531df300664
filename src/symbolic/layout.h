#pragma once

#include <span>

#include <c10/core/MemoryFormat.h>

#include "symbolic/context.h"

namespace tracejet::symbolic {

/// Whether strides follow from sizes in some order. Answers without guarding: what can't be proven is "no", except
/// that a size nobody can tell from 0 or 1 counts as an ordinary one.
bool is_contiguous(Context& context, std::span<const Expression> sizes, std::span<const Expression> strides);
bool is_channels_last_contiguous(Context& context, std::span<const Expression> sizes,
                                 std::span<const Expression> strides, size_t rank);
/// Like PyTorch's is_channels_last_strides: in that order, gaps allowed.
bool is_channels_last_strides(Context& context, std::span<const Expression> sizes, std::span<const Expression> strides,
                              size_t rank);
bool is_non_overlapping_and_dense(Context& context, std::span<const Expression> sizes,
                                  std::span<const Expression> strides);

/// is_contiguous or is_channels_last_contiguous.
bool is_contiguous(Context& context, std::span<const Expression> sizes, std::span<const Expression> strides,
                   c10::MemoryFormat format);
/// The same as a condition that holds at the very sizes at which eager PyTorch says so.
Condition contiguous_where(std::span<const Expression> sizes, std::span<const Expression> strides,
                           c10::MemoryFormat format);

}  // namespace tracejet::symbolic
