#pragma once

#include <list>
#include <optional>
#include <utility>

namespace tracejet {

/// A few entries by key, those that were asked for last.
template <typename Key, typename Value>
class Recent {
 public:
  explicit Recent(size_t most) : most_(most) {}

  /// Null where there is none.
  Value* find(const Key& key) {
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->first != key) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return &entry->second;
    }
    return nullptr;
  }

  /// Gives what has to go for it.
  std::optional<Value> add(Key key, Value value) {
    entries_.emplace_front(std::move(key), std::move(value));
    if (entries_.size() <= most_) return std::nullopt;
    std::optional<Value> oldest(std::move(entries_.back().second));
    entries_.pop_back();
    return oldest;
  }

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  void clear() { entries_.clear(); }

 private:
  size_t most_;
  std::list<std::pair<Key, Value>> entries_;
};

}  // namespace tracejet
