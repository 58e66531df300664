#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/shared_bytes.h"
#include "compile/cache/directory_cache.h"
#include "compile/cache/entry.h"
#include "compile/cache/graph_hash.h"
#include "engines/engine.h"
#include "tracejet/engine_cache.h"

namespace tracejet {

/// Asks engines, and keeps their answers in the engine cache as the settings say. For the build of one program.
class CachedEngines {
 public:
  /// `traced`: the program as it was traced, whose weights others may write to. `notes` gets what went wrong with the
  /// cache; the answers are right all the same.
  CachedEngines(const Graph& traced, const CompileSettings& settings, std::vector<std::string>& notes);

  /// As Engine::compile() and Engine::find_unsupported().
  std::shared_ptr<const Executable> compile(const Engine& engine, const std::shared_ptr<const Graph>& graph,
                                            const RuntimeInputs& inputs);
  std::vector<Unsupported> find_unsupported(const Engine& engine, const std::shared_ptr<const Graph>& graph,
                                            const RuntimeInputs& inputs);

  /// Whether compile() took it from the cache.
  bool is_cached(const Executable& executable) const { return loaded_.contains(&executable); }

 private:
  /// Empty where nothing is to be kept.
  std::string key_of(const Engine& engine, const Graph& graph, const RuntimeInputs& inputs);
  std::string new_key(const Engine& engine, const Graph& graph, const RuntimeInputs& inputs);
  std::string live_key(const std::string& key, const Graph& graph, const RuntimeInputs& inputs) const;
  std::optional<SharedBytes> bytes_of(const std::string& key);
  std::optional<CacheEntry> find(const std::string& key, const Engine& engine);
  /// Of what this process uses already; null where it doesn't.
  std::shared_ptr<const Executable> shared(const std::string& key, const Engine& engine,
                                           const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs);
  std::shared_ptr<const Executable> loaded(const CacheEntry& entry, const Engine& engine,
                                           const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs);
  void keep(CacheEntry entry, const Engine& engine, const Graph& graph, const std::vector<Unsupported>& refused);
  void note(const std::string& text);

  /// From the cache, or by the engine.
  std::shared_ptr<const Executable> made(const std::string& key, const Engine& engine,
                                         const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs);

  const Graph& traced_;
  const CompileSettings& settings_;
  std::vector<std::string>& notes_;
  std::shared_ptr<DirectoryCache> directory_;  // where the cache is a folder
  std::shared_ptr<EngineCache> cache_;         // null where the settings ask for none
  WeightHashes weights_;
  std::unordered_set<const Executable*> loaded_;
};

}  // namespace tracejet
