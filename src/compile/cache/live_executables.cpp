#include "compile/cache/live_executables.h"

namespace tracejet {

LiveExecutables& LiveExecutables::instance() {
  static LiveExecutables executables;
  return executables;
}

std::shared_ptr<const Executable> LiveExecutables::find(const std::string& key) const {
  const std::scoped_lock lock(mutex_);
  const auto found = known_.find(key);
  return found == known_.end() ? nullptr : found->second.lock();
}

void LiveExecutables::add(const std::string& key, const std::shared_ptr<const Executable>& executable) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(known_, [](const auto& each) { return each.second.expired(); });
  known_.insert_or_assign(key, executable);
}

}  // namespace tracejet
