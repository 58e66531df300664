// Indexing of tensors while a trace runs. Replacing `Tensor.__getitem__` in Python would do, were it not for a slot of
// the type that CPython sets along with it and never clears: every tensor would count as a sequence from then on.
#include <vector>

#include <torch/csrc/autograd/python_variable.h>

#include "bindings/bindings.h"
#include "capture/tracer.h"

namespace py = pybind11;

namespace tracejet {

namespace {

/// What the slots of torch.Tensor hold otherwise.
struct Slots {
  binaryfunc get = nullptr;
  objobjargproc set = nullptr;
};
Slots originals;
// Python functions of (tensor, index) and (tensor, index, value), kept for good.
PyObject* traced_get = nullptr;
PyObject* traced_set = nullptr;

/// Unlike THPVariable_Check, it throws nothing: an exception would pass through Python's interpreter, which calls this.
bool is_tensor(PyObject* item) { return PyObject_TypeCheck(item, reinterpret_cast<PyTypeObject*>(THPVariableClass)); }

/// Whether no end of a slice is a tensor, which is asked for a plain number. (Symbolic numbers are taken as they are.)
bool is_plain_slice(PyObject* item) {
  const auto* slice = reinterpret_cast<PySliceObject*>(item);
  return !is_tensor(slice->start) && !is_tensor(slice->stop) && !is_tensor(slice->step);
}

bool is_plain_item(PyObject* item) {
  if (PySlice_Check(item)) return is_plain_slice(item);
  return item == Py_None || item == Py_Ellipsis || PyLong_CheckExact(item);
}

/// Whether PyTorch's own indexing surely reads nothing of it that a trace doesn't know.
bool is_plain(PyObject* index) {
  if (!PyTuple_CheckExact(index)) return is_plain_item(index);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(index); ++i) {
    if (!is_plain_item(PyTuple_GET_ITEM(index, i))) return false;
  }
  return true;
}

PyObject* get(PyObject* tensor, PyObject* index) {
  if (Tracer::current() == nullptr || is_plain(index)) return originals.get(tensor, index);
  return PyObject_CallFunctionObjArgs(traced_get, tensor, index, nullptr);
}

int set(PyObject* tensor, PyObject* index, PyObject* value) {
  if (value == nullptr || Tracer::current() == nullptr || is_plain(index)) return originals.set(tensor, index, value);
  PyObject* done = PyObject_CallFunctionObjArgs(traced_set, tensor, index, value, nullptr);
  Py_XDECREF(done);
  return done == nullptr ? -1 : 0;
}

/// The class and all that derive from it. Each has slots of its own, which it took from its base when it was made.
void collect(const py::handle& type, std::vector<PyTypeObject*>& types) {
  types.push_back(reinterpret_cast<PyTypeObject*>(type.ptr()));
  for (const py::handle derived : type.attr("__subclasses__")()) collect(derived, types);
}

void replace(const py::object& tensor_class, const Slots& from, const Slots& to) {
  std::vector<PyTypeObject*> types;
  collect(tensor_class, types);
  for (PyTypeObject* type : types) {
    PyMappingMethods* mapping = type->tp_as_mapping;
    if (mapping == nullptr) continue;
    if (mapping->mp_subscript == from.get) mapping->mp_subscript = to.get;
    if (mapping->mp_ass_subscript == from.set) mapping->mp_ass_subscript = to.set;
  }
}

}  // namespace

void bind_indexing(py::module_& module) {
  module.def(
      "replace_indexing",
      [](const py::object& tensor_class, const py::object& getitem, const py::object& setitem) {
        const auto* mapping = reinterpret_cast<PyTypeObject*>(tensor_class.ptr())->tp_as_mapping;
        if (originals.get == nullptr) {
          originals = {mapping->mp_subscript, mapping->mp_ass_subscript};
          traced_get = getitem.inc_ref().ptr();
          traced_set = setitem.inc_ref().ptr();
        }
        replace(tensor_class, originals, {get, set});
      },
      py::arg("tensor_class"), py::arg("getitem"), py::arg("setitem"),
      "While a trace runs on a thread, `tensor[index]` is these functions' where the index may be symbolic.");
  module.def(
      "restore_indexing", [](const py::object& tensor_class) { replace(tensor_class, {get, set}, originals); },
      py::arg("tensor_class"));
}

}  // namespace tracejet
