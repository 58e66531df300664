#include "bindings/inputs.h"

#include "bindings/bindings.h"
#include "frontends/input_check.h"
#include "frontends/suggestion.h"

namespace tracejet {

namespace py = pybind11;

namespace python {

namespace {

using Shape = std::vector<int64_t>;

ShapeRange to_range(const py::handle& shapes) {
  return {shapes["min_shape"].cast<Shape>(), shapes["opt_shape"].cast<Shape>(), shapes["max_shape"].cast<Shape>()};
}

py::dict from_range(const ShapeRange& range) {
  py::dict shapes;
  shapes["min_shape"] = py::tuple(py::cast(range.min_shape));
  shapes["opt_shape"] = py::tuple(py::cast(range.opt_shape));
  shapes["max_shape"] = py::tuple(py::cast(range.max_shape));
  return shapes;
}

}  // namespace

Input to_input(const py::handle& object) {
  Input input = Input::dynamic(object.attr("min_shape").cast<Shape>(), object.attr("opt_shape").cast<Shape>(),
                               object.attr("max_shape").cast<Shape>());
  input.name = object.attr("name").cast<std::string>();
  input.shared_dims = object.attr("shared_dims").cast<std::map<int64_t, std::string>>();
  if (const py::object profiles = object.attr("profiles"); !profiles.is_none()) {
    for (const py::handle profile : profiles) input.profiles.push_back(to_range(profile));
  }
  return input;
}

ModelInput to_model_input(const py::handle& leaf) {
  ModelInput input;
  input.name = leaf.attr("name").cast<std::string>();
  input.shape = leaf.attr("shape").cast<std::optional<std::vector<AxisSize>>>();
  if (!input.shape) return input;
  input.strides = leaf.attr("strides").cast<std::optional<Shape>>();
  input.dtype = leaf.attr("dtype").cast<at::ScalarType>();
  input.device = leaf.attr("device").cast<c10::Device>();
  if (const py::object format = leaf.attr("memory_format"); !format.is_none()) {
    input.format = format.cast<c10::MemoryFormat>();
  }
  return input;
}

}  // namespace python

namespace {

using Profile = std::array<int64_t, 3>;

py::tuple fields_of(const Dimension& dimension) {
  py::list profiles;
  for (const auto& [low, best, high] : dimension.profiles) profiles.append(py::make_tuple(low, best, high));
  return py::make_tuple(dimension.name, dimension.min, dimension.opt, dimension.max, py::tuple(profiles));
}

Dimension make_dimension(std::string name, int64_t min, int64_t opt, int64_t max, std::vector<Profile> profiles) {
  return {std::move(name), min, opt, max, std::move(profiles)};
}

/// `declared`: name, path and Input of each.
std::vector<std::vector<AxisSize>> name_dimensions_of(
    const std::vector<std::tuple<std::string, std::string, py::object>>& declared) {
  std::vector<DeclaredInput> inputs;
  for (const auto& [name, path, spec] : declared) inputs.push_back({name, path, python::to_input(spec)});
  return name_dimensions(inputs);
}

using Shapes = std::tuple<std::vector<int64_t>, std::vector<int64_t>, std::vector<int64_t>>;

Shapes envelope_of(const std::string& here, const std::vector<Shapes>& profiles,
                   const std::vector<std::string>& places) {
  std::vector<ShapeRange> ranges;
  for (const auto& [low, opt, high] : profiles) ranges.push_back({low, opt, high});
  ShapeRange all = envelope(here, ranges, places);
  return {std::move(all.min_shape), std::move(all.opt_shape), std::move(all.max_shape)};
}

/// The attributes of an Input that would have to be others; None where it is right.
py::object suggested_attributes(const py::object& spec, const std::vector<AxisSize>& shape, const Report& report) {
  const auto suggested = suggested_input(python::to_input(spec), shape, report.suggested_dimensions);
  if (!suggested) return py::none();
  py::dict attributes = python::from_range({suggested->min_shape, suggested->opt_shape, suggested->max_shape});
  attributes["shared_dims"] = suggested->shared_dims;
  py::list profiles;
  for (const ShapeRange& profile : suggested->profiles) profiles.append(python::from_range(profile));
  attributes["profiles"] = suggested->profiles.empty() ? py::object(py::none()) : py::object(profiles);
  return attributes;
}

}  // namespace

void bind_inputs(py::module_& module) {
  py::class_<Dimension>(module, "Dim", "A dynamic axis. Axes with the same name are one symbol.")
      .def(py::init(&make_dimension), py::arg("name"), py::arg("min"), py::arg("opt"), py::arg("max"),
           py::arg("profiles") = std::vector<Profile>())
      .def_readonly("name", &Dimension::name)
      .def_readonly("min", &Dimension::min)
      .def_readonly("opt", &Dimension::opt)
      .def_readonly("max", &Dimension::max)
      .def_property_readonly(
          "profiles", [](const Dimension& self) { return py::tuple(fields_of(self)[4]); },
          "(min, opt, max) in each optimization profile, if there are any.")
      .def("__str__", &Dimension::str)
      .def("__repr__", [](const Dimension& self) { return "Dim('" + self.name + "', " + self.str() + ")"; })
      .def("__eq__", [](const Dimension& self, const Dimension& other) { return self == other; })
      .def("__eq__", [](const Dimension&, const py::object&) { return false; })
      .def("__hash__", [](const Dimension& self) { return py::hash(fields_of(self)); })
      .def(py::pickle(&fields_of, [](const py::tuple& fields) {
        return make_dimension(fields[0].cast<std::string>(), fields[1].cast<int64_t>(), fields[2].cast<int64_t>(),
                              fields[3].cast<int64_t>(), fields[4].cast<std::vector<Profile>>());
      }));
  module.def(
      "name_dimensions", &name_dimensions_of, py::arg("inputs"),
      "inputs: name, path and Input of each. Gives their shapes with the dynamic axes named. Raises InvalidInput "
      "where Inputs contradict each other.");
  module.def("envelope", &envelope_of, py::arg("here"), py::arg("profiles"), py::arg("places"),
             "The range that takes in all profiles of an Input, each (min, opt, max) shapes. Raises InvalidInput where "
             "one contradicts itself.");
  module.def(
      "check_memory",
      [](const std::string& here, const std::vector<int64_t>& shape, at::ScalarType dtype) {
        check_memory(here, shape, dtype);
      },
      py::arg("here"), py::arg("shape"), py::arg("dtype"),
      "Raises InvalidInput where there is no dense tensor of numbers of this dtype, or 64 bits don't count its bytes.");
  module.def("checked_shared_dims", &checked_shared_dims, py::arg("here"), py::arg("rank"), py::arg("shared_dims"),
             "The names of axes, none of them negative.");
  module.def(
      "suggested_attributes", &suggested_attributes, py::arg("spec"), py::arg("shape"), py::arg("report"),
      "The attributes of an Input that would have to be others for the trace to succeed; None where it is right.");
}

}  // namespace tracejet
