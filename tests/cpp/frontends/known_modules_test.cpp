// Modules of PyTorch's own that take sizes as plain numbers: their programs hold for all sizes all the same.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "frontends/nn_comparison.h"
#include "frontends/nn_models.h"
#include "message_of.h"
#include <tracejet/nn_module.h>

namespace tracejet {
namespace {

namespace nn = torch::nn;
using testing::expect_same;
using testing::is_close;
using testing::message_of;
using Tensors = std::vector<at::Tensor>;

Input input(const char* name, std::vector<int64_t> min, std::vector<int64_t> opt, std::vector<int64_t> max) {
  return Input::dynamic(std::move(min), std::move(opt), std::move(max), at::kFloat, name);
}

/// Axes of one name have one size.
Input shared(Input input, std::map<int64_t, std::string> names) {
  input.shared_dims = std::move(names);
  return input;
}

// Recurrent ----------------------------------------------------------------------------------------------------------

/// [length, batch, 6] or [batch, length, 6], of five steps.
std::vector<Tensors> batches(bool batch_first) {
  std::vector<Tensors> inputs;
  for (const int64_t batch : {1, 2, 3, 8})
    inputs.push_back({at::randn({batch_first ? batch : 5, batch_first ? 5 : batch, 6})});
  return inputs;
}

Tensors results_of(const at::Tensor& of_cell) { return {of_cell}; }
Tensors results_of(const std::tuple<at::Tensor, at::Tensor>& of_gru) {
  return {std::get<0>(of_gru), std::get<1>(of_gru)};
}
Tensors results_of(const std::tuple<at::Tensor, std::tuple<at::Tensor, at::Tensor>>& of_lstm) {
  const auto& [hidden, cell] = std::get<1>(of_lstm);
  return {std::get<0>(of_lstm), hidden, cell};
}

template <typename Holder, typename Options>
void expect_recurrent(const char* name, Options options) {
  for (const bool batch_first : {true, false}) {
    for (const bool both_ways : {false, true}) {
      Holder recurrent(options.batch_first(batch_first).bidirectional(both_ways));
      recurrent->eval();
      const Input x =
          batch_first ? input("x", {1, 5, 6}, {2, 5, 6}, {8, 5, 6}) : input("x", {5, 1, 6}, {5, 2, 6}, {5, 8, 6});
      expect_same(name, recurrent, {x}, batches(batch_first),
                  [&](const Tensors& in) { return results_of(recurrent(in[0])); });
    }
  }
}

TEST(KnownModules, RecurrentOnesHoldForEveryBatch) {
  expect_recurrent<nn::LSTM>("nn_lstm", nn::LSTMOptions(6, 8).num_layers(2));
  expect_recurrent<nn::LSTM>("nn_lstm_projected", nn::LSTMOptions(6, 8).proj_size(4));
  expect_recurrent<nn::GRU>("nn_gru", nn::GRUOptions(6, 8).num_layers(2));
  expect_recurrent<nn::RNN>("nn_rnn", nn::RNNOptions(6, 8));
}

template <typename Holder>
void expect_any_length(const char* name, Holder recurrent) {
  std::vector<Tensors> inputs;
  for (const int64_t length : {1, 2, 5, 9}) inputs.push_back({at::randn({length, length, 6})});
  expect_same(name, recurrent, {input("x", {1, 1, 6}, {5, 2, 6}, {9, 9, 6})}, inputs,
              [&](const Tensors& in) { return results_of(recurrent(in[0])); });
}

TEST(KnownModules, RecurrentOnesHoldForEveryLength) {
  expect_any_length("nn_lstm_length", nn::LSTM(nn::LSTMOptions(6, 8)));
  expect_any_length("nn_gru_length", nn::GRU(nn::GRUOptions(6, 8).bidirectional(true)));
  expect_any_length("nn_rnn_length", nn::RNN(nn::RNNOptions(6, 8).num_layers(2)));
}

template <typename Holder>
void expect_cell(const char* name, Holder cell) {
  std::vector<Tensors> inputs;
  for (const int64_t batch : {1, 2, 5, 9}) inputs.push_back({at::randn({batch, 6})});
  expect_same(name, cell, {input("x", {1, 6}, {2, 6}, {9, 6})}, inputs,
              [&](const Tensors& in) { return results_of(cell(in[0])); });
}

TEST(KnownModules, CellsBeginAtZeroForEveryBatch) {
  expect_cell("nn_lstm_cell", nn::LSTMCell(6, 8));
  expect_cell("nn_gru_cell", nn::GRUCell(6, 8));
  expect_cell("nn_rnn_cell", nn::RNNCell(6, 8));
}

struct WithState : nn::Module {
  WithState() : gru(nn::GRUOptions(6, 8)) { register_module("gru", gru); }
  at::Tensor forward(const at::Tensor& x, const at::Tensor& state) { return std::get<0>(gru(x, state)); }
  nn::GRU gru;
};

TEST(KnownModules, AStateHasTheBatchOfTheInput) {
  WithState model;
  const Input x = shared(input("x", {5, 1, 6}, {5, 2, 6}, {5, 8, 6}), {{1, "batch"}});
  const Input state = shared(input("state", {1, 1, 8}, {1, 2, 8}, {1, 8, 8}), {{1, "batch"}});
  std::vector<Tensors> inputs;
  for (const int64_t batch : {1, 2, 3, 8}) inputs.push_back({at::randn({5, batch, 6}), at::randn({1, batch, 8})});
  expect_same("nn_gru_state", model, {x, state}, inputs,
              [&](const Tensors& in) { return Tensors{model.forward(in[0], in[1])}; });
}

TEST(KnownModules, AStateOfAnotherBatchIsRefusedWithItsAxes) {
  WithState model;
  const Input x = input("x", {5, 1, 6}, {5, 2, 6}, {5, 8, 6}), state = input("state", {1, 1, 8}, {1, 2, 8}, {1, 8, 8});
  const std::string message = message_of<ShapeError>([&] { trace(model, {x, state}); });
  EXPECT_NE(message.find("x[1]"), std::string::npos) << message;
  EXPECT_NE(message.find("state[1]"), std::string::npos) << message;
  EXPECT_EQ(message.find("5368"), std::string::npos) << message;
}

// Attention ----------------------------------------------------------------------------------------------------------

std::vector<Tensors> sentences() {
  std::vector<Tensors> inputs;
  for (const auto& [length, batch] : {std::pair<int64_t, int64_t>{2, 1}, {7, 2}, {16, 4}, {1, 3}}) {
    inputs.push_back({at::randn({length, batch, 16})});
  }
  return inputs;
}

TEST(KnownModules, ATransformerEncoderHoldsForEveryBatchAndLength) {
  nn::TransformerEncoder encoder(
      nn::TransformerEncoderOptions(nn::TransformerEncoderLayerOptions(16, 4).dim_feedforward(32), 2));
  encoder->eval();
  expect_same("transformer", encoder, {input("x", {1, 1, 16}, {7, 2, 16}, {16, 4, 16})}, sentences(),
              [&](const Tensors& in) { return Tensors{encoder(in[0])}; });
}

TEST(KnownModules, ATransformerHoldsForEveryLengthOfSourceAndTarget) {
  nn::Transformer transformer(nn::TransformerOptions(16, 4, 2, 2).dim_feedforward(32));
  transformer->eval();
  const Input source = shared(input("source", {1, 1, 16}, {7, 2, 16}, {16, 4, 16}), {{1, "batch"}});
  const Input target = shared(input("target", {1, 1, 16}, {5, 2, 16}, {16, 4, 16}), {{1, "batch"}});
  std::vector<Tensors> inputs;
  for (const int64_t batch : {1, 2, 3, 4}) {
    inputs.push_back({at::randn({4 * batch, batch, 16}), at::randn({batch + 2, batch, 16})});
  }
  expect_same("nn_transformer", transformer, {source, target}, inputs,
              [&](const Tensors& in) { return Tensors{transformer(in[0], in[1])}; });
}

/// Attends to itself, or from one to another, with masks and all that lengthens the source.
struct Attending : nn::Module {
  explicit Attending(const nn::MultiheadAttentionOptions& options) : attention(options) {
    register_module("attention", attention);
  }
  std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor& query, const at::Tensor& key,
                                             const at::Tensor& padding) {
    return attention(query, key, key, padding > 0.5, /*need_weights=*/true);
  }
  nn::MultiheadAttention attention;
};

TEST(KnownModules, AttentionHoldsWithAMaskOfAnySize) {
  for (const bool lengthens : {false, true}) {
    Attending model(nn::MultiheadAttentionOptions(16, 4).add_bias_kv(lengthens).add_zero_attn(lengthens));
    model.eval();
    const Input query = shared(input("query", {1, 1, 16}, {7, 2, 16}, {16, 4, 16}), {{1, "batch"}});
    const Input key = shared(input("key", {2, 1, 16}, {5, 2, 16}, {16, 4, 16}), {{0, "source"}, {1, "batch"}});
    const Input padding = shared(input("padding", {1, 2}, {2, 5}, {4, 16}), {{0, "batch"}, {1, "source"}});
    std::vector<Tensors> inputs;
    for (const int64_t batch : {1, 2, 3, 4}) {
      inputs.push_back(
          {at::randn({batch, batch, 16}), at::randn({3 * batch, batch, 16}), at::zeros({batch, 3 * batch})});
      inputs.back()[2].select(1, 0).fill_(1);
    }
    expect_same("nn_attention", model, {query, key, padding}, inputs, [&](const Tensors& in) {
      const auto [output, weights] = model.forward(in[0], in[1], in[2]);
      return Tensors{output, weights};
    });
  }
}

TEST(KnownModules, KeysOfAnotherLengthThanTheirMaskAreRefusedWithTheirAxes) {
  Attending model(nn::MultiheadAttentionOptions(16, 4));
  const std::string message = message_of<ShapeError>([&] {
    trace(model, {input("query", {1, 2, 16}, {7, 2, 16}, {16, 2, 16}),
                  input("key", {2, 2, 16}, {5, 2, 16}, {16, 2, 16}), input("padding", {2, 2}, {2, 5}, {2, 16})});
  });
  EXPECT_NE(message.find("key[0]"), std::string::npos) << message;
  EXPECT_NE(message.find("padding[1]"), std::string::npos) << message;
}

// Images -------------------------------------------------------------------------------------------------------------

std::vector<Tensors> images() {
  std::vector<Tensors> inputs;
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{4, 9}, {5, 5}, {12, 7}, {3, 16}}) {
    inputs.push_back({at::randn({2, 3, height, width})});
  }
  return inputs;
}

const Input kImage = input("image", {2, 3, 3, 3}, {2, 3, 8, 8}, {2, 3, 16, 16});

TEST(KnownModules, PoolingKeepsAnAxisAsItIs) {
  nn::AdaptiveAvgPool2d pool(nn::AdaptiveAvgPool2dOptions({std::nullopt, 1}));
  expect_same("nn_pool", pool, {kImage}, images(), [&](const Tensors& in) { return Tensors{pool(in[0])}; });
}

TEST(KnownModules, ResponsesAreNormalizedAtEverySize) {
  nn::LocalResponseNorm norm(nn::LocalResponseNormOptions(2));
  expect_same("nn_lrn", norm, {kImage}, images(), [&](const Tensors& in) { return Tensors{norm(in[0])}; });
}

TEST(KnownModules, ImagesAreScaledByWholeNumbers) {
  nn::Upsample nearest(nn::UpsampleOptions().scale_factor(std::vector<double>{2, 3}).mode(torch::kNearest));
  expect_same("nn_nearest", nearest, {kImage}, images(), [&](const Tensors& in) { return Tensors{nearest(in[0])}; });
  nn::Upsample bilinear(
      nn::UpsampleOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kBilinear).align_corners(false));
  expect_same("nn_bilinear", bilinear, {kImage}, images(), [&](const Tensors& in) { return Tensors{bilinear(in[0])}; });
}

TEST(KnownModules, AScaleThatIsNoWholeNumberIsRefusedWithTheAxes) {
  for (const double scale : {0.5, 1.5, 2.0000001, 1.9999999}) {
    nn::Upsample nearest(nn::UpsampleOptions().scale_factor(std::vector<double>{scale, 2}).mode(torch::kNearest));
    const std::string message = message_of<UnsupportedOperator>([&] { trace(nearest, {kImage}); });
    EXPECT_NE(message.find("image[2]"), std::string::npos) << message;
  }
}

// Everybody else's code ----------------------------------------------------------------------------------------------

/// A module of the user's, with one of PyTorch's inside.
struct AsksAround : nn::Module {
  AsksAround() : gru(nn::GRUOptions(6, 8)) { register_module("gru", gru); }
  at::Tensor forward(const at::Tensor& x) { return std::get<0>(gru(x)).sum(2) * x.size(1); }
  nn::GRU gru;
};

TEST(KnownModules, OtherCodeIsRefusedAsBefore) {
  AsksAround model;
  const std::string message =
      message_of<UnsupportedOperator>([&] { trace(model, {input("x", {5, 1, 6}, {5, 2, 6}, {5, 8, 6})}); });
  EXPECT_NE(message.find("x[1]"), std::string::npos) << message;
}

}  // namespace
}  // namespace tracejet
