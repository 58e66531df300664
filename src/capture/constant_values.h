#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include <ATen/core/Tensor.h>

#include "ir/graph.h"

namespace tracejet {

class PossibleValues;

/// The data of values that follow from constants alone, computed when a model asks for it (`.item()`, `if tensor:`).
class ConstantValues {
 public:
  ConstantValues();
  ~ConstantValues();
  ConstantValues(const ConstantValues&) = delete;
  ConstantValues& operator=(const ConstantValues&) = delete;

  /// Says what a value is that no node computes. Data on "meta" isn't known.
  void add(const Value& value, const at::Tensor& data) { known_.emplace(&value, data); }
  /// The value's data on the CPU where it follows from constants alone, else nothing.
  std::optional<at::Tensor> of(const Value& value);
  /// The number that all elements of the value are, as a vector of one, where that follows from constants however many
  /// they are; else nothing.
  std::optional<at::Tensor> only_element(const Value& value);

 private:
  std::optional<at::Tensor> known(const Value& value) const;
  /// A call whose operands are all known; false where it can't be computed.
  bool compute(const Node& node);

  std::unordered_map<const Value*, at::Tensor> known_;
  std::unordered_set<const Value*> varying_;  ///< found not to be constants
  std::unique_ptr<PossibleValues> possible_values_;
};

}  // namespace tracejet
