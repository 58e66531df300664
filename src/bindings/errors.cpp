// The classes of errors and their codes, which Python code raises, too.
#include <algorithm>
#include <string>

#include "base/error.h"
#include "bindings/bindings.h"
#include "tracejet/verify.h"

namespace tracejet {

namespace py = pybind11;

namespace {

/// "guard-violation" as GUARD_VIOLATION.
std::string python_name(std::string_view anchor) {
  std::string name(anchor);
  std::ranges::transform(name, name.begin(), [](char c) { return c == '-' ? '_' : static_cast<char>(c - 'a' + 'A'); });
  return name;
}

std::string reference_of(ErrorCode code) { return std::string("docs/errors.md#").append(section_of(code).anchor); }

void bind_codes(py::module_& module) {
  py::enum_<ErrorCode> codes(module, "ErrorCode", "What went wrong, one of a closed set, each with a section in docs.");
  for (const ErrorSection& section : kErrorSections) codes.value(python_name(section.anchor).c_str(), section.code);
  codes.def_property_readonly("anchor", [](ErrorCode code) { return section_of(code).anchor; });
  codes.def_property_readonly(
      "kind", [](ErrorCode code) { return section_of(code).kind; }, "The class of errors that have it.");
  codes.def_property_readonly("help", &reference_of, "The section of the documentation, with cause and fix.");
}

/// Makes a class whose code, where it isn't given another, is that of its own section.
py::object make_class(py::module_& module, const char* name, py::handle base, ErrorCode code) {
  py::dict members;
  members["__module__"] = "tracejet._C";
  members["code"] = code;
  const std::string qualified = std::string("tracejet._C.") + name;
  auto kind = py::reinterpret_steal<py::object>(PyErr_NewException(qualified.c_str(), base.ptr(), members.ptr()));
  if (!kind) throw py::error_already_set();
  module.attr(name) = kind;
  return kind;
}

std::string message_of(const py::handle& error) {
  const py::tuple args = error.attr("args");
  return args.empty() ? std::string() : py::str(args[0]).cast<std::string>();
}

/// What all classes have. Pickled, an error keeps its code: it stands in its __dict__.
void add_members(const py::object& base) {
  py::options options;
  options.disable_function_signatures();
  // A function that is called __init__ pybind11 takes for the constructor of a class of its own; its signature is what
  // is read for stubs.
  base.attr("__init__") = py::cpp_function(
      [](const py::object& self, const py::object& message, const std::optional<ErrorCode>& code) {
        self.attr("args") = py::make_tuple(message);
        if (code) self.attr("code") = *code;
      },
      "__init__(self: object, message: object = '', code: tracejet._C.ErrorCode | None = None) -> None",
      py::name("initialize"), py::is_method(base), py::arg("message") = "", py::arg("code") = py::none());
  options.enable_function_signatures();
  base.attr("__str__") = py::cpp_function(
      [](const py::object& self) {
        return message_of(self) + "\nSee " + reference_of(self.attr("code").cast<ErrorCode>());
      },
      py::name("__str__"), py::is_method(base));
  const py::object property = py::module_::import("builtins").attr("property");
  base.attr("message") = property(py::cpp_function(&message_of, py::name("message"), py::is_method(base),
                                                   "What the error says, without the line that names its section."));
  base.attr("help") = property(
      py::cpp_function([](const py::object& self) { return reference_of(self.attr("code").cast<ErrorCode>()); },
                       py::name("help"), py::is_method(base), "The section of the documentation, with cause and fix."));
}

/// Raises an error of C++ as Python's class of the same name, with its code.
void translate(std::exception_ptr error) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const Error& own) {
    const py::object kind = py::module_::import("tracejet._C").attr(std::string(own.kind()).c_str());
    PyErr_SetObject(kind.ptr(), kind(std::string(own.message()), own.code()).ptr());
  }
}

}  // namespace

void bind_errors(py::module_& module) {
  bind_codes(module);
  const py::object base = make_class(module, "Error", PyExc_RuntimeError, ErrorCode::kError);
  add_members(base);
  make_class(module, "InvalidInput", base, ErrorCode::kInvalidInput);
  make_class(module, "UnsupportedOperator", base, ErrorCode::kUnsupportedOperator);
  make_class(module, "ShapeError", base, ErrorCode::kShapeError);
  make_class(module, "ConstraintViolation", base, ErrorCode::kConstraintViolation);
  make_class(module, "DataDependent", base, ErrorCode::kDataDependent);
  make_class(module, "VerificationError", base, ErrorCode::kVerificationError);
  py::register_exception_translator(&translate);
  module.def(
      "error_named_in",
      [](std::string_view text) -> py::object {
        const auto code = code_named_in(text);
        if (!code) return py::none();
        const py::object kind = py::module_::import("tracejet._C").attr(std::string(section_of(*code).kind).c_str());
        return kind(std::string(text.substr(0, text.rfind(kSeeErrors) - 1)), *code);
      },
      py::arg("text"),
      "The error that a text was made of, by the section that its last line names; None where it names none.");
}

}  // namespace tracejet
