#include "bindings/typed_constant.h"

#include <torch/csrc/DynamicTypes.h>
#include <torch/csrc/jit/python/pybind_utils.h>

namespace tracejet::python {

namespace {

py::object enumeration(int64_t value, c10::TypeKind kind) {
  switch (kind) {
    case c10::TypeKind::ScalarTypeType:
      return py::cast(static_cast<at::ScalarType>(value));
    case c10::TypeKind::LayoutType:
      return py::reinterpret_borrow<py::object>(
          reinterpret_cast<PyObject*>(torch::getTHPLayout(static_cast<at::Layout>(value))));
    case c10::TypeKind::MemoryFormatType:
      return py::cast(static_cast<at::MemoryFormat>(value));
    default:
      return py::int_(value);
  }
}

}  // namespace

py::object typed_constant(const c10::IValue& value, const c10::TypePtr& type,
                          const std::function<py::object(const c10::IValue&)>& special) {
  if (value.isNone()) return py::none();
  if (py::object object = special(value)) return object;
  if (type->kind() == c10::TypeKind::OptionalType) {
    return typed_constant(value, type->castRaw<c10::OptionalType>()->getElementType(), special);
  }
  if (value.isInt()) return enumeration(value.toInt(), type->kind());
  if (value.isList()) {
    const c10::TypePtr element = type->kind() == c10::TypeKind::ListType
                                     ? type->castRaw<c10::ListType>()->getElementType()
                                     : c10::AnyType::get();
    const auto items = value.toListRef();
    py::list list(items.size());
    for (size_t i = 0; i < items.size(); ++i) list[i] = typed_constant(items[i], element, special);
    return list;
  }
  return torch::jit::toPyObject(value);
}

}  // namespace tracejet::python
