// Views that are copied at once. All of them are expanded.
#include "ops/families.h"
#include "ops/view_copy_decompositions.h"
#include "ops/view_samples.h"

namespace tracejet {

std::span<const Operator> view_copy_operators() {
  namespace to = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::alias_copy", .decompose = expand<&to::alias_copy>, .samples = samples::layouts_only},
      {.name = "aten::as_strided_copy", .decompose = expand<&to::as_strided_copy>, .samples = samples::as_strided},
      {.name = "aten::expand_copy", .decompose = expand<&to::expand_copy>, .samples = samples::expand},
      {.name = "aten::narrow_copy", .decompose = expand<&to::narrow_copy>, .samples = samples::narrow},
      {.name = "aten::permute_copy", .decompose = expand<&to::permute_copy>, .samples = samples::permute},
      {.name = "aten::split_with_sizes_copy",
       .decompose = expand<&to::split_with_sizes_copy>,
       .samples = samples::split_with_sizes},
      {.name = "aten::squeeze_copy", .decompose = expand<&to::squeeze_copy>, .samples = samples::layouts_only},
      {.name = "aten::squeeze_copy.dim", .decompose = expand<&to::squeeze_copy_axis>, .samples = samples::squeeze_axis},
      {.name = "aten::squeeze_copy.dims",
       .decompose = expand<&to::squeeze_copy_axes>,
       .samples = samples::squeeze_axes},
      {.name = "aten::t_copy", .decompose = expand<&to::t_copy>, .samples = samples::matrices},
      {.name = "aten::transpose_copy.int", .decompose = expand<&to::transpose_copy>, .samples = samples::transpose},
      {.name = "aten::unbind_copy.int", .decompose = expand<&to::unbind_copy>, .samples = samples::unbind},
      {.name = "aten::unsqueeze_copy", .decompose = expand<&to::unsqueeze_copy>, .samples = samples::unsqueeze},
      {.name = "aten::view_copy", .decompose = expand<&to::view_copy>, .samples = samples::view},
  };
  return table;
}

}  // namespace tracejet
