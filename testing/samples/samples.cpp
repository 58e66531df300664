#include "testing/samples/samples.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <c10/core/DispatchKeySet.h>

namespace tracejet::samples {

namespace {

at::Tensor counted(at::IntArrayRef sizes, at::ScalarType dtype) {
  int64_t numel = 1;
  for (int64_t size : sizes) numel *= size;
  return at::arange(numel, dtype).reshape(sizes);
}

}  // namespace

at::Tensor floats(at::IntArrayRef sizes, at::ScalarType dtype) {
  // Multiples of the golden ratio, modulo 1, never come close to each other.
  return ((counted(sizes, at::kDouble) + 1) * 0.6180339887498949).frac().mul(4).sub(2.001).to(dtype);
}

at::Tensor fractions(at::IntArrayRef sizes) {
  return ((counted(sizes, at::kDouble) + 1) * 0.6180339887498949).frac().to(at::kFloat);
}

at::Tensor integers(at::IntArrayRef sizes, int64_t limit, at::ScalarType dtype) {
  return (counted(sizes, at::kLong) * 5 + 3).remainder(limit).to(dtype);
}

at::Tensor bools(at::IntArrayRef sizes) { return integers(sizes, 3).eq(1); }

namespace {

template <typename Make>
std::vector<at::Tensor> laid_out(Make make) {
  return {
      make({}),
      make({5}),
      make({2, 3, 4}),
      make({3, 1, 4}),
      make({2, 0, 3}),
      make({3, 4}).t(),
      make({2, 3, 4}).permute({2, 0, 1}),
      make({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast),
      make({2, 3, 1, 1}).contiguous(at::MemoryFormat::ChannelsLast),
      make({4, 6}).slice(/*dim=*/1, 0, 6, /*step=*/2),
      make({6, 4}).t().slice(/*dim=*/1, 1, 5),
      make({3, 1}).expand({3, 4}),
  };
}

}  // namespace

std::vector<at::Tensor> layouts() {
  return laid_out([](at::IntArrayRef sizes) { return floats(sizes); });
}

std::vector<at::Tensor> integer_layouts() {
  return laid_out([](at::IntArrayRef sizes) { return integers(sizes); });
}

Stacks each(const std::vector<at::Tensor>& tensors, std::initializer_list<c10::IValue> rest) {
  Stacks calls;
  for (const at::Tensor& tensor : tensors) {
    torch::jit::Stack& call = calls.emplace_back();
    call.emplace_back(tensor);
    call.insert(call.end(), rest.begin(), rest.end());
  }
  return calls;
}

Stacks with_options(const Stacks& calls, at::ScalarType dtype, std::initializer_list<c10::IValue> rest) {
  Stacks all;
  for (const torch::jit::Stack& call : calls) {
    for (const bool given : {false, true}) {
      torch::jit::Stack& next = all.emplace_back(call);
      next.push_back(given ? type(dtype) : none);
      next.push_back(none);
      next.push_back(given ? c10::IValue(c10::Device(c10::kCPU)) : none);
      next.push_back(given ? c10::IValue(false) : none);
      next.insert(next.end(), rest.begin(), rest.end());
    }
  }
  return all;
}

Stacks join(std::initializer_list<Stacks> parts) {
  Stacks calls;
  for (const Stacks& part : parts) calls.insert(calls.end(), part.begin(), part.end());
  return calls;
}

}  // namespace tracejet::samples
