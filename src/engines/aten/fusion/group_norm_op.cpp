#include "engines/aten/fusion/group_norm_op.h"

#include <algorithm>

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/native_group_norm.h>
#include <ATen/ops/silu.h>
#include <torch/library.h>

#include "engines/aten/fusion/kernel_types.h"
#include "engines/aten/fusion/own_kernels.h"

namespace tracejet::aten {

namespace {

constexpr int64_t kChannelsAtOnce = 8, kMostThreads = 512, kMostGroups = 128, kMostPieces = 64;

// A thread has eight channels of some of the pixels, and begins with the number of the first one, which it takes from
// all others: that a sum of squares loses digits where numbers are far from 0 doesn't matter then.
constexpr std::string_view kMomentsText = R"(
extern "C" __global__ void __launch_bounds__(512) fused(const @T@* __restrict__ in, float* __restrict__ out,
    const unsigned pixels, const unsigned channels, const unsigned groups, const unsigned rows, const unsigned warps,
    const unsigned size, const unsigned pieces) {
  __shared__ float means[4096];
  __shared__ float squares[4096];
  const unsigned vectors = channels / 8u, row = threadIdx.x / vectors, vector = threadIdx.x % vectors;
  const unsigned image = blockIdx.x / pieces, first = blockIdx.x % pieces * size;
  const unsigned end = first + size < pixels ? first + size : pixels;
  if (row < rows && first + row < end) {
    const @T@* at = in + ((image * pixels + first + row) * channels + vector * 8u);
    const auto start = load<8>(at);
    float sum[8], square[8];
    #pragma unroll
    for (unsigned j = 0; j < 8u; ++j) sum[j] = square[j] = 0;
    unsigned count = 1;
    #pragma unroll 4
    for (unsigned pixel = first + row + rows; pixel < end; pixel += rows) {
      at += rows * channels;
      const auto many = load<8>(at);
      #pragma unroll
      for (unsigned j = 0; j < 8u; ++j) {
        const float x = wide(many.of[j]) - wide(start.of[j]);
        sum[j] = sum[j] + x;
        square[j] = square[j] + x * x;
      }
      ++count;
    }
    #pragma unroll
    for (unsigned j = 0; j < 8u; ++j) {
      const float mean = sum[j] / static_cast<float>(count);
      means[row * channels + vector * 8u + j] = wide(start.of[j]) + mean;
      squares[row * channels + vector * 8u + j] = square[j] - sum[j] * mean;
    }
  }
  __syncthreads();
  const unsigned width = channels / groups, lane = threadIdx.x % 32u;
  const unsigned filled = end - first < rows ? end - first : rows;
  for (unsigned group = threadIdx.x / 32u; group < groups; group += warps) {
    float sum = 0;
    for (unsigned i = lane; i < filled * width; i += 32u) {
      const float count = static_cast<float>((end - first - i / width + rows - 1u) / rows);
      sum = sum + count * means[i / width * channels + group * width + i % width];
    }
    const float mean = row_sum<32>(sum) / static_cast<float>((end - first) * width);
    float square = 0;
    for (unsigned i = lane; i < filled * width; i += 32u) {
      const float count = static_cast<float>((end - first - i / width + rows - 1u) / rows);
      const unsigned place = i / width * channels + group * width + i % width;
      const float off = means[place] - mean;
      square = square + (squares[place] + count * off * off);
    }
    square = row_sum<32>(square);
    if (lane == 0) {
      out[(blockIdx.x * groups + group) * 2u] = mean;
      out[(blockIdx.x * groups + group) * 2u + 1u] = square;
    }
  }
}
)";

constexpr std::string_view kNormText = R"(
extern "C" __global__ void __launch_bounds__(512) fused(const @T@* __restrict__ in, const float* __restrict__ moments,
    const @T@* __restrict__ weight, const @T@* __restrict__ bias, @T@* __restrict__ out, const unsigned pixels,
    const unsigned channels, const unsigned groups, const unsigned rows, const unsigned warps, const unsigned size,
    const unsigned pieces, const unsigned moments_size, const unsigned moments_pieces, const float eps) {
  __shared__ float means[128];
  __shared__ float scales[128];
  const unsigned vectors = channels / 8u, row = threadIdx.x / vectors, vector = threadIdx.x % vectors;
  const unsigned image = blockIdx.x / pieces, first = blockIdx.x % pieces * size;
  const unsigned end = first + size < pixels ? first + size : pixels;
  const unsigned width = channels / groups, lane = threadIdx.x % 32u;
  for (unsigned group = threadIdx.x / 32u; group < groups; group += warps) {
    float sum = 0, square = 0;
    for (unsigned piece = lane; piece < moments_pieces; piece += 32u) {
      const unsigned begin = piece * moments_size, rest = pixels - begin;
      const float count = static_cast<float>(rest < moments_size ? rest : moments_size);
      sum = sum + count * moments[((image * moments_pieces + piece) * groups + group) * 2u];
    }
    const float mean = row_sum<32>(sum) / static_cast<float>(pixels);
    for (unsigned piece = lane; piece < moments_pieces; piece += 32u) {
      const unsigned begin = piece * moments_size, rest = pixels - begin;
      const float count = static_cast<float>((rest < moments_size ? rest : moments_size) * width);
      const unsigned place = ((image * moments_pieces + piece) * groups + group) * 2u;
      const float off = moments[place] - mean;
      square = square + (moments[place + 1u] + count * off * off);
    }
    square = row_sum<32>(square);
    if (lane == 0) {
      means[group] = mean;
      scales[group] = rsqrt(square / static_cast<float>(pixels * width) + eps);
    }
  }
  __syncthreads();
  if (row >= rows) return;
  float scale[8], shift[8];
  #pragma unroll
  for (unsigned j = 0; j < 8u; ++j) {
    const unsigned channel = vector * 8u + j, group = channel / width;
    scale[j] = weight == nullptr ? scales[group] : scales[group] * wide(weight[channel]);
    shift[j] = -scale[j] * means[group] + (bias == nullptr ? 0.0f : wide(bias[channel]));
  }
  #pragma unroll 2
  for (unsigned pixel = first + row; pixel < end; pixel += rows) {
    const unsigned at = (image * pixels + pixel) * channels + vector * 8u;
    const auto many = load<8>(in + at);
    Many<@T@, 8> results;
    #pragma unroll
    for (unsigned j = 0; j < 8u; ++j) {
      const float normed = scale[j] * wide(many.of[j]) + shift[j];
      results.of[j] = @GIVE@;
    }
    store(out + at, results);
  }
}
)";

bool takes(const at::Tensor& input, const GroupNorm& norm) {
  const auto is_like_input = [&](const at::Tensor& one) {
    return !one.defined() || (one.scalar_type() == input.scalar_type() && one.device() == input.device() &&
                              one.dim() == 1 && one.is_contiguous() && !one.is_neg());
  };
  const bool is_narrow = input.scalar_type() == at::kHalf || input.scalar_type() == at::kBFloat16;
  if (!is_narrow || input.dim() != 4 || input.numel() == 0 || input.numel() >= int64_t{1} << 31 || input.is_neg() ||
      !input.is_contiguous(at::MemoryFormat::ChannelsLast) || !is_like_input(norm.weight) || !is_like_input(norm.bias))
    return false;
  return input.size(1) % kChannelsAtOnce == 0 && input.size(1) <= kMostThreads * kChannelsAtOnce &&
         norm.groups <= kMostGroups && input.size(1) % norm.groups == 0 &&
         reinterpret_cast<uintptr_t>(input.const_data_ptr()) % 16 == 0;
}

/// How the pixels of an image are given to blocks of threads.
struct Pieces {
  int64_t rows;   ///< of threads in a block, each with a pixel at a time
  int64_t warps;  ///< of threads in a block
  int64_t size;   ///< pixels that a block has
  int64_t count;  ///< of an image
};

Pieces pieces_of(const at::Tensor& input, const KernelDevice& device, int64_t most) {
  const int64_t pixels = input.size(2) * input.size(3), vectors = input.size(1) / kChannelsAtOnce;
  Pieces found{};
  found.rows = std::clamp<int64_t>(320 / vectors, 1, pixels);
  found.warps = (found.rows * vectors + 31) / 32;
  const int64_t wanted = std::max<int64_t>(1, 2 * device.threads / 512 / input.size(0));  // of an image's pieces
  const int64_t pieces = std::min(wanted, most);
  found.size = std::max((pixels + pieces - 1) / pieces, 2 * found.rows);
  found.count = (pixels + found.size - 1) / found.size;
  return found;
}

at::Tensor by_operators(const at::Tensor& input, const GroupNorm& norm) {
  const int64_t images = input.size(0), channels = input.size(1);
  const int64_t pixels = c10::multiply_integers(input.sizes().slice(2));
  const at::Tensor normed = std::get<0>(at::native_group_norm(input.contiguous(), norm.weight, norm.bias, images,
                                                              channels, pixels, norm.groups, norm.eps));
  return norm.silu ? at::silu(normed) : normed;
}

at::Tensor group_norm(const at::Tensor& input, const std::optional<at::Tensor>& weight,
                      const std::optional<at::Tensor>& bias, int64_t groups, double eps, bool silu) {
  const GroupNorm norm{weight.value_or(at::Tensor()), bias.value_or(at::Tensor()), groups, eps, silu};
  return by_kernels_or(
      input, "group norms are run", [&](KernelCache& kernels) { return group_norm_by_kernels(kernels, input, norm); },
      [&] { return by_operators(input, norm); });
}

TORCH_LIBRARY_FRAGMENT(tracejet, library) {
  library.def("group_norm(Tensor input, Tensor? weight, Tensor? bias, int groups, float eps, bool silu) -> Tensor");
}
TORCH_LIBRARY_IMPL(tracejet, CompositeExplicitAutograd, library) { library.impl("group_norm", group_norm); }

}  // namespace

c10::OperatorHandle group_norm_op() {
  static const c10::OperatorHandle op = c10::Dispatcher::singleton().findSchemaOrThrow("tracejet::group_norm", "");
  return op;
}

std::optional<at::Tensor> group_norm_by_kernels(KernelCache& kernels, const at::Tensor& input, const GroupNorm& norm) {
  if (!takes(input, norm)) return std::nullopt;
  const std::string_view type = kernel_type(input.scalar_type())->stored;
  const std::string narrow(type);
  const std::string rounded = "rounded<" + narrow + ">(normed)";
  const std::string give =
      "As<" + narrow + ">::of(" + (norm.silu ? rounded + " / (1 + exp(-" + rounded + "))" : "normed") + ")";
  const auto moments_kernel = kernels.compiled(replaced(kMomentsText, "@T@", type), input.device());
  const auto norm_kernel = kernels.compiled(replaced(replaced(kNormText, "@T@", type), "@GIVE@", give), input.device());

  const KernelDevice device = kernels.compiler().device(input.device());
  const Pieces pieces = pieces_of(input, device, kMostPieces), parts = pieces_of(input, device, int64_t{1} << 20);
  const int64_t images = input.size(0);
  const at::Tensor moments =
      at::empty({images, pieces.count, norm.groups, 2}, input.options().dtype(at::kFloat).memory_format(std::nullopt));
  at::Tensor result = at::empty_like(input);

  const void* in = input.const_data_ptr();
  void* summed = moments.mutable_data_ptr();
  const void* weight = norm.weight.defined() ? norm.weight.const_data_ptr() : nullptr;
  const void* bias = norm.bias.defined() ? norm.bias.const_data_ptr() : nullptr;
  void* out = result.mutable_data_ptr();
  unsigned pixels = number(input.size(2) * input.size(3)), channels = number(input.size(1)),
           groups = number(norm.groups);
  unsigned rows = number(pieces.rows), warps = number(pieces.warps), size = number(pieces.size),
           count = number(pieces.count);
  auto arguments = addresses_of(in, summed, pixels, channels, groups, rows, warps, size, count);
  moments_kernel.get()->launch(number(images) * count, warps * 32, arguments.data());
  unsigned own_size = number(parts.size), own_count = number(parts.count);
  auto eps = static_cast<float>(norm.eps);
  auto more = addresses_of(in, summed, weight, bias, out, pixels, channels, groups, rows, warps, own_size, own_count,
                           size, count, eps);
  norm_kernel.get()->launch(number(images) * own_count, warps * 32, more.data());
  return result;
}

}  // namespace tracejet::aten
