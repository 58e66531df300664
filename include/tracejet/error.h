#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <tracejet/error_code.h>

namespace tracejet {

/// The base of everything tracejet throws: the same message in C++ and in Python (`tracejet.Error`). The last line of
/// what() names the section of the documentation with cause and fix: "See docs/errors.md#guard-violation".
class Error : public std::runtime_error {
 public:
  explicit Error(std::string_view message, ErrorCode code = ErrorCode::kError)
      : std::runtime_error(std::string(message).append("\n").append(kSeeErrors).append(section_of(code).anchor)),
        message_size_(message.size()),
        code_(code) {}

  ErrorCode code() const noexcept { return code_; }
  /// what() without its last line.
  std::string_view message() const noexcept { return {what(), message_size_}; }
  /// The name of the class, as Python has it.
  virtual std::string_view kind() const noexcept { return "Error"; }
  /// Throws an error of this class and code that says something else.
  [[noreturn]] virtual void rethrow_as(std::string_view message) const { throw Error(message, code_); }

 private:
  size_t message_size_;
  ErrorCode code_;
};

/// An argument of a public function is wrong: a rank, a dtype, min > max, an unknown keyword.
class InvalidInput : public Error {
 public:
  explicit InvalidInput(std::string_view message, ErrorCode code = ErrorCode::kInvalidInput) : Error(message, code) {}
  std::string_view kind() const noexcept override { return "InvalidInput"; }
  [[noreturn]] void rethrow_as(std::string_view message) const override { throw InvalidInput(message, code()); }
};

/// A call that the tracer can't capture, or an operator that an engine can't run.
class UnsupportedOperator : public Error {
 public:
  explicit UnsupportedOperator(std::string_view message, ErrorCode code = ErrorCode::kUnsupportedOperator)
      : Error(message, code) {}
  std::string_view kind() const noexcept override { return "UnsupportedOperator"; }
  [[noreturn]] void rethrow_as(std::string_view message) const override { throw UnsupportedOperator(message, code()); }
};

/// Operands whose shapes or dtypes don't fit together; eager PyTorch would refuse the call too.
class ShapeError : public Error {
 public:
  explicit ShapeError(std::string_view message, ErrorCode code = ErrorCode::kShapeError) : Error(message, code) {}
  std::string_view kind() const noexcept override { return "ShapeError"; }
  [[noreturn]] void rethrow_as(std::string_view message) const override { throw ShapeError(message, code()); }
};

/// The model specialises or restricts a dimension that its Input declares dynamic.
class ConstraintViolation : public Error {
 public:
  explicit ConstraintViolation(std::string_view message, ErrorCode code = ErrorCode::kConstraintViolation)
      : Error(message, code) {}
  std::string_view kind() const noexcept override { return "ConstraintViolation"; }
  [[noreturn]] void rethrow_as(std::string_view message) const override { throw ConstraintViolation(message, code()); }
};

/// Python code reads a value that only exists when the program runs (`.item()`, `if tensor:`).
class DataDependent : public Error {
 public:
  explicit DataDependent(std::string_view message, ErrorCode code = ErrorCode::kDataDependent) : Error(message, code) {}
  std::string_view kind() const noexcept override { return "DataDependent"; }
  [[noreturn]] void rethrow_as(std::string_view message) const override { throw DataDependent(message, code()); }
};

}  // namespace tracejet
