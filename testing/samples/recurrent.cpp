#include <ATen/TensorOperators.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

constexpr int64_t kSteps = 5, kBatch = 2, kFeatures = 3, kHidden = 4;

struct Shape {
  int64_t layers = 1;
  bool bidirectional = false;
  bool biases = true;
  int64_t projection = 0;

  int64_t directions() const { return bidirectional ? 2 : 1; }
  int64_t output() const { return projection > 0 ? projection : kHidden; }
};

/// The flat list of parameters of a network whose cells have this many gates.
c10::IValue parameters(const Shape& shape, int64_t gates) {
  std::vector<at::Tensor> list;
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    const int64_t features = layer == 0 ? kFeatures : shape.output() * shape.directions();
    for (int64_t direction = 0; direction < shape.directions(); ++direction) {
      // Both directions would be alike without the shift.
      const double shift = 0.1 * static_cast<double>(direction + layer);
      list.push_back(floats({gates * kHidden, features}) / 3 + shift);
      list.push_back(floats({gates * kHidden, shape.output()}) / 3 - shift);
      if (shape.biases) list.push_back(floats({gates * kHidden}) / 3 + shift);
      if (shape.biases) list.push_back(floats({gates * kHidden}) / 5 + shift);
      if (shape.projection > 0) list.push_back(floats({shape.projection, kHidden}) / 3);
    }
  }
  return list;
}

at::Tensor initial(const Shape& shape, int64_t features) {
  return floats({shape.layers * shape.directions(), kBatch, features});
}

at::Tensor sequence(bool batch_first) {
  return batch_first ? floats({kBatch, kSteps, kFeatures}) : floats({kSteps, kBatch, kFeatures});
}

void add_options(torch::jit::Stack& call, const Shape& shape, bool batch_first) {
  call.insert(call.end(), {shape.biases, shape.layers, 0.5, /*train=*/false, shape.bidirectional, batch_first});
}

Stacks with_one_state(int64_t gates) {
  Stacks calls;
  for (const bool batch_first : {false, true}) {
    for (const Shape& shape : {Shape{}, Shape{.layers = 2, .bidirectional = true}, Shape{.biases = false}}) {
      torch::jit::Stack& call = calls.emplace_back();
      call.insert(call.end(), {sequence(batch_first), initial(shape, kHidden), parameters(shape, gates)});
      add_options(call, shape, batch_first);
    }
  }
  return calls;
}

Stacks lstm() {
  Stacks calls;
  for (const bool batch_first : {false, true}) {
    for (const Shape& shape : {Shape{}, Shape{.layers = 2, .bidirectional = true}, Shape{.biases = false},
                               Shape{.layers = 2, .projection = 2}}) {
      torch::jit::Stack& call = calls.emplace_back();
      const std::vector<at::Tensor> states{initial(shape, shape.output()), initial(shape, kHidden)};
      call.insert(call.end(), {sequence(batch_first), states, parameters(shape, 4)});
      add_options(call, shape, batch_first);
    }
  }
  return calls;
}

Stacks gru() { return with_one_state(3); }
Stacks simple() { return with_one_state(1); }

Stacks lstm_cell() {
  const std::vector<at::Tensor> states{floats({kBatch, kHidden}), floats({kBatch, kHidden}) / 2};
  const at::Tensor input = floats({kBatch, kFeatures}), w_ih = floats({16, kFeatures}), w_hh = floats({16, kHidden});
  return {{input, states, w_ih, w_hh, floats({16}), floats({16}) / 2}, {input, states, w_ih, w_hh, none, none}};
}

Stacks gru_cell() {
  const at::Tensor state = floats({kBatch, kHidden});
  const at::Tensor input = floats({kBatch, kFeatures}), w_ih = floats({12, kFeatures}), w_hh = floats({12, kHidden});
  return {{input, state, w_ih, w_hh, floats({12}), floats({12}) / 2}, {input, state, w_ih, w_hh, none, none}};
}

}  // namespace

std::span<const OperatorSamples> recurrent_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::lstm.input", lstm},       {"aten::gru.input", gru},       {"aten::rnn_tanh.input", simple},
      {"aten::rnn_relu.input", simple}, {"aten::lstm_cell", lstm_cell}, {"aten::gru_cell", gru_cell},
  };
  return table;
}

}  // namespace tracejet::samples
