#include "engines/aten/fusion/fused_op.h"

#include <torch/library.h>

namespace tracejet::aten {

// A schema without kernels: the interpreter runs its nodes.
TORCH_LIBRARY_FRAGMENT(tracejet, library) { library.def("fused(Tensor[] inputs) -> Tensor[]"); }

c10::OperatorHandle fused_op() {
  static const c10::OperatorHandle op = c10::Dispatcher::singleton().findSchemaOrThrow("tracejet::fused", "");
  return op;
}

}  // namespace tracejet::aten
