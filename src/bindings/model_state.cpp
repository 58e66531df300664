// What a model has changed in its containers: thousands of comparisons after each trace.
#include "bindings/bindings.h"

namespace py = pybind11;

namespace tracejet {

namespace {

bool holds_the_same(PyObject* a, PyObject* b) {
  if (PyDict_GET_SIZE(a) != PyDict_GET_SIZE(b)) return false;
  Py_ssize_t at = 0;
  Py_ssize_t other_at = 0;
  PyObject *key = nullptr, *value = nullptr, *other_key = nullptr, *other_value = nullptr;
  while (PyDict_Next(a, &at, &key, &value) != 0) {
    if (PyDict_Next(b, &other_at, &other_key, &other_value) == 0) return false;
    if (key != other_key || value != other_value) return false;
  }
  return true;
}

py::list changed_containers(const py::list& saved, const py::function& is_same) {
  py::list changed;
  for (const py::handle each : saved) {
    PyObject* holder = PyTuple_GET_ITEM(each.ptr(), 0);
    PyObject* content = PyTuple_GET_ITEM(each.ptr(), 1);
    const bool is_plain = PyDict_CheckExact(holder) != 0 && PyDict_CheckExact(content) != 0;
    if (is_plain ? !holds_the_same(holder, content) : !is_same(py::handle(holder), py::handle(content)).cast<bool>()) {
      changed.append(each);
    }
  }
  return changed;
}

}  // namespace

void bind_model_state(py::module_& module) {
  module.def(
      "changed_containers", &changed_containers, py::arg("saved"), py::arg("is_same"),
      "Those of (container, former content, ...) that don't hold the very objects any more, in the former order. "
      "`is_same` tells it of containers other than a dict.");
}

}  // namespace tracejet
