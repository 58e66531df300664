#include "compile/saved/settings_json.h"

#include <limits>

#include "compile/settings.h"
#include "io/pt2/schema.h"

namespace tracejet {

namespace {

using pt2::Field;
using pt2::Json;

/// A file says nothing of the caches of whoever opens it.
bool is_kept(const Setting& setting) { return setting.name.find("cache") == std::string_view::npos; }

struct ToJson {
  Json operator()(const EngineChoice& choice) const {
    Json json = pt2::one("names", choice.names());
    pt2::append(json, "may_split", choice.may_split());
    return json;
  }
  Json operator()(at::ScalarType dtype) const { return pt2::number_of(dtype); }
  template <typename Value>
  Json operator()(const Value& value) const {
    if constexpr (std::is_constructible_v<Json, const Value&>) return value;
    return nullptr;
  }
};

struct FromJson {
  const Field& json;

  void set(bool& field) const { field = json.boolean(); }
  void set(int& field) const {
    const int64_t number = json.integer();
    if (number != static_cast<int>(number)) json.fail("expected a smaller number");
    field = static_cast<int>(number);
  }
  void set(int64_t& field) const { field = json.integer(); }
  void set(std::string& field) const { field = json.string(); }
  void set(at::ScalarType& field) const {
    field = json.located([&] { return pt2::dtype_of(json.integer()); });
  }
  void set(std::vector<std::string>& field) const {
    field.clear();
    json.for_each([&](const Field& name) { field.push_back(name.string()); });
  }
  void set(EngineChoice& field) const {
    std::vector<std::string> names;
    FromJson{json["names"]}.set(names);
    if (names.empty()) json.fail("expected an engine");
    const bool may_split = json["may_split"].boolean();
    field = may_split && names.front() != "auto" ? EngineChoice(std::move(names)) : EngineChoice(names.front());
  }
  template <typename Value>
  void set(Value&) const {}  // a setting that no file can hold
};

}  // namespace

Json settings_to_json(const CompileSettings& settings) {
  Json json = Json::object();
  for (const Setting& setting : settings_table()) {
    if (!is_kept(setting)) continue;
    pt2::append(json, std::string(setting.name),
                std::visit([&](auto field) { return ToJson()(settings.*field); }, setting.field));
  }
  return json;
}

CompileSettings settings_from_json(const Field& json) {
  CompileSettings settings;
  for (const Setting& setting : settings_table()) {
    const std::string name(setting.name);
    if (!is_kept(setting) || !json.has(name.c_str())) continue;
    const Field value = json[name.c_str()];
    std::visit([&](auto field) { FromJson{value}.set(settings.*field); }, setting.field);
  }
  return settings;
}

}  // namespace tracejet
