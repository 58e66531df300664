#pragma once

#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include <torch/torch.h>

#include <tracejet/structure.h>

namespace tracejet::models {

/// Two convolutions with a way around them.
struct BlockImpl : torch::nn::Module {
  BlockImpl(int64_t in, int64_t out, int64_t stride)
      : first(torch::nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false)),
        first_norm(out),
        second(torch::nn::Conv2dOptions(out, out, 3).padding(1).bias(false)),
        second_norm(out) {
    register_module("first", first);
    register_module("first_norm", first_norm);
    register_module("second", second);
    register_module("second_norm", second_norm);
    if (stride != 1 || in != out) {
      shortcut->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 1).stride(stride).bias(false)));
      shortcut->push_back(torch::nn::BatchNorm2d(out));
      register_module("shortcut", shortcut);
    }
  }
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = second_norm(second(torch::relu(first_norm(first(x)))));
    return torch::relu(y + (shortcut->is_empty() ? x : shortcut->forward(x)));
  }

  torch::nn::Conv2d first;
  torch::nn::BatchNorm2d first_norm;
  torch::nn::Conv2d second;
  torch::nn::BatchNorm2d second_norm;
  torch::nn::Sequential shortcut;
};
TORCH_MODULE(Block);

/// ResNet-18, narrow.
struct ResNetImpl : torch::nn::Module {
  ResNetImpl()
      : stem(torch::nn::Conv2dOptions(3, 8, 7).stride(2).padding(3).bias(false)),
        norm(8),
        pool(torch::nn::AdaptiveAvgPool2dOptions({1, 1})),
        head(64, 10) {
    register_module("stem", stem);
    register_module("norm", norm);
    int64_t in = 8;
    for (const int64_t out : {8, 16, 32, 64}) {
      layers->push_back(Block(in, out, out == 8 ? 1 : 2));
      layers->push_back(Block(out, out, 1));
      in = out;
    }
    register_module("layers", layers);
    register_module("head", head);
  }
  at::Tensor forward(const at::Tensor& image) {
    const at::Tensor x = torch::max_pool2d(torch::relu(norm(stem(image))), 3, 2, 1);
    return head(pool(layers->forward(x)).flatten(1));
  }

  torch::nn::Conv2d stem;
  torch::nn::BatchNorm2d norm;
  torch::nn::Sequential layers;
  torch::nn::AdaptiveAvgPool2d pool;
  torch::nn::Linear head;
};
TORCH_MODULE(ResNet);

/// One layer of a transformer encoder.
struct EncoderLayerImpl : torch::nn::Module {
  EncoderLayerImpl(int64_t width, int64_t head_count)
      : heads(head_count),
        qkv(width, 3 * width),
        out(width, width),
        first_norm(torch::nn::LayerNormOptions({width})),
        second_norm(torch::nn::LayerNormOptions({width})),
        mlp(torch::nn::Linear(width, 4 * width), torch::nn::GELU(), torch::nn::Linear(4 * width, width)) {
    register_module("qkv", qkv);
    register_module("out", out);
    register_module("first_norm", first_norm);
    register_module("second_norm", second_norm);
    register_module("mlp", mlp);
  }
  at::Tensor forward(const at::Tensor& x) {
    const c10::SymInt batch = x.sym_size(0), length = x.sym_size(1);
    const auto parts = qkv(first_norm(x)).view_symint({batch, length, 3, heads, -1}).permute({2, 0, 3, 1, 4}).unbind(0);
    const at::Tensor attended = at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
    const at::Tensor y = x + out(attended.transpose(1, 2).reshape_symint({batch, length, -1}));
    return y + mlp->forward(second_norm(y));
  }

  int64_t heads;
  torch::nn::Linear qkv, out;
  torch::nn::LayerNorm first_norm, second_norm;
  torch::nn::Sequential mlp;
};
TORCH_MODULE(EncoderLayer);

struct Encoder : torch::nn::Module {
  Encoder(int64_t width, int64_t heads, int64_t depth) {
    for (int64_t i = 0; i < depth; ++i) layers->push_back(EncoderLayer(width, heads));
    register_module("layers", layers);
  }
  at::Tensor forward(const at::Tensor& x) { return layers->forward(x); }

  torch::nn::Sequential layers;
};

/// PyTorch's own LSTM, whose forward takes the batch for a plain number.
struct Recurrent : torch::nn::Module {
  Recurrent() : lstm(torch::nn::LSTMOptions(6, 8).num_layers(2).batch_first(true)) { register_module("lstm", lstm); }
  at::Tensor forward(const at::Tensor& x) { return std::get<0>(lstm(x)); }
  torch::nn::LSTM lstm;
};

/// A cell that is called for each step: it takes any batch. Gives its states by name.
struct Stepwise : torch::nn::Module {
  Stepwise() : cell(6, 8) { register_module("cell", cell); }
  std::map<std::string, at::Tensor> forward(const at::Tensor& x) {
    at::Tensor hidden = at::zeros_symint({x.sym_size(0), 8}, x.options()), state = hidden;
    for (const at::Tensor& step : x.unbind(1)) std::tie(hidden, state) = cell(step, std::tuple(hidden, state));
    return {{"hidden", hidden}, {"state", state}};
  }
  torch::nn::LSTMCell cell;
};

/// Asks what comes out of its layer for a plain size.
struct AsksForSizes : torch::nn::Module {
  AsksForSizes() : layer(4, 4) { register_module("layer", layer); }
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = layer(x);
    return y.view({y.size(0), 2, 2});
  }
  torch::nn::Linear layer;
};

/// Adds up what it has seen.
struct Counting : torch::nn::Module {
  Counting() : total(register_buffer("total", torch::zeros({4}))) {}
  at::Tensor forward(const at::Tensor& x) {
    total.add_(x.sum(0));
    return x + total;
  }
  at::Tensor total;
};

/// As Counting, but what it has seen isn't written to the buffer.
struct Remembering : torch::nn::Module {
  Remembering() : memory(register_buffer("memory", torch::zeros({2, 4}))) {}
  at::Tensor forward(const at::Tensor& x) {
    memory = memory * 0.5 + x;
    return memory;
  }
  at::Tensor memory;
};

struct State {
  at::Tensor hidden, cell;
};

/// Takes and gives more than tensors.
struct Nested : torch::nn::Module {
  std::tuple<at::Tensor, State> forward(const std::vector<at::Tensor>& parts, const State& state,
                                        const std::optional<at::Tensor>& mask, int64_t times) {
    at::Tensor sum = parts[0] + parts[1];
    if (mask) sum = sum * *mask;
    return {sum * times, {state.hidden + sum, state.cell - sum}};
  }
};

struct Branching : torch::nn::Module {
  explicit Branching(std::function<bool(const at::Tensor&)> asked) : doubles(std::move(asked)) {}
  at::Tensor forward(const at::Tensor& x) { return doubles(x) ? x * 2 : x; }
  std::function<bool(const at::Tensor&)> doubles;
};

}  // namespace tracejet::models

template <>
struct tracejet::Members<tracejet::models::State> {
  static auto of(const models::State& state) { return std::tie(state.hidden, state.cell); }
};
