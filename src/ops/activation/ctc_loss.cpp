// PyTorch: aten/src/ATen/native/LossCTC.cpp (ctc_loss_cpu, ctc_loss_tensor).
#include "ops/activation/ctc_loss.h"

#include <algorithm>
#include <numeric>

#include "ops/indexing/data_dependent.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

/// [time, batch, classes]
const TensorMeta& log_probabilities(const Call& call) {
  const TensorMeta& input = call.tensor("log_probs");
  require(input.dim() == 3,
          [&] { return "log_probs is " + shape::text(input.sizes) + ", expected [time, batch, classes]"; });
  return input;
}

/// The loss of each sequence, and for its gradient how likely each time is at each of `places`: the labels of a target,
/// and a blank round each.
Metas losses(const TensorMeta& input, const c10::SymInt& places) {
  return {shape::contiguous({input.sizes[1]}, input.dtype, input.device),
          shape::contiguous({input.sizes[1], input.sizes[0], places}, input.dtype, input.device)};
}

/// One number for each sequence; the largest of them, or 0.
int64_t longest(const Call& call, std::string_view name, const c10::SymInt& batch) {
  const std::vector<int64_t> lengths = call.integers(name);
  require_equal_sizes(batch, static_cast<int64_t>(lengths.size()), [&] {
    return std::string(name) + " has " + std::to_string(lengths.size()) + " numbers, expected one for each of the " +
           shape::text({batch}) + " sequences";
  });
  return lengths.empty() ? 0 : std::ranges::max(lengths);
}

}  // namespace

Metas ctc_loss(const Call& call) {
  const TensorMeta &input = log_probabilities(call), &targets = call.tensor("targets");
  const int64_t labels = longest(call, "target_lengths", input.sizes[1]);
  require(input.sizes[0].sym_ge(longest(call, "input_lengths", input.sizes[1])),
          [&] { return "input_lengths has a number above the time of log_probs " + shape::text(input.sizes); });
  const auto message = [&] { return "targets is " + shape::text(targets.sizes) + ", too short for target_lengths"; };
  if (targets.dim() == 1) {
    const std::vector<int64_t> lengths = call.integers("target_lengths");
    require_equal_sizes(targets.sizes[0], std::accumulate(lengths.begin(), lengths.end(), int64_t{0}), message);
  } else {
    require(targets.sizes[1].sym_ge(labels), message);
  }
  return losses(input, 2 * labels + 1);
}

Metas ctc_loss_with_unknown_lengths(const Call& call) {
  const TensorMeta& input = log_probabilities(call);
  return losses(input, unknown_size(call.tensor("targets").sizes.back() * 2 + 1));
}

}  // namespace tracejet
