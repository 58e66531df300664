#include "engines/recording/replaying.h"

#include <algorithm>
#include <mutex>
#include <unordered_set>
#include <utility>

#include <ATen/Context.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/enum_tag.h>
#include <c10/core/DeviceGuard.h>
#include <c10/util/hash.h>

#include "base/error.h"
#include "base/recent.h"
#include "engines/recording/recorded_call.h"
#include "engines/recording/watched.h"
#include "ir/analysis/effect.h"
#include "ir/analysis/subgraph_symbols.h"
#include "ir/call.h"
#include "ir/model_line.h"
#include "ir/symbol_binding.h"

namespace tracejet::recording {

namespace {

/// All that a recording depends on.
using Key = std::vector<int64_t>;

/// What PyTorch's user has chosen of kernels.
int64_t chosen_kernels() {
  const at::Context& context = at::globalContext();
  int64_t bits = 0;
  const auto add = [&](auto choice) { bits = bits * 4 + static_cast<int64_t>(choice); };
  add(context.allowTF32CuBLAS());
  add(context.allowTF32CuDNN());
  add(context.allowFP16ReductionCuBLAS());
  add(context.allowBF16ReductionCuBLAS());
  add(context.allowFP16AccumulationCuBLAS());
  add(context.deterministicAlgorithms());
  add(context.deterministicCuDNN());
  add(context.benchmarkCuDNN());
  add(context.userEnabledCuDNN());
  add(context.userEnabledCuDNNSDP());
  add(context.userEnabledFlashSDP());
  add(context.userEnabledMemEfficientSDP());
  add(context.userEnabledMathSDP());
  return bits;
}

template <typename Predicate>
bool calls_any(const Graph& graph, const Predicate& is_one) {
  return std::ranges::any_of(graph.nodes(), [&](const Node& node) {
    return is_one(node.op()) ||
           std::ranges::any_of(node.subgraphs(), [&](const auto& subgraph) { return calls_any(*subgraph, is_one); });
  });
}

bool is_random(const c10::OperatorHandle& op) { return op.hasTag(at::Tag::nondeterministic_seeded); }

/// The symbols that the layout of the inputs doesn't tell: those of the program around some of its calls.
std::vector<uint64_t> symbols_from_around(const Graph& graph, const RuntimeInputs& inputs) {
  std::unordered_set<uint64_t> known;
  for (const size_t input : inputs) {
    for_each_bound_symbol(*graph.inputs()[input].value,
                          [&](const SymbolBinding& binding) { known.insert(binding.symbol.id); });
  }
  std::vector<uint64_t> symbols;
  for (const Node& node : graph.nodes()) {
    for (const symbolic::Symbol& symbol : symbols_read_by(node)) {
      if (known.insert(symbol.id).second) symbols.push_back(symbol.id);
    }
  }
  return symbols;
}

/// `tensor.data = other` puts it elsewhere.
int64_t place_of(const at::Tensor& tensor) {
  return tensor.has_storage() ? reinterpret_cast<int64_t>(tensor.storage().data()) : 0;
}

class Replaying final : public Executable {
 public:
  Replaying(Repeatable program, c10::Device device, size_t most, MakeRecorder make_recorder)
      : program_(std::move(program)),
        device_(device),
        make_recorder_(std::move(make_recorder)),
        is_random_(calls_any(*program_.graph, is_random)),
        communicates_(calls_any(*program_.graph, communicates)),
        symbols_(symbols_from_around(*program_.graph, program_.inputs)),
        recorded_(most),
        seen_(4 * most) {
    // A tensor of the model's lies where it is in every call: it is read there.
    const std::span<const GraphInput> inputs = program_.graph->inputs();
    for (const size_t input : program_.inputs) is_copied_.push_back(inputs[input].kind == GraphInput::Kind::kUser);
    for (const GraphInput& input : inputs) {
      if (input.data.defined()) lasting_.push_back(input.data);
    }
  }
  Replaying(const Replaying&) = delete;
  Replaying& operator=(const Replaying&) = delete;
  ~Replaying() override {
    try {
      forget();
    } catch (const std::exception&) {  // the device is gone, and all of its memory
    }
  }

  std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const override {
    const c10::OptionalDeviceGuard guard(device_);
    const at::AutoDispatchBelowADInplaceOrView no_autograd;
    // Programs are also compiled where there is no device.
    std::call_once(is_made_, [this] { recorder_ = make_recorder_(device_); });
    if (is_watched(device_) || recorder_->is_recorded_by_others())
      return program_.executable->run(std::move(inputs), sizes);
    if (communicates_) make_contiguous(inputs);
    const Key key = key_of(inputs, sizes);
    if (auto results = replayed(key, inputs)) return *std::move(results);
    std::vector<c10::IValue> results = run_as_it_is(inputs, sizes);
    if (has_been_seen(key)) record(key, inputs, sizes);
    return results;
  }

  bool takes_ranks_from_data() const override { return program_.executable->takes_ranks_from_data(); }

 private:
  /// All processes have to record, and replay, the same call: how the inputs of one of them lie mustn't decide that.
  void make_contiguous(std::vector<at::Tensor>& inputs) const {
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (is_copied_[i]) inputs[i] = inputs[i].contiguous();
    }
  }

  Key key_of(const std::vector<at::Tensor>& inputs, const RuntimeSizes& sizes) const {
    Key key{chosen_kernels()};
    for (const uint64_t symbol : symbols_) key.push_back(sizes.find(symbol).value_or(0));
    for (size_t i = 0; i < inputs.size(); ++i) {
      key.push_back(inputs[i].dim());
      key.insert(key.end(), inputs[i].sizes().begin(), inputs[i].sizes().end());
      key.insert(key.end(), inputs[i].strides().begin(), inputs[i].strides().end());
      if (!is_copied_[i]) key.push_back(place_of(inputs[i]));
    }
    int64_t places = 0;
    for (const at::Tensor& tensor : lasting_)
      places = static_cast<int64_t>(c10::hash_combine(places, place_of(tensor)));
    key.push_back(places);
    return key;
  }

  std::optional<std::vector<c10::IValue>> replayed(const Key& key, const std::vector<at::Tensor>& inputs) const {
    const std::scoped_lock lock(mutex_);
    const auto* call = is_off_ ? nullptr : recorded_.find(key);
    if (call == nullptr) return std::nullopt;
    recorder_->wait();
    try {
      std::vector<c10::IValue> results = (*call)->replay(inputs);
      recorder_->mark();
      return results;
    } catch (const c10::OutOfMemoryError&) {
      forget();
      return std::nullopt;
    }
  }

  /// What recordings hold isn't worth a call that fails for want of memory.
  std::vector<c10::IValue> run_as_it_is(const std::vector<at::Tensor>& inputs, const RuntimeSizes& sizes) const {
    std::vector<c10::IValue> results;
    const auto run = [&] { results = program_.executable->run(inputs, sizes); };
    try {
      recorder_->run(run);
      return results;
    } catch (const c10::OutOfMemoryError&) {
      const std::scoped_lock lock(mutex_);
      if (recorded_.empty()) throw;
      forget();
    }
    recorder_->run(run);
    return results;
  }

  bool has_been_seen(const Key& key) const {
    const std::scoped_lock lock(mutex_);
    if (is_off_) return false;
    if (seen_.find(key) != nullptr) return true;
    seen_.add(key, true);
    return false;
  }

  void record(const Key& key, const std::vector<at::Tensor>& inputs, const RuntimeSizes& sizes) const {
    const std::scoped_lock lock(mutex_);
    if (is_off_ || recorded_.find(key) != nullptr) return;
    const auto last = std::make_shared<const Node*>(nullptr);
    const Work work = [this, sizes, last](std::vector<at::Tensor> given) {
      return program_.run_noting ? program_.run_noting(std::move(given), sizes, *last)
                                 : program_.executable->run(std::move(given), sizes);
    };
    try {
      auto call = std::make_unique<RecordedCall>(*recorder_, inputs, is_copied_, lasting_, is_random_, work);
      // It may have memory that kernels of this stream still work on, and be replayed on another one.
      recorder_->wait();
      recorder_->mark();
      if (const auto oldest = recorded_.add(key, std::move(call))) recorder_->synchronize();
    } catch (const std::exception& error) {
      turn_off(*last, error);
    }
  }

  void turn_off(const Node* last, const std::exception& error) const {
    is_off_ = true;
    forget();
    const std::string text = error.what();
    TORCH_WARN("CUDA graphs are off for this program, which runs its kernels one by one: ", failed_after(last),
               text.substr(0, text.find('\n')), "\ncuda_graphs=False turns them off without a word.");
  }

  std::string failed_after(const Node* last) const {
    if (!program_.run_noting) return "";
    const auto& nodes = program_.graph->nodes();
    auto failed = nodes.begin();
    if (last != nullptr) {
      while (failed != nodes.end() && &*failed != last) ++failed;
      if (failed != nodes.end()) ++failed;
    }
    if (failed == nodes.end()) return "";
    return Call(*failed).name() + "\n" + describe(failed->where(), *program_.graph) + "\n";
  }

  /// Memory that a call in flight still uses must not be given to anybody else.
  void forget() const {
    if (recorder_ != nullptr && !recorded_.empty()) recorder_->synchronize();
    recorded_.clear();
  }

  Repeatable program_;
  c10::Device device_;
  MakeRecorder make_recorder_;
  std::vector<bool> is_copied_;
  std::vector<at::Tensor> lasting_;
  bool is_random_;
  bool communicates_;
  std::vector<uint64_t> symbols_;
  mutable std::once_flag is_made_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<Recorder> recorder_;
  mutable Recent<Key, std::unique_ptr<RecordedCall>> recorded_;  // goes before what recorded it
  mutable Recent<Key, bool> seen_;
  mutable bool is_off_ = false;
};

}  // namespace

std::unique_ptr<Executable> make_replaying(Repeatable program, c10::Device device, size_t most,
                                           MakeRecorder make_recorder) {
  return std::make_unique<Replaying>(std::move(program), device, most, std::move(make_recorder));
}

}  // namespace tracejet::recording
