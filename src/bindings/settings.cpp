#include "compile/settings.h"

#include <concepts>
#include <functional>

#include "base/error.h"
#include "bindings/bindings.h"
#include "bindings/python_engine_cache.h"

namespace tracejet {

namespace py = pybind11;

namespace {

std::string shown(py::handle value) { return py::repr(value).cast<std::string>(); }

[[noreturn]] void refuse(const Setting& setting, const std::string& expected, py::handle value) {
  throw InvalidInput(std::string(setting.name) + ": expected " + expected + ", got " + shown(value),
                     ErrorCode::kInvalidSetting);
}

/// What names an operator or a class: a string, or the thing itself.
std::string name_in(const Setting& setting, py::handle value) {
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  if (py::isinstance<py::type>(value)) {
    return value.attr("__module__").cast<std::string>() + "." + value.attr("__qualname__").cast<std::string>();
  }
  const py::module_ ops = py::module_::import("torch._ops");
  for (const char* kind : {"OpOverload", "OpOverloadPacket"}) {
    if (py::isinstance(value, ops.attr(kind))) return py::str(value).cast<std::string>();
  }
  refuse(setting, "names", value);
}

/// How values of each kind of setting come from Python.
struct FromPython {
  const Setting& setting;
  py::handle value;

  void set(bool& field) const {
    if (!py::isinstance<py::bool_>(value)) refuse(setting, "True or False", value);
    field = value.cast<bool>();
  }
  template <typename Integer>
    requires std::same_as<Integer, int> || std::same_as<Integer, int64_t>
  void set(Integer& field) const {
    if (!py::isinstance<py::int_>(value) || py::isinstance<py::bool_>(value)) refuse(setting, "an integer", value);
    int overflows = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflows);
    if (overflows != 0 || number != static_cast<Integer>(number)) refuse(setting, "a smaller number", value);
    field = static_cast<Integer>(number);
  }
  void set(std::string& field) const {
    if (value.is_none()) return field.clear();
    const py::object path = py::module_::import("os").attr("fspath");
    try {
      field = path(value).cast<std::string>();
    } catch (const py::error_already_set&) {
      refuse(setting, "a path", value);
    }
  }
  void set(at::ScalarType& field) const {
    try {
      field = value.cast<at::ScalarType>();
    } catch (const py::cast_error&) {
      refuse(setting, "a torch.dtype", value);
    }
  }
  void set(EngineChoice& field) const {
    if (value.is_none()) {
      field = EngineChoice();
    } else if (py::isinstance<py::str>(value)) {
      field = EngineChoice(value.cast<std::string>());
    } else {
      std::vector<std::string> names;
      set(names);
      field = EngineChoice(std::move(names));
    }
  }
  void set(CustomEngineCache& field) const {
    if (value.is_none()) {
      field = {};
    } else if (py::hasattr(value, "insert") && py::hasattr(value, "check")) {
      field = python::make_engine_cache(py::reinterpret_borrow<py::object>(value));
    } else {
      refuse(setting, "a tracejet.BaseEngineCache", value);
    }
  }
  void set(std::vector<std::string>& field) const {
    const bool is_several = py::isinstance<py::iterable>(value) && !py::isinstance<py::str>(value);
    if (!is_several) refuse(setting, "a list of names", value);
    field.clear();
    for (const py::handle item : py::iter(value)) field.push_back(name_in(setting, item));
  }
};

const Setting& setting_of(const std::string& name) {
  std::string names;
  for (const Setting& setting : settings_table()) {
    if (setting.name == name) return setting;
    names += (names.empty() ? "" : ", ") + std::string(setting.name);
  }
  throw InvalidInput("there is no setting \"" + name + "\"; there are " + names, ErrorCode::kInvalidSetting);
}

CompileSettings settings_from(const py::kwargs& keywords) {
  CompileSettings settings;
  for (const auto& [name, value] : keywords) {
    const Setting& setting = setting_of(name.cast<std::string>());
    std::visit([&](auto field) { FromPython{setting, value}.set(settings.*field); }, setting.field);
  }
  check_settings(settings);
  return settings;
}

py::object to_object(const EngineChoice& choice) {
  if (choice.may_split() && !choice.is_auto()) return py::cast(choice.names());
  return py::cast(choice.names().front());
}
py::object to_object(const CustomEngineCache& cache) { return python::object_of(cache.get().get()); }
template <typename Value>
py::object to_object(const Value& value) {
  return py::cast(value);
}

py::object value_in(const CompileSettings& settings, const Setting& setting) {
  return std::visit([&](auto field) { return to_object(settings.*field); }, setting.field);
}

py::dict as_dict(const CompileSettings& settings) {
  py::dict values;
  for (const Setting& setting : settings_table())
    values[py::str(std::string(setting.name))] = value_in(settings, setting);
  return values;
}

std::string text_of(const CompileSettings& settings) {
  std::string text;
  for (const Setting& setting : settings_table()) {
    text += (text.empty() ? "" : ", ") + std::string(setting.name) + "=" + shown(value_in(settings, setting));
  }
  return "CompileSettings(" + text + ")";
}

}  // namespace

void bind_settings(py::module_& module) {
  py::class_<Setting>(module, "Setting", "What is known of one of the settings of `compile`.")
      .def_property_readonly("name", [](const Setting& setting) { return std::string(setting.name); })
      .def_property_readonly("doc", [](const Setting& setting) { return std::string(setting.doc); })
      .def_property_readonly("default", [](const Setting& setting) { return value_in(CompileSettings(), setting); })
      .def_readonly("engines_depend", &Setting::engines_depend,
                    "Whether what an engine compiles depends on it, and not only what it is given to compile.");
  py::class_<CompileSettings> settings(module, "CompileSettings",
                                       "How a program is compiled: the keywords of `compile`. Unknown names and values "
                                       "that are invalid raise InvalidInput.");
  settings.def(py::init(&settings_from))
      .def("as_dict", &as_dict)
      .def("__repr__", &text_of)
      .def("__eq__", [](const CompileSettings& self, const CompileSettings& other) { return self == other; });
  for (const Setting& setting : settings_table()) {
    settings.def_property_readonly(
        std::string(setting.name).c_str(), [&setting](const CompileSettings& self) { return value_in(self, setting); },
        std::string(setting.doc).c_str());
  }
  module.def("settings_table", [] {
    const auto table = settings_table();
    return std::vector<Setting>(table.begin(), table.end());
  });
}

}  // namespace tracejet
