#pragma once

#include <optional>

#include "engines/aten/passes/weights.h"

namespace tracejet::aten {

/// A product of rows with a weight.
struct Product {
  const Node* node;
  const Value* rows;
  at::Tensor weight;  ///< [inner, outer], transposed or not
  at::Tensor bias;    ///< undefined where there is none
};

/// nullopt for a node that is something else, or whose weight or bias isn't the same in every run.
std::optional<Product> product_of(const Node& node, const Weights& weights);

/// The arguments of such a product with other weights.
std::vector<Argument> arguments_with(const Product& product, const Value& weight, const Value* bias);

}  // namespace tracejet::aten
