#include "engines/aten/fusion/max_pool_op.h"

#include <algorithm>

#include <ATen/native/Pool.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max_pool2d_with_indices.h>
#include <torch/library.h>

#include "engines/aten/fusion/kernel_types.h"
#include "engines/aten/fusion/own_kernels.h"

namespace tracejet::aten {

namespace {

constexpr int64_t kPooledAtOnce = 8;
constexpr unsigned kPoolThreads = 256;

// A thread has eight channels of one pixel of the result.
constexpr std::string_view kPoolText = R"(
extern "C" __global__ void __launch_bounds__(256) fused(const @T@* __restrict__ in, @T@* __restrict__ out,
    const unsigned count, const unsigned vectors, const unsigned height, const unsigned width, const unsigned rows,
    const unsigned columns, const unsigned kernel0, const unsigned kernel1, const unsigned stride0,
    const unsigned stride1, const unsigned padding0, const unsigned padding1, const unsigned dilation0,
    const unsigned dilation1) {
  const unsigned i = blockIdx.x * 256u + threadIdx.x;
  if (i >= count) return;
  const unsigned vector = i % vectors, pixel = i / vectors;
  const unsigned column = pixel % columns, row = pixel / columns % rows, image = pixel / columns / rows;
  float best[8];
  #pragma unroll
  for (unsigned j = 0; j < 8u; ++j) best[j] = -infinity<float>();
  for (unsigned a = 0; a < kernel0; ++a) {
    const unsigned y = row * stride0 + a * dilation0;
    if (y < padding0 || y - padding0 >= height) continue;
    for (unsigned b = 0; b < kernel1; ++b) {
      const unsigned x = column * stride1 + b * dilation1;
      if (x < padding1 || x - padding1 >= width) continue;
      const auto many = load<8>(in + (((image * height + y - padding0) * width + x - padding1) * vectors + vector) * 8u);
      #pragma unroll
      for (unsigned j = 0; j < 8u; ++j) best[j] = larger(best[j], wide(many.of[j]));
    }
  }
  Many<@T@, 8> results;
  #pragma unroll
  for (unsigned j = 0; j < 8u; ++j) results.of[j] = As<@T@>::of(best[j]);
  store(out + i * 8u, results);
}
)";

bool can_pool(const at::Tensor& input, const MaxPool& pool) {
  constexpr int64_t kMostElements = int64_t{1} << 31;
  const auto is_small = [](const auto& numbers) {
    return std::ranges::all_of(numbers, [](int64_t value) { return value >= 0 && value < 1 << 15; });
  };
  return (input.scalar_type() == at::kHalf || input.scalar_type() == at::kBFloat16) && input.dim() == 4 &&
         input.numel() > 0 && input.numel() < kMostElements && !input.is_neg() &&
         input.is_contiguous(at::MemoryFormat::ChannelsLast) && input.size(1) % kPooledAtOnce == 0 &&
         reinterpret_cast<uintptr_t>(input.const_data_ptr()) % 16 == 0 && is_small(pool.kernel_size) &&
         is_small(pool.stride) && is_small(pool.padding) && is_small(pool.dilation);
}

at::Tensor by_operator(const at::Tensor& input, const MaxPool& pool) {
  return std::get<0>(
      at::max_pool2d_with_indices(input, pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode));
}

at::Tensor max_pool(const at::Tensor& input, at::IntArrayRef kernel_size, at::IntArrayRef stride,
                    at::IntArrayRef padding, at::IntArrayRef dilation, bool ceil_mode) {
  const auto two = [](at::IntArrayRef numbers) { return std::array{numbers[0], numbers.back()}; };
  const MaxPool pool{two(kernel_size), two(stride.empty() ? kernel_size : stride), two(padding), two(dilation),
                     ceil_mode};
  return by_kernels_or(
      input, "max pooling is run", [&](KernelCache& kernels) { return max_pool_by_kernel(kernels, input, pool); },
      [&] { return by_operator(input, pool); });
}

TORCH_LIBRARY_FRAGMENT(tracejet, library) {
  library.def(
      "max_pool2d(Tensor input, int[2] kernel_size, int[2] stride, int[2] padding, int[2] dilation, bool ceil_mode) -> "
      "Tensor");
}
TORCH_LIBRARY_IMPL(tracejet, CompositeExplicitAutograd, library) { library.impl("max_pool2d", max_pool); }

}  // namespace

c10::OperatorHandle max_pool_op() {
  static const c10::OperatorHandle op = c10::Dispatcher::singleton().findSchemaOrThrow("tracejet::max_pool2d", "");
  return op;
}

std::optional<at::Tensor> max_pool_by_kernel(KernelCache& kernels, const at::Tensor& input, const MaxPool& pool) {
  if (!can_pool(input, pool)) return std::nullopt;
  const auto pooled = [&](size_t axis) {
    return at::native::pooling_output_shape<int64_t>(input.size(static_cast<int64_t>(2 + axis)), pool.kernel_size[axis],
                                                     pool.padding[axis], pool.stride[axis], pool.dilation[axis],
                                                     pool.ceil_mode);
  };
  const int64_t images = input.size(0), rows_of_result = pooled(0), columns_of_result = pooled(1);
  at::Tensor result = at::empty({images, input.size(1), rows_of_result, columns_of_result},
                                input.options().memory_format(at::MemoryFormat::ChannelsLast));
  const KernelType& type = *kernel_type(input.scalar_type());
  const auto kernel = kernels.compiled(replaced(kPoolText, "@T@", type.stored), input.device());

  const void* in = input.const_data_ptr();
  void* out = result.mutable_data_ptr();
  unsigned vectors = number(input.size(1) / kPooledAtOnce), count = number(result.numel() / kPooledAtOnce);
  unsigned height = number(input.size(2)), width = number(input.size(3)), rows = number(rows_of_result),
           columns = number(columns_of_result);
  const auto numbers = [&](const std::array<int64_t, 2>& of) { return std::array{number(of[0]), number(of[1])}; };
  auto kernel_size = numbers(pool.kernel_size), stride = numbers(pool.stride), padding = numbers(pool.padding),
       dilation = numbers(pool.dilation);
  auto arguments = addresses_of(in, out, count, vectors, height, width, rows, columns, kernel_size[0], kernel_size[1],
                                stride[0], stride[1], padding[0], padding[1], dilation[0], dilation[1]);
  kernel.get()->launch((count + kPoolThreads - 1) / kPoolThreads, kPoolThreads, arguments.data());
  return result;
}

}  // namespace tracejet::aten
