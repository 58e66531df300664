// Recurrent networks: one ONNX operator for each layer, which runs both directions.
// ONNX: LSTM-14, GRU-14, RNN-14.
#include <string>
#include <vector>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

/// PyTorch's gates in the order in which ONNX wants them: i, f, g, o as i, o, f, g; r, z, n as z, r, n.
std::vector<int64_t> gate_order(std::string_view op) {
  if (op == "LSTM") return {0, 3, 1, 2};
  if (op == "GRU") return {1, 0, 2};
  return {0};
}

/// Tensors behind each other along the first axis.
Operand stacked(Lowering& to, const std::vector<Operand>& parts) {
  return parts.size() == 1 ? parts[0] : to.emit("Concat", parts, {{"axis", int64_t{0}}});
}

/// Weights or biases of one direction, gate by gate.
struct Gates {
  Lowering& to;
  std::vector<int64_t> order;
  int64_t hidden;

  Operand operator()(const Value& gate_rows) const {
    const Operand all = to.operand(gate_rows);
    if (order.size() == 1) return all;
    std::vector<Operand> gates;
    for (const int64_t gate : order)
      gates.push_back(to.slice(all, 0, to.integers({gate * hidden}), to.integers({(gate + 1) * hidden})));
    return stacked(to, gates);
  }
};

/// The parameters of a layer as ONNX's W, R and B, the directions stacked.
std::vector<Operand> layer_parameters(const Gates& gates, std::span<const Value* const> parameters, bool has_biases) {
  Lowering& to = gates.to;
  std::vector<Operand> weights, recurrences, biases;
  const size_t per_direction = has_biases ? 4 : 2;
  for (size_t i = 0; i < parameters.size(); i += per_direction) {
    weights.push_back(to.unsqueeze(gates(*parameters[i]), {0}));
    recurrences.push_back(to.unsqueeze(gates(*parameters[i + 1]), {0}));
    if (!has_biases) continue;
    biases.push_back(to.unsqueeze(stacked(to, {gates(*parameters[i + 2]), gates(*parameters[i + 3])}), {0}));
  }
  return {stacked(to, weights), stacked(to, recurrences), has_biases ? stacked(to, biases) : Operand{}};
}

/// `op`: "LSTM", "GRU", or the activation of a simple network.
void recurrent(Lowering& to, const Call& call, std::string_view op) {
  const bool is_lstm = op == "LSTM";
  const bool is_simple = !is_lstm && op != "GRU";
  const int64_t layers = call.integer("num_layers");
  if (call.flag("train") && call.number("dropout") != 0 && layers > 1) to.fail("has dropout: call eval() first");
  const std::vector<const Value*> states = is_lstm ? call.values("hx") : std::vector{&call.value("hx")};
  if (is_lstm && expression_of(states[0]->tensor().sizes[2]) != expression_of(states[1]->tensor().sizes[2]))
    to.fail("projects its hidden states, which ONNX's LSTM can't");

  const TensorMeta& input = call.tensor("input");
  const size_t time = call.flag("batch_first") ? 1 : 0;
  const c10::SymInt &steps = input.sizes[time], &batch = input.sizes[1 - time];
  to.require(symbolic::less_equal(1, expression_of(steps)), "has no time steps: its sequence is empty");
  const int64_t directions = call.flag("bidirectional") ? 2 : 1;
  const int64_t hidden = static_sizes(to, {states[0]->tensor().sizes[2]}, "the hidden size")[0];
  const bool has_biases = call.flag("has_biases");
  const std::vector<const Value*> parameters = call.values("params");
  const size_t per_layer = parameters.size() / static_cast<size_t>(layers);

  Lowering::Attributes attributes{{"hidden_size", hidden},
                                  {"direction", std::string(directions == 2 ? "bidirectional" : "forward")}};
  if (op == "GRU") attributes.push_back({"linear_before_reset", int64_t{1}});
  if (is_simple)
    attributes.push_back({"activations", std::vector<std::string>(static_cast<size_t>(directions), std::string(op))});

  Operand x = to.operand(call, "input");
  if (time == 1) x = to.transpose(x, {1, 0, 2});
  std::vector<std::vector<Operand>> last(states.size());
  const Gates gates{to, gate_order(op), hidden};
  for (int64_t layer = 0; layer < layers; ++layer) {
    const std::span own(parameters.data() + static_cast<size_t>(layer) * per_layer, per_layer);
    std::vector<Operand> inputs{x};
    for (const Operand& parameter : layer_parameters(gates, own, has_biases)) inputs.push_back(parameter);
    inputs.push_back({});  // all sequences are as long as the tensor
    for (const Value* state : states) {
      const Operand first = to.integers({layer * directions}), end = to.integers({(layer + 1) * directions});
      inputs.push_back(layers == 1 ? to.operand(*state) : to.slice(to.operand(*state), 0, first, end));
    }
    const std::vector<at::ScalarType> dtypes(1 + states.size(), x.dtype);
    const auto results = to.emit_many(dtypes, is_simple ? "RNN" : op, inputs, attributes);
    for (size_t i = 0; i < states.size(); ++i) last[i].push_back(results[i + 1]);
    // By time, direction, batch; PyTorch has the directions side by side.
    x = directions == 1 ? to.squeeze(results[0], {1})
                        : to.reshape(to.transpose(results[0], {0, 2, 1, 3}), {steps, batch, directions, hidden},
                                     {steps, batch, directions * hidden});
  }
  to.result(time == 1 ? to.transpose(x, {1, 0, 2}) : x);
  for (const std::vector<Operand>& state : last) to.result(stacked(to, state));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> recurrent_conversions() {
  static constexpr Conversion table[] = {
      {"aten::lstm.input", convert::recurrent, "LSTM"},
      {"aten::gru.input", convert::recurrent, "GRU"},
      {"aten::rnn_tanh.input", convert::recurrent, "Tanh"},
      {"aten::rnn_relu.input", convert::recurrent, "Relu"},
  };
  return table;
}

}  // namespace tracejet::onnx
