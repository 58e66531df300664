// TorchScript modules that a model of Python consists of, or is.
#include <torch/csrc/jit/python/module_python.h>
#include <torch/csrc/jit/python/pybind_utils.h>

#include "base/error.h"
#include "bindings/bindings.h"
#include "frontends/torchscript_interpreter.h"

namespace py = pybind11;

namespace tracejet {

namespace {

/// What the TorchScript modules of a trace have set; opaque to Python.
struct ScriptState {
  torchscript::SetAttributes set;
};

py::object run_torchscript(const py::object& module, const std::string& path, ScriptState& state, const py::args& args,
                           const py::kwargs& kwargs) {
  const auto script = torch::jit::as_module(module);
  Tracer* tracer = Tracer::current();
  if (!script || tracer == nullptr) throw Error("only a TorchScript module in a trace can be run");
  const auto& schema = script->get_method("forward").function().getSchema();
  torch::jit::Stack stack =
      torch::jit::createStackForSchema(schema, torch::jit::tuple_slice(args), kwargs, script->_ivalue());
  stack.erase(stack.begin());
  torchscript::Interpreter interpreter(*tracer, *script, state.set, path);
  const c10::IValue result = interpreter.run("forward", std::move(stack));
  interpreter.finish();
  return torch::jit::toPyObject(result);
}

}  // namespace

void bind_torchscript(py::module_& module) {
  py::class_<ScriptState>(module, "ScriptState", "What the TorchScript modules of one trace have set.")
      .def(py::init<>());
  module.def("run_torchscript", &run_torchscript, py::arg("module"), py::arg("path"), py::arg("state"),
             "Runs the forward of a TorchScript module, under the name `path`, with sizes that stay symbols.");
}

}  // namespace tracejet
