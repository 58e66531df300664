// Recurrent networks. ATen's composites look for oneDNN's kernels, which need plain sizes; these unroll the sequence,
// or stay whole where nobody knows how long it is.
// PyTorch: aten/src/ATen/native/RNN.cpp.
#include "ops/families.h"
#include "ops/recurrent/decompositions.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

/// Schemas have `input` first and `batch_first` last.
bool has_dynamic_time(c10::ArrayRef<c10::IValue> arguments) {
  const at::Tensor& input = arguments.front().toTensor();
  const int64_t time = arguments.back().toBool() ? 1 : 0;
  return input.dim() == 3 && input.sym_size(time).is_symbolic();
}

/// The hidden states of the last layer at all times, both directions side by side, in memory by time; and the last
/// states of all layers.
Metas recurrent(const Call& call, const std::vector<const TensorMeta*>& states) {
  const TensorMeta& input = call.tensor("input");
  const bool batch_first = call.flag("batch_first");
  const c10::SymInt &time = input.sizes.at(batch_first ? 1 : 0), &batch = input.sizes.at(batch_first ? 0 : 1);
  const c10::SymInt features = states[0]->sizes.at(2) * (call.flag("bidirectional") ? 2 : 1);
  TensorMeta output = shape::contiguous({time, batch, features}, input.dtype, input.device);
  if (batch_first) {
    std::swap(output.sizes[0], output.sizes[1]);
    std::swap(output.strides[0], output.strides[1]);
  }
  Metas outputs{std::move(output)};
  for (const TensorMeta* state : states)
    outputs.push_back(shape::contiguous(state->sizes, state->dtype, state->device));
  return outputs;
}

Metas lstm(const Call& call) { return recurrent(call, call.tensors("hx")); }
Metas with_one_state(const Call& call) { return recurrent(call, {&call.tensor("hx")}); }

}  // namespace

std::span<const Operator> recurrent_operators() {
  namespace as = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::lstm.input",
       .meta = lstm,
       .decompose = expand<&as::lstm>,
       .skip_decomposition_if = has_dynamic_time},
      {.name = "aten::gru.input",
       .meta = with_one_state,
       .decompose = expand<&as::gru>,
       .skip_decomposition_if = has_dynamic_time},
      {.name = "aten::rnn_tanh.input",
       .meta = with_one_state,
       .decompose = expand<&as::rnn_tanh>,
       .skip_decomposition_if = has_dynamic_time},
      {.name = "aten::rnn_relu.input",
       .meta = with_one_state,
       .decompose = expand<&as::rnn_relu>,
       .skip_decomposition_if = has_dynamic_time},
      {.name = "aten::lstm_cell", .decompose = expand<&as::lstm_cell>},
      {.name = "aten::gru_cell", .decompose = expand<&as::gru_cell>},
  };
  return table;
}

}  // namespace tracejet
