#include "compile/cache/entry.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/hash.h"

namespace tracejet {

namespace {

using Json = nlohmann::json;

// An entry is three lines and what was compiled: this one, a checksum of all behind it, what it is about.
constexpr std::string_view kMagic = "tracejet engine cache 1\n";
constexpr size_t kChecksum = 32;
constexpr size_t kHead = kMagic.size() + kChecksum + 1;
constexpr size_t kAlignment = 64;  // what engines like of weights that they use where they are

std::string head_of(std::string_view description, std::string_view serialized) {
  Hasher hasher;
  hasher.bytes(description.data(), description.size());
  hasher.bytes(serialized.data(), serialized.size());
  return std::string(kMagic) + hasher.hex() + "\n";
}

std::string description(const CacheEntry& entry) {
  Json refused = Json::array();
  for (const auto& [node, reason] : entry.refused) refused.push_back({node, reason});
  const Json all = {{"key", entry.key},         {"engine", entry.engine}, {"fingerprint", entry.fingerprint},
                    {"version", entry.version}, {"nodes", entry.nodes},   {"refused", refused}};
  std::string text = all.dump(-1, ' ', false, Json::error_handler_t::replace);
  while ((kHead + text.size() + 1) % kAlignment != 0) text += ' ';
  return text + "\n";
}

/// What is described behind the checksum, and where that ends.
std::optional<std::pair<CacheEntry, size_t>> parsed(std::string_view bytes) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kHead) return std::nullopt;
  const size_t end = bytes.find('\n', kHead);
  if (end == std::string_view::npos) return std::nullopt;
  const Json all = Json::parse(bytes.substr(kHead, end - kHead), nullptr, /*allow_exceptions=*/false);
  if (all.is_discarded()) return std::nullopt;
  try {
    CacheEntry entry{
        all.at("key"), all.at("engine"), all.at("fingerprint"), all.at("version"), all.at("nodes"), {}, {}};
    for (const Json& pair : all.at("refused")) entry.refused.push_back({pair.at(0), pair.at(1)});
    return std::pair(std::move(entry), end + 1);
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::string encoded(const CacheEntry& entry) {
  const std::string text = description(entry);
  const std::string_view serialized = entry.serialized.view();
  std::string bytes = head_of(text, serialized);
  bytes.reserve(bytes.size() + text.size() + serialized.size());
  return bytes.append(text).append(serialized);
}

std::optional<CacheEntry> decoded(const SharedBytes& bytes) {
  const std::string_view all = bytes.view();
  if (all.size() < kHead || all.substr(0, kHead) != head_of({}, all.substr(kHead))) return std::nullopt;
  auto found = parsed(all);
  if (!found) return std::nullopt;
  found->first.serialized = bytes.from(found->second);
  return std::move(found->first);
}

std::optional<CacheEntry> described_by(std::string_view beginning) {
  auto found = parsed(beginning);
  return found ? std::optional(std::move(found->first)) : std::nullopt;
}

}  // namespace tracejet
