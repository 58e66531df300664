#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <c10/util/Exception.h>

namespace tracejet {

/// Whether an error of PyTorch's says that somebody asked for data or memory that a traced tensor, or a symbol, hasn't.
bool asks_for_data(std::string_view message);

/// Whether it says that a check of PyTorch's own insides has failed.
bool is_internal_assertion(std::string_view message);

/// Whether code of torch::nn has raised it.
bool is_raised_by_module(const c10::Error& error);

/// The symbolic size ("s3") that an error says was taken for a plain number; nothing where it is about something else.
std::optional<std::string> size_taken_for_number(std::string_view message);

/// Throws what an error of PyTorch's is called here, in our words and with PyTorch's as a detail: DataDependent where
/// it asks for data, UnsupportedOperator where it can't do without plain sizes or kernels, else Error. `op`: the
/// operator that was called ("aten::view"), if one was. `where`: the lines of describe().
[[noreturn]] void throw_refusal(std::string_view message, std::string_view op, std::string_view where);

}  // namespace tracejet
