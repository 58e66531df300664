#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// `index_put` of a buffer that the program then keeps as this buffer's new value writes to the buffer itself, as the
/// model does, instead of to a copy. Where nothing else reads the buffer or shares its memory: nobody sees the old
/// value. What is written depends on nothing that the buffer held, so that a call that is run again gives the same.
void write_in_place(Graph& graph);

inline constexpr Pass kWriteInPlace{"write_in_place", write_in_place};

}  // namespace tracejet::aten
