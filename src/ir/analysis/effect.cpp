#include "ir/analysis/effect.h"

#include <ATen/core/enum_tag.h>

namespace tracejet {

bool communicates(const c10::OperatorHandle& op) { return op.operator_name().name.starts_with("_c10d_functional::"); }

bool has_effect(const c10::OperatorHandle& op) {
  return op.hasTag(at::Tag::nondeterministic_seeded) || communicates(op);
}

}  // namespace tracejet
