// PyTorch: aten/src/ATen/native/Normalization.cpp (batch_norm, instance_norm), aten/src/ATen/native/WeightNorm.cpp,
// aten/src/ATen/native/layer_norm.cpp (rms_norm), torch/_decomp/decompositions.py (native_batch_norm_helper,
// cudnn_batch_norm, _native_batch_norm_legit_functional).
#include "ops/normalization/decompositions.h"

#include <limits>

#include <ATen/OpMathType.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/_native_batch_norm_legit.h>
#include <ATen/ops/_native_batch_norm_legit_no_training.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/native_group_norm.h>
#include <ATen/ops/var.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"
#include "ops/optional_tensor.h"
#include "ops/refusal.h"
#include "ops/shape/channels.h"
#include "ops/shape/shape.h"
#include "symbolic/sym_node.h"

namespace tracejet::decompositions {

namespace {

void require_statistics(const OptionalTensor& mean, const OptionalTensor& var) {
  if (given(mean) && given(var)) return;
  throw ShapeError("running_mean and running_var must be given in evaluation mode");
}

double epsilon_of(at::ScalarType dtype) {
  switch (dtype) {
    case at::kDouble:
      return std::numeric_limits<double>::epsilon();
    case at::kHalf:
      return std::numeric_limits<at::Half>::epsilon();
    case at::kBFloat16:
      return std::numeric_limits<at::BFloat16>::epsilon();
    default:
      return std::numeric_limits<float>::epsilon();
  }
}

/// Of an input without elements, eager reads the first channel's weight and bias.
void require_channels(const at::Tensor& input) {
  require(input.sym_size(1).sym_ge(1),
          [&] { return "input is " + shape::text(input.sym_sizes()) + ", expected at least one channel"; });
}

bool may_be_empty(const at::Tensor& input) {
  return !symbolic::statically_known(input.sym_numel().sym_ge(1)).value_or(false);
}

/// A batch of nothing leaves the average as it was.
at::Tensor moving_average(const at::Tensor& running, const at::Tensor& now, double momentum, const at::Tensor& input) {
  const at::Tensor next = (now * momentum + running * (1 - momentum)).to(running.scalar_type());
  if (!may_be_empty(input)) return next;
  const auto integers = input.options().dtype(at::kLong);
  return at::where(at::full(at::IntArrayRef{}, at::Scalar(input.sym_numel()), integers) > 0, next, running);
}

/// In training, of a batch that may be empty, which the kernel refuses: nothing is given then, and the averages stay.
at::Tensor batch_norm_in_steps(const at::Tensor& input, const OptionalTensor& weight, const OptionalTensor& bias,
                               const OptionalTensor& running_mean, const OptionalTensor& running_var, double momentum,
                               double eps) {
  const bool is_tracked = given(running_mean) && given(running_var);
  const at::Tensor none = at::zeros_symint({input.sym_size(1)}, input.options());
  const auto results =
      native_batch_norm_legit_functional(input, weight, bias, is_tracked ? *running_mean : none,
                                         is_tracked ? *running_var : none, /*training=*/true, momentum, eps);
  if (is_tracked) {
    const at::Tensor &mean = *running_mean, &var = *running_var;
    mean.copy_(std::get<3>(results));
    var.copy_(std::get<4>(results));
  }
  return std::get<0>(results);
}

}  // namespace

std::tuple<at::Tensor, at::Tensor, at::Tensor> native_batch_norm(const at::Tensor& input, const OptionalTensor& weight,
                                                                 const OptionalTensor& bias,
                                                                 const OptionalTensor& running_mean,
                                                                 const OptionalTensor& running_var, bool training,
                                                                 double momentum, double eps) {
  if (!training) {
    require_statistics(running_mean, running_var);
    return at::_native_batch_norm_legit_no_training(input, weight, bias, *running_mean, *running_var, momentum, eps);
  }
  if (!given(running_mean) || !given(running_var)) {
    return at::_native_batch_norm_legit(input, weight, bias, training, momentum, eps);
  }
  at::Tensor mean = *running_mean, var = *running_var;
  return at::_native_batch_norm_legit(input, weight, bias, mean, var, training, momentum, eps);
}

at::Tensor batch_norm(const at::Tensor& input, const OptionalTensor& weight, const OptionalTensor& bias,
                      const OptionalTensor& running_mean, const OptionalTensor& running_var, bool training,
                      double momentum, double eps, bool) {
  if (given(weight) || given(bias)) require_channels(input);
  if (shape::known_equal(input.sym_numel(), 0)) return input.clone();
  if (training && may_be_empty(input)) {
    return batch_norm_in_steps(input, weight, bias, running_mean, running_var, momentum, eps);
  }
  return std::get<0>(native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps));
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> cudnn_batch_norm(
    const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias, const OptionalTensor& running_mean,
    const OptionalTensor& running_var, bool training, double momentum, double eps) {
  const auto [output, mean, inverse_deviation] =
      native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps);
  const at::Tensor reserve = at::empty({0}, input.options().dtype(at::kByte));
  return {output, mean, inverse_deviation, reserve};
}

at::Tensor instance_norm(const at::Tensor& input, const OptionalTensor& weight, const OptionalTensor& bias,
                         const OptionalTensor& running_mean, const OptionalTensor& running_var, bool use_input_stats,
                         double momentum, double eps, bool) {
  for (const OptionalTensor* values : {&weight, &bias, &running_mean, &running_var}) {
    if (!given(*values)) continue;
    require((*values)->dim() == 1, [&] {
      return "weight, bias, running_mean or running_var is " + shape::text((*values)->sym_sizes()) +
             ", expected a value for each channel";
    });
    shape::require_equal((*values)->sym_size(0), input.sym_size(1), "the channels and what weighs or shifts them");
    // Eager repeats them for each instance: of none, it has no numbers to scale by, and loses its averages.
    require(input.sym_size(0).sym_ge(1),
            [&] { return "input is " + shape::text(input.sym_sizes()) + ", no instances"; });
  }
  if (given(weight) || given(bias)) require_channels(input);
  if (!use_input_stats) {
    require_statistics(running_mean, running_var);
    return batch_norm(input, weight, bias, running_mean, running_var, /*training=*/false, momentum, eps, false);
  }
  if (given(running_mean) && given(running_var)) {
    // The statistics of each instance count alike.
    const std::vector<int64_t> positions = axes_between(2, input.dim());
    const at::Tensor means = input.mean(positions), vars = at::var(input, positions, /*unbiased=*/true, false);
    const at::Tensor &mean = *running_mean, &var = *running_var;
    mean.copy_(moving_average(mean, means.mean(0), momentum, input));
    var.copy_(moving_average(var, vars.mean(0), momentum, input));
  }
  // One group per channel.
  const c10::SymInt channels = input.sym_size(1);
  c10::SymInt positions = 1;
  for (int64_t axis = 2; axis < input.dim(); ++axis) positions = positions * input.sym_size(axis);
  if (const auto groups = channels.maybe_as_int()) {
    return std::get<0>(at::native_group_norm_symint(input.contiguous(), weight, bias, input.sym_size(0), channels,
                                                    positions, *groups, eps));
  }
  // The number of groups can't be a symbol, so each channel stands in the batch: one group of one channel.
  const c10::SymInt planes = input.sym_size(0) * channels;
  const at::Tensor flat = input.reshape_symint({planes, 1, positions});
  const at::Tensor norm =
      std::get<0>(at::native_group_norm_symint(flat, {}, {}, planes, 1, positions, /*group=*/1, eps))
          .view_symint(input.sym_sizes());
  Sizes per_channel(input.dim(), 1);
  per_channel[1] = channels;
  const at::Tensor scaled = given(weight) ? norm * weight->view_symint(per_channel) : norm;
  return given(bias) ? scaled + bias->view_symint(per_channel) : scaled;
}

std::tuple<at::Tensor, at::Tensor> weight_norm(const at::Tensor& v, const at::Tensor& g, int64_t dim) {
  require(dim == 0 || dim == v.dim() - 1,
          [&] { return "dim is " + std::to_string(dim) + ", expected the first or the last axis"; });
  std::vector<int64_t> axes = axes_between(0, v.dim());
  axes.erase(axes.begin() + dim);
  const at::Tensor wide = v.to(g.scalar_type() == at::kBFloat16 ? at::kFloat : g.scalar_type());
  const at::Tensor norm = axes.empty() ? at::abs(wide) : at::linalg_vector_norm(wide, 2, axes, /*keepdim=*/true);
  return {(wide * (g.to(norm.scalar_type()) / norm)).to(v.scalar_type()), norm};
}

at::Tensor rms_norm(const at::Tensor& input, c10::SymIntArrayRef normalized_shape, const OptionalTensor& weight,
                    std::optional<double> eps) {
  const auto rank = input.dim(), normalized = static_cast<int64_t>(normalized_shape.size());
  if (normalized == 0 || normalized > rank) {
    throw ShapeError("input has " + std::to_string(rank) + " axes, normalized_shape " + std::to_string(normalized) +
                     ", expected at least one and no more than the input");
  }
  for (int64_t i = 0; i < normalized; ++i) {
    shape::require_equal(normalized_shape[i], input.sym_size(rank - normalized + i), "normalized_shape and input");
  }
  require(!given(weight) || weight->dim() == normalized, [&] {
    return "weight is " + shape::text(weight->sym_sizes()) + ", expected " + shape::text(normalized_shape);
  });
  for (int64_t i = 0; given(weight) && i < normalized; ++i) {
    shape::require_equal(weight->sym_size(i), normalized_shape[i], "weight and normalized_shape");
  }
  const at::Tensor wide = input.to(at::toOpMathType(input.scalar_type()));
  const at::Tensor mean_square = wide.pow(2).mean(axes_between(rank - normalized, rank), /*keepdim=*/true);
  at::Tensor result = wide * (mean_square + eps.value_or(epsilon_of(input.scalar_type()))).rsqrt();
  if (given(weight)) result = result * *weight;
  return result.to(input.scalar_type());
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> native_batch_norm_legit_functional(
    const at::Tensor& input, const OptionalTensor& weight, const OptionalTensor& bias, const at::Tensor& running_mean,
    const at::Tensor& running_var, bool training, double momentum, double eps) {
  const auto rank = input.dim();
  const at::Tensor wide = input.to(at::toOpMathType(input.scalar_type()));
  at::Tensor mean, inverse_deviation, new_mean = running_mean, new_var = running_var;
  if (training) {
    const std::vector<int64_t> axes = all_but_channels(rank);
    mean = wide.mean(axes);
    inverse_deviation = (at::var(wide, axes, /*unbiased=*/false, false) + eps).rsqrt();
    new_mean = moving_average(running_mean, mean, momentum, input);
    new_var = moving_average(running_var, at::var(wide, axes, /*unbiased=*/true, false), momentum, input);
  } else {
    mean = running_mean.to(wide.scalar_type());
    inverse_deviation = (running_var.to(wide.scalar_type()) + eps).rsqrt();
  }
  at::Tensor output = (wide - per_channel(mean, rank)) * per_channel(inverse_deviation, rank);
  if (given(weight)) output = output * per_channel(*weight, rank);
  if (given(bias)) output = output + per_channel(*bias, rank);
  const auto saved = given(weight) ? weight->scalar_type() : input.scalar_type();
  if (!training) mean = mean.slice(0, 0, 0), inverse_deviation = inverse_deviation.slice(0, 0, 0);
  return {output.to(input.scalar_type()), mean.to(saved), inverse_deviation.to(saved), new_mean, new_var};
}

}  // namespace tracejet::decompositions
