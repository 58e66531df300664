#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "engines/engine.h"

namespace tracejet {

/// What engines compiled or loaded in this process, as long as some program uses it. Safe on several threads.
class LiveExecutables {
 public:
  /// That of this process.
  static LiveExecutables& instance();

  /// Null where nobody uses it any more.
  std::shared_ptr<const Executable> find(const std::string& key) const;
  void add(const std::string& key, const std::shared_ptr<const Executable>& executable);

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<const Executable>> known_;
};

}  // namespace tracejet
