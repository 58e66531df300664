#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "answer.h"
#include <tracejet/compile.h>
#include <tracejet/verify.h>

/// What commands found out, as JSON and in words.
namespace tracejet::command_line {

Json to_json(const CompileReport& report);
Json to_json(const Verification& verification);

/// "output 0 float32[4, 10]: min 0.01, mean 0.1, max 0.2", line by line.
std::string in_words(const std::vector<at::Tensor>& outputs);
Json to_json(const std::vector<at::Tensor>& outputs);

/// As many digits as people read: "0.0312".
std::string brief(double number);

}  // namespace tracejet::command_line
