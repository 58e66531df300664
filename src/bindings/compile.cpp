#include <filesystem>
#include <map>
#include <unistd.h>

#include <pybind11/functional.h>
#include <torch/csrc/Exceptions.h>

#include "bindings/bindings.h"
#include "bindings/value_objects.h"
#include "compile/engine_support.h"
#include "compile/prepare.h"
#include "compile/program_runner.h"
#include "compile/saved/saved_file.h"
#include "engines/aten/passes/passes.h"
#include "engines/kernel_times.h"
#include "ir/call.h"
#include "ir/model_line.h"
#include "lowering/onnx/lower_graph.h"
#include "verify/verified_compile.h"

namespace tracejet {

namespace py = pybind11;

namespace {

/// A child in which Python works: no other thread holds what it needs.
pid_t fork_with_python() {
  const py::gil_scoped_acquire gil;
  PyOS_BeforeFork();
  const pid_t child = ::fork();
  if (child == 0) {
    PyOS_AfterFork_Child();
  } else {
    PyOS_AfterFork_Parent();
  }
  return child;
}

std::shared_ptr<ProgramRunner> make_runner(std::shared_ptr<Graph> graph, const CompileSettings& settings,
                                           OwnState state, const SavedCompilation* saved) {
  const py::gil_scoped_release no_gil;
  if (saved == nullptr) return compile_verified(std::move(graph), settings, std::move(state), fork_with_python);
  return std::make_shared<ProgramRunner>(std::move(graph), settings, std::move(state), /*trial=*/nullptr,
                                         &saved->build);
}

std::shared_ptr<ProgramRunner> refitted(const ProgramRunner& program, std::shared_ptr<Graph> graph, OwnState state) {
  const py::gil_scoped_release no_gil;
  return std::make_shared<ProgramRunner>(program, std::move(graph), std::move(state));
}

std::shared_ptr<Graph> optimized(const Graph& graph, const CompileSettings& settings) {
  const py::gil_scoped_release no_gil;
  return std::const_pointer_cast<Graph>(aten::optimized(prepared_for_engines(graph), settings));
}

py::list run(const ProgramRunner& program, const std::vector<at::Tensor>& inputs) {
  std::vector<c10::IValue> results;
  torch::PyWarningHandler as_python_warnings;
  try {
    const py::gil_scoped_release no_gil;
    results = program.run_for_all_outputs(inputs);
  } catch (...) {
    as_python_warnings.set_in_exception();
    throw;
  }
  py::list objects;
  for (const c10::IValue& result : results) objects.append(python::to_python(result));
  return objects;
}

std::vector<KernelTime> kernel_times(const ProgramRunner& program, const std::vector<at::Tensor>& inputs, int calls) {
  const py::gil_scoped_release no_gil;
  KernelTimes times;
  for (int call = 0; call < calls; ++call) program.run_for_all_outputs(inputs);
  return times.take();
}

std::shared_ptr<Graph> part_graph(const ProgramRunner& program, size_t part) {
  return std::const_pointer_cast<Graph>(program.built().plan.parts.at(part).graph);
}

std::vector<std::string> save_onnx(const Graph& graph, const std::string& path) {
  const py::gil_scoped_release no_gil;
  const onnx::Model model = onnx::lower(graph, runtime_inputs_of(graph));
  model.save(std::filesystem::path(path));
  std::vector<std::string> names;
  for (const onnx::TensorInfo& input : model.inputs) names.push_back(input.name);
  for (const onnx::TensorInfo& output : model.outputs) names.push_back(output.name);
  return names;
}

struct RefusedCall {
  std::string op, reason;
  std::vector<std::string> takes, gives;
  ModelLine line;
};

std::vector<RefusedCall> described(const Graph& graph, const std::vector<Unsupported>& nodes) {
  std::vector<RefusedCall> calls;
  for (const auto& [node, reason] : nodes) {
    calls.push_back(
        {Call(*node).name(), reason, tensors_taken(*node), tensors_given(*node), line_of(node->where(), graph)});
  }
  return calls;
}

struct SupportInWords {
  std::map<std::string, int64_t> taken;
  std::vector<RefusedCall> refused, warnings;
  std::string refused_text, warnings_text;
};

SupportInWords support(const std::shared_ptr<Graph>& graph, const std::string& engine) {
  const py::gil_scoped_release no_gil;
  EngineSupport found = engine_support_of(graph, engine);
  return {std::move(found.taken), described(*graph, found.unsupported), described(*graph, found.warnings),
          report(*graph, found.unsupported, engine), report_warnings(*graph, found.warnings, engine)};
}

void bind_compile_report(py::module_& module) {
  py::class_<CompiledPart>(module, "CompiledPart", "A part of a compiled program, as one engine runs it.")
      .def_readonly("engine", &CompiledPart::engine)
      .def_readonly("nodes", &CompiledPart::nodes)
      .def_readonly("inputs", &CompiledPart::inputs)
      .def_readonly("outputs", &CompiledPart::outputs)
      .def_readonly("weight_bytes", &CompiledPart::weight_bytes)
      .def_readonly("is_cached", &CompiledPart::is_cached)
      .def_readonly("measured", &CompiledPart::measured)
      .def_readonly("inside", &CompiledPart::inside);
  py::class_<FallbackCall>(module, "FallbackCall", "A call that doesn't run on the engine that comes first.")
      .def_readonly("op", &FallbackCall::op)
      .def_readonly("engine", &FallbackCall::engine)
      .def_readonly("reason", &FallbackCall::reason)
      .def_readonly("where", &FallbackCall::where)
      .def_readonly("file", &FallbackCall::file)
      .def_readonly("line", &FallbackCall::line);
  py::class_<KernelTime>(module, "KernelTime", "What an engine took for one kernel.")
      .def_readonly("part", &KernelTime::part)
      .def_readonly("kernel", &KernelTime::kernel)
      .def_readonly("operators", &KernelTime::operators)
      .def_readonly("line", &KernelTime::line)
      .def_readonly("calls", &KernelTime::calls)
      .def_readonly("microseconds", &KernelTime::microseconds, "Of all calls.");
  py::class_<CompileReport>(module, "CompileReport", "Which engine runs what of a program.")
      .def_readonly("preferred", &CompileReport::preferred)
      .def_readonly("engines", &CompileReport::engines)
      .def_readonly("parts", &CompileReport::parts)
      .def_readonly("fallbacks", &CompileReport::fallbacks)
      .def_readonly("notes", &CompileReport::notes)
      .def_property_readonly("nodes", &CompileReport::nodes)
      .def_property_readonly("nodes_on_preferred", &CompileReport::nodes_on_preferred)
      .def("__str__", &CompileReport::str);
}

}  // namespace

void bind_compile(py::module_& module) {
  bind_compile_report(module);
  py::class_<ProgramRunner, std::shared_ptr<ProgramRunner>>(module, "ProgramRunner",
                                                            "A graph made ready for an engine.")
      .def(py::init(&make_runner), py::arg("graph"), py::arg("settings"), py::arg("state") = OwnState(),
           py::arg("saved") = nullptr)
      .def("refitted", &refitted, py::arg("graph"), py::arg("state") = OwnState(),
           "The same program with the weights of another graph.")
      .def("warnings", &ProgramRunner::warnings,
           "The calls that an engine runs otherwise than PyTorch for some data, in words.")
      .def("report", &ProgramRunner::report, "Which engine runs what.")
      .def("save", &save_compiled, py::arg("call"), py::arg("source_line"), py::arg("path"),
           "Writes it as a .pt2 file. source_line(file, line): the text of a line, without indentation.")
      .def_property_readonly("notes", &ProgramRunner::notes, "Engines that failed, settings that had no effect.")
      .def_property_readonly("settings", &ProgramRunner::settings)
      .def("run", &run, py::arg("inputs"),
           "Runs on the user's tensors, in their order; gives one object per output of the user: a tensor or a number.")
      .def("kernel_times", &kernel_times, py::arg("inputs"), py::arg("calls"),
           "Runs it so often, and says how long the kernels took of those engines that know it.")
      .def("part_graph", &part_graph, py::arg("part"), "What one engine runs.");
  py::class_<RefusedCall>(module, "RefusedCall", "A call that an engine can't run.")
      .def_readonly("op", &RefusedCall::op)
      .def_readonly("reason", &RefusedCall::reason)
      .def_readonly("takes", &RefusedCall::takes)
      .def_readonly("gives", &RefusedCall::gives)
      .def_readonly("line", &RefusedCall::line);
  py::class_<SupportInWords>(module, "Support",
                             "Operator-support report: which calls of a graph an engine runs, which not and why.")
      .def_readonly("taken", &SupportInWords::taken)
      .def_readonly("refused", &SupportInWords::refused)
      .def_readonly("warnings", &SupportInWords::warnings)
      .def_readonly("refused_text", &SupportInWords::refused_text)
      .def_readonly("warnings_text", &SupportInWords::warnings_text);
  module.def("optimized", &optimized, py::arg("graph"), py::arg("settings"),
             "The graph as PyTorch's kernels run it: after the passes that the settings leave.");
  module.def("support", &support, py::arg("graph"), py::arg("engine"),
             "Operator-support report: which calls of a graph an engine runs, which not and why.");
  module.def(
      "save_onnx", &save_onnx, py::arg("graph"), py::arg("path"),
      "Writes the graph as an ONNX file, its weights included. Returns the names of its inputs, then its outputs.");
}

}  // namespace tracejet
