// What is asked of a symbolic number whenever it is touched, mostly by PyTorch's own code: its class and its node.
#include <array>
#include <string_view>

#include "bindings/bindings.h"
#include "capture/tracer.h"
#include "symbolic/asker.h"
#include "symbolic/context.h"

namespace py = pybind11;

namespace tracejet {

namespace {

/// An attribute of a class of symbolic numbers. Classes live for good, and so does this.
struct Attribute {
  PyObject* own = nullptr;        ///< the class
  PyObject* for_model = nullptr;  ///< a Python function of the number: what the model's code is told
  PyGetSetDef definition{};
};

PyObject* interned(const char* text) { return PyUnicode_InternFromString(text); }

PyObject* node_name() {
  static PyObject* const name = interned("node");
  return name;
}

/// Whether the Python code that runs now knows symbolic numbers, and tells them from plain ones.
bool knows_symbols() {
  static PyObject* const key = interned("__name__");
  PyObject* globals = PyEval_GetGlobals();
  PyObject* name = globals == nullptr ? nullptr : PyDict_GetItem(globals, key);
  if (name == nullptr || !PyUnicode_Check(name)) return false;
  Py_ssize_t length = 0;
  const char* text = PyUnicode_AsUTF8AndSize(name, &length);
  if (text == nullptr) {
    PyErr_Clear();
    return false;
  }
  const std::string_view path(text, static_cast<size_t>(length));
  const std::string_view package = path.substr(0, path.find('.'));
  return package == "torch" || package == "tracejet" || package == "sympy";
}

/// Whether the Python code that runs now mentions the node, or a function that can ask for it by name.
bool may_ask_for_node() {
  static const std::array names{node_name(), interned("hasattr"), interned("getattr")};
  PyFrameObject* frame = PyEval_GetFrame();
  if (frame == nullptr) return false;
  const py::object code = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
  PyObject* mentioned = reinterpret_cast<PyCodeObject*>(code.ptr())->co_names;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mentioned); ++i) {
    for (PyObject* name : names) {
      if (PyTuple_GET_ITEM(mentioned, i) == name) return true;  // names in code are interned
    }
  }
  return false;
}

PyObject* class_seen(PyObject* number, void* closure) {
  const auto& seen = *static_cast<const Attribute*>(closure);
  const bool may_be_models = symbolic::may_be_asked_by_model() && symbolic::Context::current() == nullptr;
  if (!may_be_models || knows_symbols()) return Py_NewRef(seen.own);
  return PyObject_CallOneArg(seen.for_model, number);
}

PyObject* node_seen(PyObject* number, void* closure) {
  const auto attributes = py::reinterpret_steal<py::object>(PyObject_GenericGetDict(number, nullptr));
  if (!attributes) return nullptr;
  PyObject* node = PyDict_GetItem(attributes.ptr(), node_name());
  if (node == nullptr) {
    PyErr_SetObject(PyExc_AttributeError, node_name());
    return nullptr;
  }
  if (Tracer::current() == nullptr || knows_symbols() || !may_ask_for_node()) return Py_NewRef(node);
  return PyObject_CallOneArg(static_cast<const Attribute*>(closure)->for_model, number);
}

int set_node(PyObject* number, PyObject* node, void* /*closure*/) {
  const auto attributes = py::reinterpret_steal<py::object>(PyObject_GenericGetDict(number, nullptr));
  if (!attributes) return -1;
  if (node == nullptr) return PyDict_DelItem(attributes.ptr(), node_name());
  return PyDict_SetItem(attributes.ptr(), node_name(), node);
}

py::object descriptor(const py::type& own, const py::function& for_model, PyGetSetDef definition) {
  auto* attribute = new Attribute{own.inc_ref().ptr(), for_model.inc_ref().ptr(), definition};
  attribute->definition.closure = attribute;
  PyObject* made = PyDescr_NewGetSet(reinterpret_cast<PyTypeObject*>(own.ptr()), &attribute->definition);
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

}  // namespace

void bind_numbers(py::module_& module) {
  module.def(
      "class_seen",
      [](const py::type& own, const py::function& for_model) {
        return descriptor(own, for_model, {"__class__", &class_seen, nullptr, nullptr, nullptr});
      },
      py::arg("own"), py::arg("for_model"),
      "`__class__` of symbolic numbers: the class itself, where it isn't the model's code that asks.");
  module.def(
      "node_seen",
      [](const py::type& own, const py::function& for_model) {
        return descriptor(own, for_model, {"node", &node_seen, &set_node, nullptr, nullptr});
      },
      py::arg("own"), py::arg("for_model"),
      "`node` of symbolic numbers: what is kept there, where the model's code surely doesn't ask for it.");
}

}  // namespace tracejet
