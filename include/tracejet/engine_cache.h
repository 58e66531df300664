#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tracejet {

/// Where what engines compile is kept between processes, by key. It is used on several threads at once.
class EngineCache {
 public:
  virtual ~EngineCache() = default;

  /// Keeps an entry under a key of letters and digits, in the place of an earlier one. What it throws (an Error) is
  /// said by `compile`, which goes on.
  virtual void insert(const std::string& key, std::string_view entry) = 0;
  /// The entry of this key; nullopt where there is none. What is damaged is found out by `compile`.
  virtual std::optional<std::string> check(const std::string& key) = 0;

  /// What tells it from others.
  virtual const void* identity() const { return this; }
};

/// A user's own engine cache, or none.
class CustomEngineCache {
 public:
  CustomEngineCache() = default;
  CustomEngineCache(std::shared_ptr<EngineCache> cache) : cache_(std::move(cache)) {}

  const std::shared_ptr<EngineCache>& get() const { return cache_; }
  bool operator==(const CustomEngineCache& other) const {
    return cache_ == other.cache_ ||
           (cache_ != nullptr && other.cache_ != nullptr && cache_->identity() == other.cache_->identity());
  }

 private:
  std::shared_ptr<EngineCache> cache_;
};

/// An entry of an engine cache in a folder.
struct CachedEngine {
  std::string key;
  std::string engine;       ///< "openvino"; empty where the entry is damaged
  std::string fingerprint;  ///< the versions and the device that it was compiled for
  std::string version;      ///< of tracejet
  int64_t nodes = 0;        ///< of the program, or of the part of one, that was compiled
  int64_t refused = 0;      ///< how many of them the engine doesn't run: then this is all that is kept
  int64_t bytes = 0;        ///< in the file
  int64_t last_used = 0;    ///< in seconds since 1970
};

/// The folder of the engine cache where no other is named: $XDG_CACHE_HOME/tracejet/engines, else
/// ~/.cache/tracejet/engines.
std::string default_engine_cache_dir();

/// What is in the engine cache of this folder (empty: the default), the latest used first; nothing where the folder
/// isn't there or can't be read.
std::vector<CachedEngine> cached_engines(const std::string& folder = {});

/// Removes all of it, and nothing else that may be in the folder. Gives what there was. Programs that were loaded from
/// it go on working. Throws Error where a file can't be removed.
std::vector<CachedEngine> clear_engine_cache(const std::string& folder = {});

}  // namespace tracejet
