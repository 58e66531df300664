#include "ir/analysis/effect.h"

#include <ATen/core/enum_tag.h>

namespace tracejet {

bool communicates(const c10::OperatorHandle& op) {
  const std::string& name = op.operator_name().name;
  return name.starts_with("_c10d_functional::") || name.starts_with("_dtensor::");
}

bool has_effect(const c10::OperatorHandle& op) {
  return op.hasTag(at::Tag::nondeterministic_seeded) || communicates(op);
}

}  // namespace tracejet
