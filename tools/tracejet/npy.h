#pragma once

#include <string>

#include <ATen/core/Tensor.h>

namespace tracejet::command_line {

/// Reads an array that `numpy.save` wrote (format versions 1 to 3): numbers, complex numbers and booleans of this
/// machine's byte order, in C or Fortran order. Objects, strings and records are refused: nothing is unpickled.
/// Throws Error, which names the file.
at::Tensor read_npy(const std::string& path);

/// Writes a tensor so that `numpy.load` reads it. Throws Error where NumPy has no such dtype (bfloat16), or where the
/// file can't be written.
void write_npy(const at::Tensor& tensor, const std::string& path);

}  // namespace tracejet::command_line
