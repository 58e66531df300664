// Normalization. The statistics that an operator returns besides its output are in the dtype of its weights, which for
// 16-bit inputs may be float32.
// PyTorch: aten/src/ATen/native/Normalization.cpp, aten/src/ATen/native/layer_norm.cpp (layer_norm_cpu),
// aten/src/ATen/native/group_norm.cpp (native_group_norm), torch/_decomp/decompositions.py
// (_batch_norm_with_update_functional, _native_batch_norm_legit_functional).
#include "ops/families.h"
#include "ops/normalization/decompositions.h"
#include "ops/refusal.h"
#include "ops/shape/promotion.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

bool is_16_bit(at::ScalarType dtype) { return dtype == at::kHalf || dtype == at::kBFloat16; }

/// The dtype of statistics: float32 if any of `parameters` is, else the input's.
at::ScalarType statistics_dtype(const Call& call, std::initializer_list<std::string_view> parameters) {
  const auto dtype = call.tensor("input").dtype;
  if (!is_16_bit(dtype)) return dtype;
  for (const std::string_view name : parameters) {
    if (!call.declares(name)) continue;
    const TensorMeta* parameter = call.optional_tensor(name);
    if (parameter != nullptr && parameter->dtype == at::kFloat) return at::kFloat;
  }
  return dtype;
}

/// Normalized in the layout that the input suggests.
TensorMeta normalized(const TensorMeta& input) {
  return shape::in_format(input.sizes, shape::suggested_format(input), input.dtype, input.device);
}

/// A vector with one value for each of the input's channels.
void require_per_channel(const Call& call, std::string_view name, const c10::SymInt& channels) {
  if (!call.declares(name)) return;
  const TensorMeta* vector = call.optional_tensor(name);
  if (vector == nullptr) return;
  const auto message = [&] {
    return std::string(name) + " is " + shape::text(vector->sizes) + ", expected one value for each of the " +
           shape::text({channels}) + " channels";
  };
  if (vector->dim() != 1) refuse(message());
  require_equal_sizes(vector->sizes[0], channels, message);
}

/// The output of batch normalization, and the means and inverse deviations that it saves for the backward pass.
Metas batch_normalized(const Call& call, bool training) {
  const TensorMeta& input = call.tensor("input");
  require(input.dim() >= 2, [&] { return "input is " + shape::text(input.sizes) + ", expected [N, C, ...]"; });
  const c10::SymInt& channels = input.sizes[1];
  for (const std::string_view name : {"weight", "bias", "running_mean", "running_var"}) {
    require_per_channel(call, name, channels);
  }
  for (size_t axis = 0; training && axis < input.sizes.size(); ++axis) {
    require(input.sizes[axis].sym_ge(1),
            [&] { return "input is " + shape::text(input.sizes) + ", and there are no statistics of nothing"; });
  }
  const auto dtype = statistics_dtype(call, {"weight", "bias", "running_mean", "running_var"});
  const TensorMeta saved = shape::contiguous({training ? channels : c10::SymInt(0)}, dtype, input.device);
  return {normalized(input), saved, saved};
}

Metas batch_norm(const Call& call) { return batch_normalized(call, call.flag("training")); }
Metas batch_norm_evaluated(const Call& call) { return batch_normalized(call, /*training=*/false); }

void add_new_statistics(const Call& call, Metas& outputs) {
  outputs.push_back(shape::like(call.tensor("running_mean"), call.tensor("running_mean").dtype));
  outputs.push_back(shape::like(call.tensor("running_var"), call.tensor("running_var").dtype));
}

Metas batch_norm_functional(const Call& call) {
  Metas outputs = batch_norm(call);
  add_new_statistics(call, outputs);
  return outputs;
}

/// Scratch memory for cuDNN, which a CPU doesn't need.
TensorMeta reserve(const Call& call) { return shape::contiguous({0}, at::kByte, call.tensor("input").device); }

Metas batch_norm_no_update(const Call& call) {
  Metas outputs = batch_normalized(call, /*training=*/false);
  outputs.push_back(reserve(call));
  return outputs;
}

Metas batch_norm_with_update_functional(const Call& call) {
  Metas outputs = batch_normalized(call, /*training=*/true);
  outputs.push_back(reserve(call));
  add_new_statistics(call, outputs);
  return outputs;
}

Metas layer_norm(const Call& call) {
  const TensorMeta& input = call.tensor("input");
  const Sizes normalized_shape = call.sym_ints("normalized_shape");
  const auto axes = static_cast<int64_t>(normalized_shape.size());
  const auto message = [&] {
    return "input is " + shape::text(input.sizes) + ", expected its last axes to be normalized_shape " +
           shape::text(normalized_shape);
  };
  if (axes == 0 || axes > input.dim()) refuse(message());
  for (int64_t i = 0; i < axes; ++i) {
    require_equal_sizes(input.sizes[input.dim() - axes + i], normalized_shape[i], message);
  }
  for (const std::string_view name : {"weight", "bias"}) {
    const TensorMeta* vector = call.optional_tensor(name);
    if (vector == nullptr) continue;
    const auto differs = [&] {
      return std::string(name) + " is " + shape::text(vector->sizes) + ", expected normalized_shape " +
             shape::text(normalized_shape);
    };
    if (vector->sizes.size() != normalized_shape.size()) refuse(differs());
    for (size_t i = 0; i < normalized_shape.size(); ++i) {
      require_equal_sizes(vector->sizes[i], normalized_shape[i], differs);
    }
  }
  Sizes statistics = input.sizes;
  for (int64_t axis = input.dim() - axes; axis < input.dim(); ++axis) statistics[axis] = 1;
  // On GPUs, statistics are what they are computed in.
  const at::ScalarType dtype =
      input.device.is_cuda() ? promotion::to_computation(input.dtype) : statistics_dtype(call, {"weight", "bias"});
  const TensorMeta saved = shape::contiguous(statistics, dtype, input.device);
  return {shape::contiguous(input.sizes, input.dtype, input.device), saved, saved};
}

Metas group_norm(const Call& call) {
  const TensorMeta& input = call.tensor("input");
  const int64_t groups = call.integer("group");
  const c10::SymInt channels = call.sym_int("C");
  require(groups > 0, [&] { return "group is " + std::to_string(groups) + ", expected at least 1"; });
  require((channels % groups).sym_eq(0),
          [&] { return "group is " + std::to_string(groups) + ", expected a divisor of the number of channels"; });
  require_per_channel(call, "weight", channels);
  require_per_channel(call, "bias", channels);
  const TensorMeta saved =
      shape::contiguous({call.sym_int("N"), groups}, statistics_dtype(call, {"weight", "bias"}), input.device);
  return {normalized(input), saved, saved};
}

}  // namespace

std::span<const Operator> normalization_operators() {
  static constexpr Operator table[] = {
      {.name = "aten::batch_norm", .decompose = expand<&decompositions::batch_norm>},
      {.name = "aten::native_batch_norm", .meta = batch_norm, .decompose = expand<&decompositions::native_batch_norm>},
      {.name = "aten::cudnn_batch_norm", .decompose = expand<&decompositions::cudnn_batch_norm>},
      {.name = "aten::_native_batch_norm_legit.no_stats", .meta = batch_norm},
      {.name = "aten::_native_batch_norm_legit_no_training", .meta = batch_norm_evaluated},
      {.name = "aten::_native_batch_norm_legit_functional",
       .meta = batch_norm_functional,
       .decompose = expand<&decompositions::native_batch_norm_legit_functional>},
      {.name = "aten::_batch_norm_no_update", .meta = batch_norm_no_update},
      {.name = "aten::_batch_norm_with_update_functional", .meta = batch_norm_with_update_functional},
      {.name = "aten::native_layer_norm", .meta = layer_norm},
      {.name = "aten::native_group_norm", .meta = group_norm},
      {.name = "aten::instance_norm", .decompose = expand<&decompositions::instance_norm>},
      {.name = "aten::_weight_norm_interface", .decompose = expand<&decompositions::weight_norm>},
      {.name = "aten::rms_norm", .decompose = expand<&decompositions::rms_norm>},
  };
  return table;
}

}  // namespace tracejet
