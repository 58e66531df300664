#include "engines/aten/passes/pad_products.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/constant_pad_nd.h>

#include "engines/aten/passes/products.h"
#include "engines/aten/passes/rewriting.h"

namespace tracejet::aten {

namespace {

constexpr int64_t kMultiple = 8, kFewestColumns = 1024, kFewestRows = 64;

bool gains_by_padding(const Product& product) {
  const at::ScalarType dtype = product.weight.scalar_type();
  const int64_t columns = product.weight.size(1);
  const auto rows = product.rows->tensor().sizes[0].maybe_as_int();
  return (dtype == at::kHalf || dtype == at::kBFloat16) && columns % kMultiple != 0 && columns >= kFewestColumns &&
         rows && *rows >= kFewestRows;
}

void pad(Graph& graph, Weights& weights, const Product& product) {
  const Node& node = *product.node;
  const TensorMeta meta = node.outputs().front()->tensor();
  const int64_t columns = product.weight.size(1), more = kMultiple - columns % kMultiple;
  const std::string name = "padded_" + std::to_string(node.outputs().front()->id());
  // Its columns lie one after the other, as those of a linear layer's weight do.
  const Value& weight = weights.add(at::constant_pad_nd(product.weight.t(), {0, 0, 0, more}).t(), name + "_weight");
  const Value* bias =
      product.bias.defined() ? &weights.add(at::constant_pad_nd(product.bias, {0, more}), name + "_bias") : nullptr;
  TensorMeta wide = meta;
  wide.sizes[1] = columns + more;
  wide.strides = contiguous_strides(wide.sizes);
  const Node& padded = graph.insert_node(node, node.op(), arguments_with(product, weight, bias), {wide}, node.where());
  TensorMeta cut = meta;
  cut.strides = wide.strides;
  const Node& slice = graph.insert_node(node, find_op("aten::slice", "Tensor"),
                                        {padded.outputs().front(), 1, 0, columns, 1}, {cut}, node.where());
  replace_node(graph, node, find_op("aten::clone"),
               {slice.outputs().front(), static_cast<int64_t>(at::MemoryFormat::Contiguous)});
}

}  // namespace

void pad_products(Graph& graph) {
  const at::NoGradGuard no_grad;
  Weights weights(graph);
  for_each_node(graph, [&](const Node& node) {
    const auto product = product_of(node, weights);
    if (product && gains_by_padding(*product)) pad(graph, weights, *product);
  });
}

}  // namespace tracejet::aten
