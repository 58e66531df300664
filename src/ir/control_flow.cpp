#include "ir/control_flow.h"

#include <torch/library.h>

namespace tracejet::control_flow {

// Schemas without kernels: nothing calls these, nodes only need a name and the names of their arguments.
TORCH_LIBRARY_FRAGMENT(higher_order, library) {
  library.def("cond(Tensor pred, Tensor[] operands) -> Tensor[]");
  library.def("while_loop(Tensor[] carried_inputs, Tensor[] additional_inputs) -> Tensor[]");
  library.def("scan(Tensor[] init, Tensor[] xs, Tensor[] additional_inputs) -> Tensor[]");
  library.def("map_impl(Tensor[] xs, Tensor[] pos_args) -> Tensor[]");
  library.def("associative_scan(Tensor[] xs, Tensor[] additional_inputs) -> Tensor[]");
}

namespace {

c10::OperatorHandle find(const char* name) { return c10::Dispatcher::singleton().findSchemaOrThrow(name, ""); }

}  // namespace

c10::OperatorHandle cond() { return find("higher_order::cond"); }
c10::OperatorHandle while_loop() { return find("higher_order::while_loop"); }
c10::OperatorHandle scan() { return find("higher_order::scan"); }
c10::OperatorHandle map() { return find("higher_order::map_impl"); }
c10::OperatorHandle associative_scan() { return find("higher_order::associative_scan"); }

}  // namespace tracejet::control_flow
