#include "bindings/pt2.h"

#include <pybind11/functional.h>

#include "base/error.h"
#include "compile/saved/saved_file.h"
#include "io/pt2/program_reader.h"
#include "io/pt2/program_writer.h"
#include "ir/symbolic_constant.h"

namespace tracejet {

namespace py = pybind11;

namespace {

/// A number, a string or None, which a program has in the place of a tensor. Others become their text's type: no .pt2
/// file can hold them, and the writer says so.
c10::IValue literal(const py::handle& object) {
  if (object.is_none()) return {};
  if (py::isinstance<py::bool_>(object)) return object.cast<bool>();
  if (py::isinstance<py::int_>(object)) return object.cast<int64_t>();
  if (py::isinstance<py::float_>(object)) return object.cast<double>();
  if (py::isinstance<py::str>(object)) return object.cast<std::string>();
  throw UnsupportedOperator("a .pt2 file can't hold " + py::repr(object).cast<std::string>() +
                                " among the arguments and results of a program",
                            ErrorCode::kFileContent);
}

CallSpec make_call_spec(std::string in_spec, std::string out_spec, const py::list& inputs, const py::list& outputs,
                        std::vector<std::string> argument_names, std::map<std::string, std::string> constant_names,
                        std::map<std::string, std::vector<std::string>> namedtuple_fields) {
  CallSpec spec{std::move(in_spec),        std::move(out_spec),         {}, {}, std::move(argument_names),
                std::move(constant_names), std::move(namedtuple_fields)};
  for (const py::handle input : inputs) spec.inputs.push_back(literal(input));
  for (const py::handle output : outputs) {
    const bool is_in_graph = py::isinstance<py::ellipsis>(output);
    spec.outputs.push_back(is_in_graph ? std::nullopt : std::optional(literal(output)));
  }
  return spec;
}

py::object to_python(const c10::IValue& literal) {
  if (literal.isBool()) return py::bool_(literal.toBool());
  if (literal.isInt()) return py::int_(literal.toInt());
  if (literal.isDouble()) return py::float_(literal.toDouble());
  return literal.isString() ? py::object(py::str(literal.toStringRef())) : py::none();
}

py::list inputs_in_python(const CallSpec& call) {
  py::list inputs;
  for (const c10::IValue& input : call.inputs) inputs.append(to_python(input));
  return inputs;
}

py::list outputs_of(const CallSpec& call) {
  py::list outputs;
  for (const auto& output : call.outputs) outputs.append(output ? to_python(*output) : py::object(py::ellipsis()));
  return outputs;
}

/// (name, least, usual, greatest) of each axis of a tensor; the name is empty where the size is one number.
std::vector<std::tuple<std::string, int64_t, int64_t, int64_t>> axes_of(const Value& value) {
  std::vector<std::tuple<std::string, int64_t, int64_t, int64_t>> axes;
  for (const c10::SymInt& size : value.tensor().sizes) {
    const auto expression = symbolic_expression(size);
    if (!expression || expression->is_constant()) {
      const int64_t known = expression ? expression->constant() : *size.maybe_as_int();
      axes.emplace_back("", known, known, known);
      continue;
    }
    const symbolic::Range range = expression->range();
    axes.emplace_back(expression->str(), range.min, expression->has_hint() ? expression->hint() : range.min, range.max);
  }
  return axes;
}

}  // namespace

void bind_pt2(py::module_& module) {
  py::class_<CallSpec>(module, "CallSpec", "How a program is called: what a .pt2 file has beside the graph.")
      .def(py::init(&make_call_spec), py::kw_only(), py::arg("in_spec"), py::arg("out_spec"), py::arg("inputs"),
           py::arg("outputs"), py::arg("argument_names"), py::arg("constant_names"), py::arg("namedtuple_fields"),
           "inputs: None for tensors; outputs: ... for what the graph gives.")
      .def_readonly("in_spec", &CallSpec::in_spec)
      .def_readonly("out_spec", &CallSpec::out_spec)
      .def_property_readonly("inputs", &inputs_in_python)
      .def_property_readonly("outputs", &outputs_of)
      .def_readonly("argument_names", &CallSpec::argument_names)
      .def_readonly("constant_names", &CallSpec::constant_names);
  py::class_<SavedCompilation>(module, "SavedCompilation", "What a file keeps of a compiled program.")
      .def_readonly("settings", &SavedCompilation::settings);
  module.def(
      "save_pt2",
      [](const Graph& graph, const CallSpec& call, const std::string& path, StackTexts::SourceLine source_line) {
        pt2::write_program(graph, call, source_line, path);
      },
      py::arg("graph"), py::arg("call"), py::arg("path"), py::arg("source_line"),
      "source_line(file, line): the text of a line, without indentation.");
  module.def(
      "load_pt2",
      [](const std::string& path, bool checks_weights) {
        const auto archive = std::make_shared<const pt2::ArchiveReader>(path);
        pt2::ReadProgram read = pt2::read_program(*archive, checks_weights);
        return std::tuple(std::move(read.graph), std::move(read.call), read_compilation(*archive));
      },
      py::arg("path"), py::arg("checks_weights"), py::call_guard<py::gil_scoped_release>(),
      "The graph, how it is called, and what engines made of it, where the file has that.");
  module.def(
      "axes_of_input", &axes_of, py::arg("value"),
      "(name, least, usual, greatest) of each axis of a tensor; the name is empty where the size is one number.");
}

}  // namespace tracejet
