// PyTorch: aten/src/ATen/native/RNN.cpp, torch/_decomp/decompositions.py (gru_impl, lstm_impl, rnn_relu_input,
// rnn_tanh_input).
#include "ops/recurrent/decompositions.h"

#include <functional>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>

namespace tracejet::decompositions {

namespace {

/// The weights of one direction of one layer.
struct Weights {
  at::Tensor input;
  at::Tensor hidden;
  std::optional<at::Tensor> input_bias;
  std::optional<at::Tensor> hidden_bias;
  std::optional<at::Tensor> projection;
};

/// Hidden state first; an LSTM has a cell state besides.
using State = std::vector<at::Tensor>;
/// The next state, from what the input contributes to the gates.
using Step = std::function<State(const at::Tensor& contribution, const State& state, const Weights& weights)>;

struct Options {
  bool has_biases;
  bool has_projections;
  int64_t layers;
  double dropout;
  bool bidirectional;
  bool batch_first;
};

/// The `index`th gate of [..., count gates].
at::Tensor gate(const at::Tensor& gates, int64_t index, int64_t count) {
  const c10::SymInt size = gates.sym_size(-1) / count;
  return gates.slice_symint(-1, size * index, size * (index + 1));
}

State lstm_step(const at::Tensor& contribution, const State& state, const Weights& weights) {
  const at::Tensor gates = contribution + at::linear(state[0], weights.hidden, weights.hidden_bias);
  const at::Tensor in = at::sigmoid(gate(gates, 0, 4)), forget = at::sigmoid(gate(gates, 1, 4));
  const at::Tensor candidate = at::tanh(gate(gates, 2, 4)), out = at::sigmoid(gate(gates, 3, 4));
  const at::Tensor cell = forget * state[1] + in * candidate;
  const at::Tensor hidden = out * at::tanh(cell);
  return {weights.projection ? at::linear(hidden, *weights.projection) : hidden, cell};
}

State gru_step(const at::Tensor& contribution, const State& state, const Weights& weights) {
  const at::Tensor recurrent = at::linear(state[0], weights.hidden, weights.hidden_bias);
  const auto sum = [&](int64_t index) { return gate(contribution, index, 3) + gate(recurrent, index, 3); };
  const at::Tensor reset = at::sigmoid(sum(0)), update = at::sigmoid(sum(1));
  const at::Tensor candidate = at::tanh(gate(contribution, 2, 3) + reset * gate(recurrent, 2, 3));
  return {candidate + update * (state[0] - candidate)};
}

template <at::Tensor (*activation)(const at::Tensor&)>
State simple_step(const at::Tensor& contribution, const State& state, const Weights& weights) {
  return {activation(contribution + at::linear(state[0], weights.hidden, weights.hidden_bias))};
}

/// In the flat list of parameters: weights, biases if there are any, and the projection if there is one.
Weights read_weights(at::TensorList params, size_t index, const Options& options) {
  const size_t count = 2 + (options.has_biases ? 2 : 0) + (options.has_projections ? 1 : 0);
  const at::TensorList own = params.slice(index * count, count);
  Weights weights{.input = own[0], .hidden = own[1]};
  if (options.has_biases) weights.input_bias = own[2], weights.hidden_bias = own[3];
  if (options.has_projections) weights.projection = own.back();
  return weights;
}

/// One layer in one direction over [time, batch, features]. Gives the hidden states of all steps; `state` becomes the
/// last one.
at::Tensor run_direction(const at::Tensor& input, State& state, const Weights& weights, const Step& step,
                         bool backwards) {
  const at::Tensor contributions = at::linear(input, weights.input, weights.input_bias);
  const int64_t steps = input.sym_size(0).guard_int(__FILE__, __LINE__);
  std::vector<at::Tensor> outputs(static_cast<size_t>(steps));
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t time = backwards ? steps - 1 - i : i;
    state = step(contributions.select(0, time), state, weights);
    outputs[static_cast<size_t>(time)] = state[0];
  }
  return at::stack(outputs, 0);
}

/// All layers. `initial` are the states of all layers and directions, [layers * directions, batch, features] each; they
/// become the last ones.
at::Tensor run(const at::Tensor& input, State& states, at::TensorList params, const Step& step,
               const Options& options) {
  const size_t directions = options.bidirectional ? 2 : 1;
  std::vector<std::vector<at::Tensor>> finals(states.size());
  at::Tensor sequence = options.batch_first ? input.transpose(0, 1) : input;
  for (int64_t layer = 0; layer < options.layers; ++layer) {
    std::vector<at::Tensor> outputs;
    for (size_t direction = 0; direction < directions; ++direction) {
      const size_t index = static_cast<size_t>(layer) * directions + direction;
      State state;
      for (const at::Tensor& all : states) state.push_back(all.select(0, static_cast<int64_t>(index)));
      outputs.push_back(
          run_direction(sequence, state, read_weights(params, index, options), step, /*backwards=*/direction == 1));
      for (size_t i = 0; i < state.size(); ++i) finals[i].push_back(state[i]);
    }
    sequence = outputs.size() == 1 ? outputs[0] : at::cat(outputs, -1);
    if (layer + 1 < options.layers) sequence = at::dropout(sequence, options.dropout, /*train=*/true);
  }
  for (size_t i = 0; i < states.size(); ++i) states[i] = at::stack(finals[i], 0);
  return options.batch_first ? sequence.transpose(0, 1) : sequence;
}

std::tuple<at::Tensor, at::Tensor> run_with_one_state(const at::Tensor& input, const at::Tensor& hx,
                                                      at::TensorList params, const Step& step, const Options& options) {
  State states{hx};
  const at::Tensor output = run(input, states, params, step, options);
  return {output, states[0]};
}

Weights cell_weights(const at::Tensor& w_ih, const at::Tensor& w_hh, const std::optional<at::Tensor>& b_ih,
                     const std::optional<at::Tensor>& b_hh) {
  return {.input = w_ih, .hidden = w_hh, .input_bias = b_ih, .hidden_bias = b_hh};
}

}  // namespace

std::tuple<at::Tensor, at::Tensor, at::Tensor> lstm(const at::Tensor& input, at::TensorList hx, at::TensorList params,
                                                    bool has_biases, int64_t num_layers, double dropout, bool train,
                                                    bool bidirectional, bool batch_first) {
  const size_t directions = bidirectional ? 2 : 1;
  const size_t sets = static_cast<size_t>(num_layers) * directions;
  const bool has_projections = params.size() == sets * (has_biases ? 5 : 3);
  State states(hx.begin(), hx.end());
  const at::Tensor output =
      run(input, states, params, lstm_step,
          {has_biases, has_projections, num_layers, train ? dropout : 0, bidirectional, batch_first});
  return {output, states[0], states[1]};
}

std::tuple<at::Tensor, at::Tensor> gru(const at::Tensor& input, const at::Tensor& hx, at::TensorList params,
                                       bool has_biases, int64_t num_layers, double dropout, bool train,
                                       bool bidirectional, bool batch_first) {
  return run_with_one_state(input, hx, params, gru_step,
                            {has_biases, false, num_layers, train ? dropout : 0, bidirectional, batch_first});
}

std::tuple<at::Tensor, at::Tensor> rnn_tanh(const at::Tensor& input, const at::Tensor& hx, at::TensorList params,
                                            bool has_biases, int64_t num_layers, double dropout, bool train,
                                            bool bidirectional, bool batch_first) {
  return run_with_one_state(input, hx, params, simple_step<at::tanh>,
                            {has_biases, false, num_layers, train ? dropout : 0, bidirectional, batch_first});
}

std::tuple<at::Tensor, at::Tensor> rnn_relu(const at::Tensor& input, const at::Tensor& hx, at::TensorList params,
                                            bool has_biases, int64_t num_layers, double dropout, bool train,
                                            bool bidirectional, bool batch_first) {
  return run_with_one_state(input, hx, params, simple_step<at::relu>,
                            {has_biases, false, num_layers, train ? dropout : 0, bidirectional, batch_first});
}

std::tuple<at::Tensor, at::Tensor> lstm_cell(const at::Tensor& input, at::TensorList hx, const at::Tensor& w_ih,
                                             const at::Tensor& w_hh, const std::optional<at::Tensor>& b_ih,
                                             const std::optional<at::Tensor>& b_hh) {
  const State next = lstm_step(at::linear(input, w_ih, b_ih), {hx[0], hx[1]}, cell_weights(w_ih, w_hh, b_ih, b_hh));
  return {next[0], next[1]};
}

at::Tensor gru_cell(const at::Tensor& input, const at::Tensor& hx, const at::Tensor& w_ih, const at::Tensor& w_hh,
                    const std::optional<at::Tensor>& b_ih, const std::optional<at::Tensor>& b_hh) {
  return gru_step(at::linear(input, w_ih, b_ih), {hx}, cell_weights(w_ih, w_hh, b_ih, b_hh))[0];
}

}  // namespace tracejet::decompositions
