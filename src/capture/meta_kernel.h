#pragma once

#include <optional>
#include <vector>

#include "ir/call.h"
#include "ir/graph.h"

namespace c10::impl {
struct PyInterpreter;
}

namespace tracejet {

/// Whether any size, stride or number that the call mentions is symbolic.
bool is_symbolic(const Call& call);

/// A tensor that takes part in type promotion as a number does, known or symbolic, in the place of a tensor. Only its
/// dtype matters where nothing is computed.
at::Tensor stand_in_for_number(const c10::IValue& number);

/// What the operator's own meta kernel says of the call's outputs; nullopt where it has none. With `python`, the meta
/// functions that are registered there come first; calls with symbolic sizes need them.
/// Throws ShapeError where the meta kernel refuses the call.
std::optional<std::vector<OutputMeta>> outputs_by_meta_kernel(const Call& call, c10::impl::PyInterpreter* python);

}  // namespace tracejet
