#include "capture/dense.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tracejet {

namespace {

struct Kind {
  std::string_view prefix;  ///< of the names of the operators that make it
  std::string_view what;
  std::string_view remedy;
};

constexpr std::string_view kStayDense = "compute with dense tensors (and masks, where need be)";
constexpr std::string_view kQuantizeOtherwise =
    "quantize the model with torchao (quantize_, or prepare_pt2e and convert_pt2e), whose operators take and give "
    "plain tensors";

constexpr std::array<Kind, 12> kKinds = {{
    {"aten::_to_sparse", "a sparse tensor", kStayDense},
    {"aten::_sparse_", "a sparse tensor", kStayDense},
    {"aten::sparse_", "a sparse tensor", kStayDense},
    {"aten::to_mkldnn", "an MKL-DNN tensor", kStayDense},
    {"aten::_nested_", "a nested tensor", "use nested tensors of layout torch.jagged, or dense tensors and masks"},
    {"aten::quantize_per_", "a tensor with quantized storage", kQuantizeOtherwise},
    {"aten::_empty_affine_quantized", "a tensor with quantized storage", kQuantizeOtherwise},
    {"aten::_empty_per_channel_affine_quantized", "a tensor with quantized storage", kQuantizeOtherwise},
    {"aten::_make_per_", "a tensor with quantized storage", kQuantizeOtherwise},
    {"aten::dequantize", "a plain tensor of one with quantized storage", kQuantizeOtherwise},
    {"quantized::", "a tensor with quantized storage", kQuantizeOtherwise},
    {"mkldnn::", "an MKL-DNN tensor", kStayDense},
}};

}  // namespace

void check_makes_dense(const c10::OperatorHandle& op) {
  const std::string& name = op.operator_name().name;
  const auto found = std::ranges::find_if(kKinds, [&](const Kind& kind) { return name.starts_with(kind.prefix); });
  if (found == kKinds.end()) return;
  throw UnsupportedOperator(
      "makes " + std::string(found->what) + ", and only dense tensors can be traced; " + std::string(found->remedy),
      ErrorCode::kTensorLayout);
}

}  // namespace tracejet
