// Holds shape rules against meta kernels, for tests and for those who look for a wrong shape.
#include "capture/check_rule.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include <ATen/core/enum_tag.h>

#include "base/error.h"
#include "capture/meta_kernel.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

std::vector<TensorMeta> flat(const std::vector<OutputMeta>& outputs) {
  std::vector<TensorMeta> metas;
  for (const OutputMeta& output : outputs) {
    if (const auto* meta = std::get_if<TensorMeta>(&output)) metas.push_back(*meta);
    if (const auto* list = std::get_if<std::vector<TensorMeta>>(&output)) {
      metas.insert(metas.end(), list->begin(), list->end());
    }
  }
  return metas;
}

/// A stride counts where there is a second element to step to.
bool same_strides(const TensorMeta& a, const TensorMeta& b) {
  if (std::find(a.sizes.begin(), a.sizes.end(), 0) != a.sizes.end()) return true;
  for (size_t axis = 0; axis < a.sizes.size(); ++axis) {
    if (a.sizes[axis] != 1 && a.strides[axis] != b.strides[axis]) return false;
  }
  return true;
}

/// These write different layouts on different devices, and meta is one of its own. Rules give the CPU's, which tests
/// hold them to.
bool has_layout_by_device(const Call& call) {
  static constexpr std::string_view names[] = {"aten::convolution",    "aten::scaled_dot_product_attention",
                                               "aten::logical_and",    "aten::logical_or",
                                               "aten::logical_xor",    "aten::div.Tensor_mode",
                                               "aten::_linalg_svd",    "aten::linalg_eig",
                                               "aten::nonzero_static", "aten::_fft_r2c",
                                               "aten::_fft_c2r",       "aten::_fft_c2c",
                                               "aten::pow.Scalar",     "aten::_native_batch_norm_legit.no_stats"};
  return std::find(std::begin(names), std::end(names), call.name()) != std::end(names);
}

bool same(const Call& call, const TensorMeta& a, const TensorMeta& b) {
  const bool same_layout = has_layout_by_device(call) || same_strides(a, b);
  return a.dtype == b.dtype && a.device == b.device && a.sizes == b.sizes && same_layout;
}

std::string text(const TensorMeta& meta) { return meta.str() + " strides " + shape::text(meta.strides); }

/// Meta kernels of these give outputs that no kernel computes, or CUDA's alone. Rules follow the CPU, which tests hold
/// them to.
bool has_misleading_meta_kernel(const Call& call) {
  static constexpr std::string_view names[] = {"aten::_native_batch_norm_legit_no_training", "aten::native_batch_norm",
                                               "aten::_embedding_bag", "aten::_embedding_bag_forward_only",
                                               "quantized_decomposed::choose_qparams_per_token"};
  return std::find(std::begin(names), std::end(names), call.name()) != std::end(names);
}

/// Null where there is no meta kernel: neither ATen's nor one that Python has registered.
std::optional<std::vector<OutputMeta>> by_meta_kernel(const Call& call, c10::impl::PyInterpreter* python) {
  try {
    auto outputs = outputs_by_meta_kernel(call, nullptr);
    return outputs || python == nullptr ? outputs : outputs_by_meta_kernel(call, python);
  } catch (const ShapeError& error) {
    throw Error("its shape rule takes the call, its meta kernel says: " + said_by(error), ErrorCode::kInternalError);
  }
}

}  // namespace

void check_rule(const Call& call, const std::vector<OutputMeta>& by_rule, c10::impl::PyInterpreter* python) {
  const bool depends_on_data_sizes = call.op().hasTag(at::Tag::dynamic_output_shape);
  if (is_symbolic(call) || depends_on_data_sizes || has_misleading_meta_kernel(call)) return;
  const auto outputs = by_meta_kernel(call, python);
  if (!outputs) return;
  const std::vector<TensorMeta> rule = flat(by_rule), kernel = flat(*outputs);
  if (rule.size() != kernel.size()) {
    throw Error("its shape rule gives " + std::to_string(rule.size()) + " tensors, its meta kernel " +
                    std::to_string(kernel.size()),
                ErrorCode::kInternalError);
  }
  for (size_t i = 0; i < rule.size(); ++i) {
    if (same(call, rule[i], kernel[i])) continue;
    throw Error("output " + std::to_string(i) + " is " + text(rule[i]) + " by its shape rule, " + text(kernel[i]) +
                    " by its meta kernel",
                ErrorCode::kInternalError);
  }
}

}  // namespace tracejet
