// Operators of a user's own, in C++: a library that both the C++ tests and the Python tests load.
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

namespace {

/// Every row twice.
at::Tensor twice(const at::Tensor& x, double scale) { return at::cat({x, x}).mul_(scale); }

at::Tensor twice_without_data(const at::Tensor& x, double) {
  c10::SymDimVector sizes(x.sym_sizes());
  sizes[0] = sizes[0] * 2;
  return at::empty_symint(sizes, x.options());
}

void bump(at::Tensor& x) { x.add_(1); }

void bump_without_data(at::Tensor&) {}

at::Tensor unknown(const at::Tensor& x) { return x.add(1); }

at::Tensor same(at::Tensor& x) { return x; }

struct Counter final : torch::CustomClassHolder {
  int64_t count = 0;
};

at::Tensor counted(const at::Tensor& x, const c10::intrusive_ptr<Counter>& counter) { return x.add(++counter->count); }

}  // namespace

TORCH_LIBRARY(tracejet_cpp, library) {
  library.class_<Counter>("Counter").def(torch::init<>());
  library.def("twice(Tensor x, float scale=1.0) -> Tensor");
  library.def("bump_(Tensor(a!) x) -> ()");
  library.def("unknown(Tensor x) -> Tensor");
  library.def("same_(Tensor(a!) x) -> Tensor(a!)");
  library.def("counted(Tensor x, __torch__.torch.classes.tracejet_cpp.Counter counter) -> Tensor");
}

TORCH_LIBRARY_IMPL(tracejet_cpp, CPU, library) {
  library.impl("twice", &twice);
  library.impl("bump_", &bump);
  library.impl("unknown", &unknown);
  library.impl("same_", &same);
  library.impl("counted", &counted);
}

TORCH_LIBRARY_IMPL(tracejet_cpp, Meta, library) {
  library.impl("twice", &twice_without_data);
  library.impl("bump_", &bump_without_data);
}
