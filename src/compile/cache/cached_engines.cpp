#include "compile/cache/cached_engines.h"

#include <algorithm>
#include <cstdint>
#include <unordered_set>
#include <utility>

#include <ATen/Parallel.h>

#include "base/build_id.h"
#include "base/hash.h"
#include "compile/cache/live_executables.h"
#include "compile/settings.h"
#include "engines/reference.h"
#include "tracejet/version.h"

namespace tracejet {

namespace {

/// Behind the key of what is compiled: what the engine says of the program without compiling.
constexpr const char* kAnswer = "a";

bool asks_for_cache(const CompileSettings& settings) {
  return !settings.dryrun && (settings.cache_built_engines || settings.reuse_cached_engines);
}

int64_t version_of(const at::Tensor& weight) {
  return weight.is_inference() ? 0 : static_cast<int64_t>(weight._version());
}

void add_nodes(const Graph& graph, std::vector<const Node*>& nodes) {
  for (const Node& node : graph.nodes()) {
    nodes.push_back(&node);
    for (const auto& subgraph : node.subgraphs()) add_nodes(*subgraph, nodes);
  }
}

/// Those of subgraphs, too, always in the same order.
std::vector<const Node*> all_nodes(const Graph& graph) {
  std::vector<const Node*> nodes;
  add_nodes(graph, nodes);
  return nodes;
}

std::vector<RefusedNumber> numbered(const Graph& graph, const std::vector<Unsupported>& refused) {
  const std::vector<const Node*> nodes = all_nodes(graph);
  std::vector<RefusedNumber> numbers;
  for (const auto& [node, reason] : refused) {
    numbers.push_back({static_cast<size_t>(std::ranges::find(nodes, node) - nodes.begin()), reason});
  }
  return numbers;
}

std::vector<Unsupported> refused_in(const CacheEntry& entry, const Graph& graph) {
  const std::vector<const Node*> nodes = all_nodes(graph);
  std::vector<Unsupported> refused;
  for (const auto& [number, reason] : entry.refused) refused.push_back({nodes.at(number), reason});
  return refused;
}

/// Hashes the value of a setting.
struct SettingHasher {
  Hasher& hasher;

  void operator()(const std::string& text) const { hasher.text(text); }
  void operator()(const std::vector<std::string>& texts) const {
    hasher.number(texts.size());
    for (const std::string& text : texts) hasher.text(text);
  }
  void operator()(const EngineChoice& choice) const { (*this)(choice.names()); }
  void operator()(const CustomEngineCache&) const {}  // what is compiled doesn't depend on where it is kept
  template <typename Number>
  void operator()(Number number) const {
    hasher.number(number);
  }
};

void hash_settings(Hasher& hasher, const CompileSettings& settings) {
  for (const Setting& setting : settings_table()) {
    if (!setting.engines_depend) continue;
    hasher.text(setting.name);
    std::visit([&](auto field) { SettingHasher{hasher}(settings.*field); }, setting.field);
  }
  hasher.number(at::get_num_threads());  // what a number of threads of 0 stands for
}

}  // namespace

CachedEngines::CachedEngines(const Graph& traced, const CompileSettings& settings, std::vector<std::string>& notes)
    : traced_(traced), settings_(settings), notes_(notes) {
  if (!asks_for_cache(settings)) return;
  cache_ = settings.custom_engine_cache.get();
  if (cache_ != nullptr) return;
  directory_ = std::make_shared<DirectoryCache>(settings.engine_cache_dir, settings.engine_cache_size);
  cache_ = directory_;
}

std::string CachedEngines::key_of(const Engine& engine, const Graph& graph, const RuntimeInputs& inputs) {
  if (!engine.can_load()) {
    if (!is_reference(engine)) note(engine.name() + " keeps nothing of what it compiles in the engine cache");
    return {};
  }
  if (engine.fingerprint().empty()) {
    note(engine.name() + " has no fingerprint, so that nothing of what it compiles is kept in the engine cache");
    return {};
  }
  try {
    return new_key(engine, graph, inputs);
  } catch (const NoKey& problem) {
    note("a part of this program isn't kept in the engine cache: " + said_by(problem));
    return {};
  }
}

std::string CachedEngines::new_key(const Engine& engine, const Graph& graph, const RuntimeInputs& inputs) {
  Hasher hasher;
  for (const std::string& text : {std::string(version()), build_id(), engine.name(), engine.fingerprint()}) {
    hasher.text(text);
  }
  hash_settings(hasher, settings_);
  hash_graph(hasher, graph, inputs, weights_);
  return hasher.hex();
}

/// With the places of the weights, which engines may read from, and how often they were written to: of equal programs,
/// somebody may change the weights of one. What was folded is no weight that anybody else has.
std::string CachedEngines::live_key(const std::string& key, const Graph& graph, const RuntimeInputs& inputs) const {
  std::unordered_set<const void*> traced;
  for (const GraphInput& input : traced_.inputs()) {
    if (input.data.defined()) traced.insert(input.data.unsafeGetTensorImpl());
  }
  Hasher hasher;
  hasher.text(key);
  if (directory_ != nullptr) hasher.text(directory_->folder());
  hasher.number(directory_ != nullptr ? 0 : reinterpret_cast<uintptr_t>(cache_->identity()));
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const at::Tensor& data = graph.inputs()[i].data;
    if (std::ranges::binary_search(inputs, i) || !traced.contains(data.unsafeGetTensorImpl())) continue;
    hasher.number(reinterpret_cast<uintptr_t>(data.const_data_ptr()));
    hasher.number(version_of(data));
  }
  return hasher.hex();
}

std::optional<SharedBytes> CachedEngines::bytes_of(const std::string& key) {
  if (directory_ != nullptr) return directory_->mapped(key);
  auto bytes = cache_->check(key);
  return bytes ? std::optional(SharedBytes(*std::move(bytes))) : std::nullopt;
}

void CachedEngines::note(const std::string& text) {
  if (std::ranges::find(notes_, text) == notes_.end()) notes_.push_back(text);
}

std::optional<CacheEntry> CachedEngines::find(const std::string& key, const Engine& engine) {
  if (!settings_.reuse_cached_engines) return std::nullopt;
  try {
    const auto bytes = bytes_of(key);
    if (!bytes) return std::nullopt;
    auto entry = decoded(*bytes);
    if (entry && entry->key == key) return entry;
    note("an entry of the engine cache was damaged, so " + engine.name() + " did its work again: " + key);
  } catch (const Error& error) {
    note("the engine cache can't be read, so " + engine.name() + " did its work again: " + said_by(error));
  }
  return std::nullopt;
}

std::shared_ptr<const Executable> CachedEngines::loaded(const CacheEntry& entry, const Engine& engine,
                                                        const std::shared_ptr<const Graph>& graph,
                                                        const RuntimeInputs& inputs) {
  try {
    std::shared_ptr<const Executable> executable = engine.load(entry.serialized, graph, inputs, settings_);
    loaded_.insert(executable.get());
    return executable;
  } catch (const std::exception& error) {
    if (!engine.is_failure(error)) throw;
    note(engine.name() + " compiled again what it can't load from the engine cache: " + said_by(error));
    return nullptr;
  }
}

void CachedEngines::keep(CacheEntry entry, const Engine& engine, const Graph& graph,
                         const std::vector<Unsupported>& refused) {
  if (!settings_.cache_built_engines) return;
  entry.engine = engine.name();
  entry.fingerprint = engine.fingerprint();
  entry.version = version();
  entry.nodes = static_cast<int64_t>(graph.nodes().size());
  entry.refused = numbered(graph, refused);
  const std::string bytes = encoded(entry);
  try {
    cache_->insert(entry.key, bytes);
  } catch (const Error& error) {
    note("the engine cache didn't keep what " + engine.name() + " made: " + said_by(error));
  }
}

std::shared_ptr<const Executable> CachedEngines::compile(const Engine& engine,
                                                         const std::shared_ptr<const Graph>& graph,
                                                         const RuntimeInputs& inputs) {
  const std::string key = cache_ == nullptr ? "" : key_of(engine, *graph, inputs);
  if (key.empty()) return engine.compile(graph, inputs, settings_);
  const std::string own = live_key(key, *graph, inputs);
  auto executable = shared(own, engine, graph, inputs);
  if (executable == nullptr) executable = made(key, engine, graph, inputs);
  LiveExecutables::instance().add(own, executable);
  return executable;
}

std::shared_ptr<const Executable> CachedEngines::shared(const std::string& key, const Engine& engine,
                                                        const std::shared_ptr<const Graph>& graph,
                                                        const RuntimeInputs& inputs) {
  const auto live = settings_.reuse_cached_engines ? LiveExecutables::instance().find(key) : nullptr;
  if (live == nullptr) return nullptr;
  std::shared_ptr<const Executable> executable = engine.share(*live, graph, inputs, settings_);
  if (executable != nullptr) loaded_.insert(executable.get());
  return executable;
}

std::shared_ptr<const Executable> CachedEngines::made(const std::string& key, const Engine& engine,
                                                      const std::shared_ptr<const Graph>& graph,
                                                      const RuntimeInputs& inputs) {
  if (const auto entry = find(key, engine)) {
    if (!entry->refused.empty()) throw RefusedNodes(*graph, refused_in(*entry, *graph), engine.name());
    if (auto executable = loaded(*entry, engine, graph, inputs)) return executable;
  }
  try {
    std::shared_ptr<const Executable> executable = engine.compile(graph, inputs, settings_);
    if (settings_.cache_built_engines) {
      if (auto bytes = executable->serialize()) {
        keep({.key = key, .serialized = SharedBytes(*std::move(bytes))}, engine, *graph, {});
      }
    }
    return executable;
  } catch (const RefusedNodes& refusal) {
    // What it finds out late may be due to the machine's state.
    if (!refusal.is_late()) keep({.key = key}, engine, *graph, refusal.nodes());
    throw;
  }
}

std::vector<Unsupported> CachedEngines::find_unsupported(const Engine& engine,
                                                         const std::shared_ptr<const Graph>& graph,
                                                         const RuntimeInputs& inputs) {
  std::string key = cache_ == nullptr ? "" : key_of(engine, *graph, inputs);
  if (key.empty()) return engine.find_unsupported(graph, inputs, settings_);
  key += kAnswer;
  if (const auto entry = find(key, engine)) return refused_in(*entry, *graph);
  std::vector<Unsupported> refused = engine.find_unsupported(graph, inputs, settings_);
  keep({.key = key}, engine, *graph, refused);
  return refused;
}

}  // namespace tracejet
