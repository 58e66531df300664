#include "engines/aten/passes/merge_products.h"

#include <algorithm>
#include <map>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include "engines/aten/passes/products.h"
#include "engines/aten/passes/rewriting.h"

namespace tracejet::aten {

namespace {

constexpr size_t kMostBytesMerged = size_t{8} << 20;

std::optional<Product> mergeable(const Node& node, const Weights& weights) {
  auto product = product_of(node, weights);
  return product && product->weight.nbytes() <= kMostBytesMerged ? product : std::nullopt;
}

bool go_together(const Product& a, const Product& b) {
  return a.rows == b.rows && a.weight.scalar_type() == b.weight.scalar_type() && a.bias.defined() == b.bias.defined() &&
         a.weight.stride(0) == 1 && b.weight.stride(0) == 1;
}

void merge(Graph& graph, Weights& weights, const std::vector<Product>& group) {
  std::vector<at::Tensor> factors, biases;
  int64_t width = 0;
  for (const Product& product : group) {
    factors.push_back(product.weight.t());
    if (product.bias.defined()) biases.push_back(product.bias);
    width += product.weight.size(1);
  }
  const Node& first = *group.front().node;
  const std::string name = "merged_" + std::to_string(first.outputs().front()->id());
  const Value& factor = weights.add(at::cat(factors).t(), name + "_weight");
  TensorMeta meta = first.outputs().front()->tensor();
  meta.sizes[1] = width;
  meta.strides = contiguous_strides(meta.sizes);
  const Value* bias = biases.empty() ? nullptr : &weights.add(at::cat(biases), name + "_bias");
  const Node& merged =
      graph.insert_node(first, first.op(), arguments_with(group.front(), factor, bias), {meta}, first.where());
  int64_t start = 0;
  for (const Product& product : group) {
    const int64_t end = start + product.weight.size(1);
    replace_node(graph, *product.node, find_op("aten::slice", "Tensor"), {merged.outputs().front(), 1, start, end, 1});
    start = end;
  }
}

}  // namespace

void merge_products(Graph& graph) {
  const at::NoGradGuard no_grad;
  Weights weights(graph);
  std::vector<std::vector<Product>> groups;
  for (const Node& node : graph.nodes()) {
    const auto product = mergeable(node, weights);
    if (!product) continue;
    const auto group =
        std::ranges::find_if(groups, [&](const auto& one) { return go_together(one.front(), *product); });
    if (group == groups.end()) {
      groups.push_back({*product});
    } else {
      group->push_back(*product);
    }
  }
  for (const std::vector<Product>& group : groups) {
    size_t bytes = 0;
    for (const Product& product : group) bytes += product.weight.nbytes();
    if (group.size() > 1 && bytes <= kMostBytesMerged) merge(graph, weights, group);
  }
}

}  // namespace tracejet::aten
