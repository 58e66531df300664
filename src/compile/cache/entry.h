#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"

namespace tracejet {

/// A node that an engine refuses, by its number among all nodes of the graph.
struct RefusedNumber {
  size_t node;
  std::string reason;
};

/// What an engine made of a graph, as caches keep it.
struct CacheEntry {
  std::string key, engine, fingerprint, version;
  int64_t nodes = 0;
  /// What the engine refuses; where that is anything, or where nothing but that was asked, there is nothing compiled.
  std::vector<RefusedNumber> refused;
  /// What was compiled, see Executable::serialize(): hundreds of MiB, which are left where they are.
  SharedBytes serialized;
};

/// With a checksum, and a first part that people can read. What was compiled begins at a multiple of 64 bytes.
std::string encoded(const CacheEntry& entry);

/// nullopt where a bit is wrong.
std::optional<CacheEntry> decoded(const SharedBytes& bytes);

/// What an entry is about, from its beginning, unchecked and without what was compiled; nullopt where that is no entry.
std::optional<CacheEntry> described_by(std::string_view beginning);

/// How much of an entry described_by() needs, as a rule.
inline constexpr size_t kEntryBeginning = size_t{1} << 20;

}  // namespace tracejet
