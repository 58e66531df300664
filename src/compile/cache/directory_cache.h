#pragma once

#include <optional>
#include <string>

#include "base/shared_bytes.h"
#include "tracejet/engine_cache.h"

namespace tracejet {

/// An engine cache in a folder, a file for each entry. Several processes may use it at once: files appear and vanish as
/// a whole, and one process at a time changes the folder. Beyond its size, what was used longest ago goes first.
class DirectoryCache final : public EngineCache {
 public:
  /// An empty folder is the default one. It is made as soon as something is kept in it.
  DirectoryCache(std::string folder, int64_t size);

  void insert(const std::string& key, std::string_view entry) override;
  std::optional<std::string> check(const std::string& key) override;
  /// As check(), without a copy: the file is mapped, and stays where it is while somebody holds that, even when the
  /// cache has removed or replaced it meanwhile.
  std::optional<SharedBytes> mapped(const std::string& key);

  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  int64_t size_;
};

}  // namespace tracejet
