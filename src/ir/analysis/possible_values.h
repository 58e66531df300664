#pragma once

#include <functional>
#include <optional>
#include <unordered_map>

#include <ATen/core/Tensor.h>

#include "ir/analysis/evaluate.h"
#include "ir/graph.h"

namespace tracejet {

/// The numbers that the elements of a tensor can be, where they follow from constants and are few, however large the
/// tensor is: 0 and 1 in `torch.ones(batch, 8).tril()`. Exact: ATen's own kernels compute them, and only operators are
/// followed whose results don't depend on the order of computation.
class PossibleValues {
 public:
  /// `constants`: the data of values that are known as a whole.
  explicit PossibleValues(KnownData constants) : constants_(std::move(constants)) {}

  /// One element for each number, of the value's dtype, on a CPU; nothing where they aren't known.
  std::optional<at::Tensor> of(const Value& value);

 private:
  using Numbers = std::optional<at::Tensor>;
  Numbers compute(const Value& value);
  Numbers from_node(const Node& node, const Value& output);
  Numbers of_argument(const Argument& argument, at::ScalarType dtype) const;
  Numbers united(const Node& node, at::ScalarType dtype) const;
  Numbers pointwise(const Node& node, at::ScalarType dtype) const;
  Numbers chosen(const Node& node, at::ScalarType dtype) const;
  Numbers truth(const Node& node, bool any) const;

  KnownData constants_;
  std::unordered_map<const Value*, Numbers> known_;
};

}  // namespace tracejet
