#include "base/error.h"
#include "bindings/bindings.h"
#include "tracejet/verify.h"

namespace tracejet {

void bind_errors(pybind11::module_& module) {
  namespace py = pybind11;
  const py::object& base = py::register_exception<Error>(module, "Error", PyExc_RuntimeError);
  py::register_exception<InvalidInput>(module, "InvalidInput", base);
  py::register_exception<UnsupportedOperator>(module, "UnsupportedOperator", base);
  py::register_exception<ShapeError>(module, "ShapeError", base);
  py::register_exception<ConstraintViolation>(module, "ConstraintViolation", base);
  py::register_exception<DataDependent>(module, "DataDependent", base);
  py::register_exception<VerificationError>(module, "VerificationError", base);
}

}  // namespace tracejet
