#include "bindings/bindings.h"
#include "bindings/engine_cache.h"
#include "bindings/pt2.h"
#include "bindings/stack_texts.h"
#include "tracejet/version.h"

PYBIND11_MODULE(_C, module) {
  module.doc() = "The C++ core of tracejet.";
  module.attr("__version__") = tracejet::version();
  tracejet::python::leave_inductor_alone();
  // A signature names the classes of Python that are there when it is bound, so each comes after those it mentions.
  tracejet::bind_errors(module);
  tracejet::bind_expression(module);
  tracejet::bind_symbolic(module);
  tracejet::bind_graph(module);
  tracejet::bind_indexing(module);
  tracejet::bind_onnx_program(module);
  tracejet::bind_operators(module);
  tracejet::bind_decompositions(module);
  tracejet::bind_tracer(module);
  tracejet::bind_torchscript(module);
  tracejet::bind_program(module);
  tracejet::bind_report(module);
  tracejet::bind_inputs(module);
  tracejet::bind_session(module);
  tracejet::bind_model_state(module);
  tracejet::bind_numbers(module);
  tracejet::bind_control_flow(module);
  tracejet::bind_settings(module);
  tracejet::bind_engine(module);
  tracejet::bind_engine_cache(module);
  tracejet::bind_pt2(module);
  tracejet::bind_compile(module);
  tracejet::bind_verify(module);
}
