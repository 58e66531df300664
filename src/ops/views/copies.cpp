// Views that are copied at once. All of them are expanded.
// PyTorch: torch/_refs/__init__.py (alias_copy, as_strided_copy, expand_copy), torch/_decomp/decompositions.py
// (split_with_sizes_copy).
#include "ops/families.h"
#include "ops/views/copy_decompositions.h"

namespace tracejet {

std::span<const Operator> view_copy_operators() {
  namespace to = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::alias_copy", .decompose = expand<&to::alias_copy>},
      {.name = "aten::as_strided_copy", .decompose = expand<&to::as_strided_copy>},
      {.name = "aten::expand_copy", .decompose = expand<&to::expand_copy>},
      {.name = "aten::narrow_copy", .decompose = expand<&to::narrow_copy>},
      {.name = "aten::permute_copy", .decompose = expand<&to::permute_copy>},
      {.name = "aten::split_with_sizes_copy", .decompose = expand<&to::split_with_sizes_copy>},
      {.name = "aten::squeeze_copy", .decompose = expand<&to::squeeze_copy>},
      {.name = "aten::squeeze_copy.dim", .decompose = expand<&to::squeeze_copy_axis>},
      {.name = "aten::squeeze_copy.dims", .decompose = expand<&to::squeeze_copy_axes>},
      {.name = "aten::t_copy", .decompose = expand<&to::t_copy>},
      {.name = "aten::transpose_copy.int", .decompose = expand<&to::transpose_copy>},
      {.name = "aten::unbind_copy.int", .decompose = expand<&to::unbind_copy>},
      {.name = "aten::unsqueeze_copy", .decompose = expand<&to::unsqueeze_copy>},
      {.name = "aten::view_copy", .decompose = expand<&to::view_copy>},
  };
  return table;
}

}  // namespace tracejet
