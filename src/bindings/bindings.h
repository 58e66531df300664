#pragma once

#include <torch/csrc/utils/pybind.h>

namespace tracejet {

// One function per file of this folder; module.cpp calls them all.
void bind_compile(pybind11::module_& module);
void bind_control_flow(pybind11::module_& module);
void bind_decompositions(pybind11::module_& module);
void bind_engine(pybind11::module_& module);
void bind_errors(pybind11::module_& module);
void bind_expression(pybind11::module_& module);
void bind_graph(pybind11::module_& module);
void bind_indexing(pybind11::module_& module);
void bind_inputs(pybind11::module_& module);
void bind_model_state(pybind11::module_& module);
void bind_numbers(pybind11::module_& module);
void bind_onnx_program(pybind11::module_& module);
void bind_operators(pybind11::module_& module);
void bind_program(pybind11::module_& module);
void bind_report(pybind11::module_& module);
void bind_session(pybind11::module_& module);
void bind_settings(pybind11::module_& module);
void bind_symbolic(pybind11::module_& module);
void bind_torchscript(pybind11::module_& module);
void bind_tracer(pybind11::module_& module);
void bind_verify(pybind11::module_& module);

}  // namespace tracejet
