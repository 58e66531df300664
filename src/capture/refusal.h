#pragma once

#include <string>
#include <string_view>

namespace tracejet {

/// Throws what an error of PyTorch's is called here, in our words and with PyTorch's as a detail: DataDependent where
/// it asks for data, UnsupportedOperator where it can't do without plain sizes or kernels, else Error. `op`: the
/// operator that was called ("aten::view"), if one was. `where`: the lines of describe().
[[noreturn]] void throw_refusal(std::string_view message, std::string_view op, std::string_view where);

}  // namespace tracejet
