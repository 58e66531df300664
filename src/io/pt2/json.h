#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace tracejet::pt2 {

/// Keeps the order in which members were added, as torch.export does.
using Json = nlohmann::ordered_json;

/// {key: value}: how the schema writes a union.
inline Json one(const char* key, Json value) {
  Json object = Json::object();
  object.get_ref<Json::object_t&>().emplace_back(key, std::move(value));
  return object;
}

/// Adds a member of a new name. Not operator[], which looks at all others first.
inline void append(Json& object, std::string key, Json value) {
  object.get_ref<Json::object_t&>().emplace_back(std::move(key), std::move(value));
}

/// JSON has no numbers for these three; the schema has words.
inline Json number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

}  // namespace tracejet::pt2
