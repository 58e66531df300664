#include "engines/aten/fusion/rotate_half_op.h"

#include <ATen/ops/cat.h>
#include <torch/library.h>

namespace tracejet::aten {

namespace {

/// Where no kernel has it among others.
at::Tensor rotate_half(const at::Tensor& self) {
  const int64_t half = self.size(-1) / 2;
  return at::cat({self.narrow(-1, half, half).neg(), self.narrow(-1, 0, half)}, -1);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tracejet, library) { library.def("rotate_half(Tensor self) -> Tensor"); }
TORCH_LIBRARY_IMPL(tracejet, CompositeExplicitAutograd, library) { library.impl("rotate_half", rotate_half); }

c10::OperatorHandle rotate_half_op() {
  static const c10::OperatorHandle op = c10::Dispatcher::singleton().findSchemaOrThrow("tracejet::rotate_half", "");
  return op;
}

}  // namespace tracejet::aten
