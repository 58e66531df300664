#include "engines/aten/passes/pad_products.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "engines/aten/fusion/kernels.h"
#include "engines/aten/passes/products.h"
#include "engines/aten/passes/rewriting.h"
#include "engines/recording/watched.h"

namespace tracejet::aten {

namespace {

// Rows of an odd length begin where no vector does: a thread reads one by one what it writes at once.
constexpr std::string_view kCutText = R"(
extern "C" __global__ void __launch_bounds__(256) fused(const unsigned short* __restrict__ in,
    unsigned short* __restrict__ out, const unsigned total, const unsigned columns, const unsigned all) {
  const unsigned first = (blockIdx.x * 256u + threadIdx.x) * 8u;
  if (first >= total) return;
  unsigned column = first % columns, from = first / columns * all + column;
  Many<unsigned short, 8> many;
  #pragma unroll
  for (unsigned j = 0; j < 8u; ++j) {
    many.of[j] = first + j < total ? in[from] : 0;
    ++from;
    if (++column == columns) {
      column = 0;
      from += all - columns;
    }
  }
  if (first + 8u <= total) {
    store(out + first, many);
  } else {
    for (unsigned j = 0; first + j < total; ++j) out[first + j] = many.of[j];
  }
}
)";

/// The first columns of a matrix, side by side in memory.
at::Tensor first_columns(const at::Tensor& self, int64_t count) {
  const auto kernels = kernel_cache(self.device().type());
  if (kernels == nullptr || recording::is_watched(self.device()) || self.element_size() != 2 || self.dim() != 2 ||
      !self.is_contiguous() || self.is_neg() || self.numel() == 0 || self.numel() >= int64_t{1} << 31)
    return self.slice(1, 0, count).clone(at::MemoryFormat::Contiguous);
  const auto kernel = kernels->compiled(std::string(kCutText), self.device()).get();
  at::Tensor result = at::empty({self.size(0), count}, self.options());
  const void* in = self.const_data_ptr();
  void* out = result.mutable_data_ptr();
  auto total = static_cast<unsigned>(result.numel()), columns = static_cast<unsigned>(count),
       all = static_cast<unsigned>(self.size(1));
  auto arguments = addresses_of(in, out, total, columns, all);
  kernel->launch((total + 2047) / 2048, 256, arguments.data());
  return result;
}

TORCH_LIBRARY_FRAGMENT(tracejet, library) { library.def("first_columns(Tensor self, int count) -> Tensor"); }
TORCH_LIBRARY_IMPL(tracejet, CompositeExplicitAutograd, library) { library.impl("first_columns", first_columns); }

constexpr int64_t kMultiple = 8, kFewestColumns = 1024, kFewestRows = 64;

bool gains_by_padding(const Product& product) {
  const at::ScalarType dtype = product.weight.scalar_type();
  const int64_t columns = product.weight.size(1);
  const auto rows = product.rows->tensor().sizes[0].maybe_as_int();
  return (dtype == at::kHalf || dtype == at::kBFloat16) && columns % kMultiple != 0 && columns >= kFewestColumns &&
         rows && *rows >= kFewestRows;
}

/// Whether the program gives it, rather than that a chain goes on with it, which reads columns where they lie.
bool is_given(const Graph& graph, const Value& value) {
  if (graph.is_output(value)) return true;
  const Node* reader = only_reader(graph, value);
  return reader != nullptr && is_reshape(*reader) && graph.is_output(*reader->outputs().front());
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
  if (is_given(graph, *node.outputs().front())) {
    replace_node(graph, node, find_op("tracejet::first_columns"), {padded.outputs().front(), columns});
    return;
  }
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
