#include "engines/aten/passes/write_in_place.h"

#include <algorithm>

#include <ATen/core/List.h>
#include <ATen/ops/_index_put_impl.h>
#include <torch/library.h>

#include "base/memory.h"
#include "engines/aten/fusion/kernels.h"
#include "engines/aten/passes/rewriting.h"
#include "engines/recording/watched.h"

namespace tracejet::aten {

namespace {

// One thread for 16 bytes of a row. PyTorch's kernel takes as long for a token as for a thousand.
constexpr std::string_view kWriteText = R"(
struct __align__(16) Piece { unsigned of[4]; };
extern "C" __global__ void __launch_bounds__(128) fused(Piece* __restrict__ self, const long long* __restrict__ index,
    const Piece* __restrict__ values, const unsigned count, const unsigned length, const unsigned size1,
    const unsigned size2, const unsigned size3, const unsigned from0, const unsigned from1, const unsigned from2,
    const unsigned to0, const unsigned to1, const unsigned to2) {
  const unsigned i = blockIdx.x * 128u + threadIdx.x;
  if (i >= count) return;
  const unsigned c3 = i % size3, c2 = i / size3 % size2, c1 = i / size3 / size2 % size1, c0 = i / size3 / size2 / size1;
  long long place = index[c2];
  if (place < 0) place += length;
  if (place < 0 || place >= length) asm volatile("trap;");
  self[c0 * to0 + c1 * to1 + static_cast<unsigned>(place) * to2 + c3] = values[c0 * from0 + c1 * from1 + c2 * from2 + c3];
}
)";

/// One index along the third of four axes, rows of 16 bytes: as caches of keys and values are written.
bool is_cache_write(const at::Tensor& self, const c10::List<std::optional<at::Tensor>>& indices,
                    const at::Tensor& values) {
  constexpr int64_t kBytes = 16, kMostPieces = int64_t{1} << 31;
  if (!self.is_cuda() || recording::is_watched(self.device()) || self.dim() != 4 || values.dim() != 4 ||
      indices.size() != 3)
    return false;
  const std::optional<at::Tensor> first = indices[0], second = indices[1], third = indices[2];
  const auto is_none = [](const std::optional<at::Tensor>& index) { return !index || !index->defined(); };
  if (!is_none(first) || !is_none(second) || is_none(third)) return false;
  std::vector<int64_t> sizes = self.sizes().vec();
  sizes[2] = third->numel();
  const int64_t in_piece = kBytes / self.element_size();
  const auto lies_in_pieces = [&](const at::Tensor& tensor) {
    return tensor.stride(3) == 1 && !tensor.is_neg() && !tensor.is_conj() &&
           reinterpret_cast<uintptr_t>(tensor.const_data_ptr()) % kBytes == 0 &&
           std::ranges::all_of(tensor.strides().slice(0, 3), [&](int64_t stride) { return stride % in_piece == 0; });
  };
  return third->dim() == 1 && third->scalar_type() == at::kLong && third->is_contiguous() &&
         third->device() == self.device() && values.device() == self.device() &&
         values.scalar_type() == self.scalar_type() && values.sizes() == sizes && values.numel() > 0 &&
         sizes[3] % in_piece == 0 && self.numel() < kMostPieces && values.numel() < kMostPieces &&
         lies_in_pieces(self) && lies_in_pieces(values);
}

void write_cache(KernelCache& kernels, const at::Tensor& self, const at::Tensor& index, const at::Tensor& values) {
  const auto kernel = kernels.compiled(std::string(kWriteText), self.device()).get();
  const int64_t in_piece = 16 / self.element_size();
  const auto number = [](int64_t value) { return static_cast<unsigned>(value); };
  void* to = self.mutable_data_ptr();
  const void *places = index.const_data_ptr(), *from = values.const_data_ptr();
  unsigned count = number(values.numel() / in_piece), length = number(self.size(2)), size1 = number(values.size(1)),
           size2 = number(values.size(2)), size3 = number(values.size(3) / in_piece);
  unsigned from0 = number(values.stride(0) / in_piece), from1 = number(values.stride(1) / in_piece),
           from2 = number(values.stride(2) / in_piece);
  unsigned to0 = number(self.stride(0) / in_piece), to1 = number(self.stride(1) / in_piece),
           to2 = number(self.stride(2) / in_piece);
  auto arguments =
      addresses_of(to, places, from, count, length, size1, size2, size3, from0, from1, from2, to0, to1, to2);
  kernel->launch((count + 127) / 128, 128, arguments.data());
}

at::Tensor index_put_here(const at::Tensor& self, const c10::List<std::optional<at::Tensor>>& indices,
                          const at::Tensor& values) {
  if (const auto kernels = kernel_cache(self.device().type());
      kernels != nullptr && is_cache_write(self, indices, values)) {
    const std::optional<at::Tensor> index = indices[2];
    write_cache(*kernels, self, *index, values);
    return self;
  }
  at::Tensor written = self;
  return at::_index_put_impl_(written, indices, values);
}

// Not declared as one that writes: programs call such operators on copies.
TORCH_LIBRARY_FRAGMENT(tracejet, library) {
  library.def("index_put_here(Tensor self, Tensor?[] indices, Tensor values) -> Tensor");
}
TORCH_LIBRARY_IMPL(tracejet, CompositeExplicitAutograd, library) { library.impl("index_put_here", index_put_here); }

bool has_memory_of_its_own(const Graph& graph, const GraphInput& buffer) {
  if (!buffer.data.defined() || !buffer.data.is_non_overlapping_and_dense()) return false;
  return std::ranges::none_of(graph.inputs(), [&](const GraphInput& other) {
    return &other != &buffer && other.data.defined() && memory_overlaps(buffer.data, other.data);
  });
}

/// Whether it gives a buffer its new value by overwriting parts of the old one, which nobody else asks for.
bool writes_to_buffer(const Graph& graph, const Node& node) {
  if (!is_call_of(node, "aten::index_put") || Call(node).flag("accumulate")) return false;
  const Value& before = Call(node).value("self");
  const auto is_this = [&](const GraphInput& input) { return input.value == &before; };
  const auto buffer = std::ranges::find_if(graph.inputs(), is_this);
  if (buffer == graph.inputs().end() || buffer->kind != GraphInput::Kind::kBuffer ||
      only_reader(graph, before) != &node || !has_memory_of_its_own(graph, *buffer))
    return false;
  const auto place = static_cast<size_t>(buffer - graph.inputs().begin());
  const Value* after = node.outputs().front();
  return std::ranges::count_if(graph.outputs(), [&](const GraphOutput& output) {
           return output.kind == GraphOutput::Kind::kBufferMutation && output.target == place && output.value == after;
         }) == 1;
}

}  // namespace

void write_in_place(Graph& graph) {
  for_each_node(graph, [&](const Node& node) {
    if (!writes_to_buffer(graph, node)) return;
    replace_node(graph, node, find_op("tracejet::index_put_here"),
                 {node.arguments()[0], node.arguments()[1], node.arguments()[2]});
  });
}

}  // namespace tracejet::aten
