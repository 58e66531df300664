#pragma once

#include <stdexcept>
#include <string>

namespace tracejet {

/// The base of everything tracejet throws: the same message in C++ and in Python (`tracejet.Error`).
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An argument of a public function is wrong: a rank, a dtype, min > max, an unknown keyword.
class InvalidInput : public Error {
 public:
  using Error::Error;
};

/// A call that the tracer can't capture, or an operator that an engine can't run.
class UnsupportedOperator : public Error {
 public:
  using Error::Error;
};

/// Operands whose shapes or dtypes don't fit together; eager PyTorch would refuse the call too.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// The model specialises or restricts a dimension that its Input declares dynamic.
class ConstraintViolation : public Error {
 public:
  using Error::Error;
};

/// Python code reads a value that only exists when the program runs (`.item()`, `if tensor:`).
class DataDependent : public Error {
 public:
  using Error::Error;
};

}  // namespace tracejet
