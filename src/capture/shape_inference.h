#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "capture/frontend_hooks.h"
#include "capture/lifting.h"
#include "capture/scopes.h"
#include "ir/call.h"
#include "ops/operator.h"

namespace tracejet {

/// What calls give: dtypes, devices, sizes and strides of their results.
class ShapeInference {
 public:
  /// `checks_rules`: see TracerOptions.
  ShapeInference(Scopes& scopes, Lifting& lifting, const FrontendHooks& hooks, bool checks_rules)
      : scopes_(scopes), lifting_(lifting), hooks_(hooks), checks_rules_(checks_rules) {}
  ShapeInference(const ShapeInference&) = delete;
  ShapeInference& operator=(const ShapeInference&) = delete;

  /// By the operator's shape rule, else by its meta kernel, or with symbolic sizes by what it can be expanded into,
  /// else by Python's meta functions. `entry`: the operator's; null where the table has none.
  std::vector<OutputMeta> infer(const Call& call, const Operator* entry);

  /// By the shape rule that an operator has. For what isn't recorded as it is, to refuse what the rule refuses.
  std::vector<TensorMeta> ask_rule(const Call& call, const Operator& entry);

  /// By operator: calls with no shape rule, and no kernel for such sizes.
  const std::map<std::string, int64_t>& python_meta_calls() const { return python_meta_calls_; }

 private:
  std::vector<OutputMeta> infer_by_rule(const Call& call, const Operator& entry);
  std::vector<OutputMeta> infer_by_meta_kernel(const Call& call);
  /// As what it can be expanded into says; nullopt where nothing is known.
  std::optional<std::vector<OutputMeta>> infer_by_expansion(const Call& call);

  Scopes& scopes_;
  Lifting& lifting_;
  const FrontendHooks& hooks_;
  const bool checks_rules_;
  std::map<std::string, int64_t> python_meta_calls_;
};

}  // namespace tracejet
