#include "capture/known_modules.h"

#include <algorithm>
#include <array>
#include <dlfcn.h>
#include <string>
#include <unwind.h>

#include <c10/util/Type.h>

namespace tracejet {

namespace {

constexpr int64_t kMostHeads = 4096;

/// As read in PyTorch 2.13: torch/csrc/api/src/nn/modules, and the functions of torch/nn/functional that they call.
/// Where another version's do something else with a plain size, a program of theirs may be wrong at other sizes than
/// traced: known_modules_test.cpp compares them.
constexpr std::array kKnownModules = {
    // zeros({layers, batch, hidden}) where no state is given; a state's sizes are compared with that.
    KnownModule{.function = "torch::nn::RNNImpl::"},
    KnownModule{.function = "torch::nn::GRUImpl::"},
    KnownModule{.function = "torch::nn::LSTMImpl::"},
    KnownModule{.function = "torch::nn::detail::RNNImplBase<"},
    KnownModule{.function = "torch::nn::RNNCellImpl::"},
    KnownModule{.function = "torch::nn::GRUCellImpl::"},
    KnownModule{.function = "torch::nn::LSTMCellImpl::"},
    KnownModule{.function = "torch::nn::detail::RNNCellImplBase<"},
    // Views of {length, batch * heads, width}; add_bias_kv and add_zero_attn make the source longer by one each.
    KnownModule{.function = "torch::nn::MultiheadAttentionImpl::forward(",
                .greatest_multiple = kMostHeads,
                .greatest_addend = 2,
                .compares_data = true},
    KnownModule{.function = "torch::nn::TransformerImpl::forward("},
    // Where no output size is given for an axis, the input's.
    KnownModule{.function = "torch::nn::AdaptiveAvgPool2dImpl::forward("},
    KnownModule{.function = "torch::nn::AdaptiveAvgPool3dImpl::forward("},
    // A view with one axis more.
    KnownModule{.function = "torch::nn::LocalResponseNormImpl::forward("},
    // floor(size * scale): a whole multiple at all sizes if at one as large as those that stand for sizes here.
    KnownModule{.function = "torch::nn::UpsampleImpl::forward(", .greatest_multiple = kMostHeads},
};

bool is_pytorchs_or_ours(std::string_view path) {
  static constexpr std::array kLibraries{"libtracejet_core.so", "libc10.so", "libtorch_cpu.so", "libtorch.so"};
  return std::ranges::find(kLibraries, path.substr(path.find_last_of('/') + 1)) != kLibraries.end();
}

/// Stops at the first frame outside of PyTorch, and at the first function of a module.
_Unwind_Reason_Code look_at(_Unwind_Context* frame, void* found) {
  int is_at_instruction = 0;
  const uintptr_t at = _Unwind_GetIPInfo(frame, &is_at_instruction);
  Dl_info code{};
  // What a call returns to may belong to the next function already.
  const auto* address = reinterpret_cast<const void*>(at - (is_at_instruction == 0 ? 1 : 0));  // NOLINT: an address
  if (dladdr(address, &code) == 0 || !is_pytorchs_or_ours(code.dli_fname)) return _URC_END_OF_STACK;
  if (code.dli_sname == nullptr) return _URC_NO_REASON;
  const std::string name = c10::demangle(code.dli_sname);
  const auto known =
      std::ranges::find_if(kKnownModules, [&](const KnownModule& module) { return name.starts_with(module.function); });
  if (known != kKnownModules.end()) *static_cast<const KnownModule**>(found) = &*known;
  const bool is_module = name.starts_with("torch::nn::");
  return is_module ? _URC_END_OF_STACK : _URC_NO_REASON;
}

}  // namespace

const KnownModule* running_known_module() {
  const KnownModule* found = nullptr;
  _Unwind_Backtrace(&look_at, &found);
  return found;
}

}  // namespace tracejet
