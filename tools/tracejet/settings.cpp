#include "settings.h"

#include <algorithm>

#include "answer.h"
#include "compile/settings.h"
#include "shapes.h"
#include <tracejet/error.h>

namespace tracejet::command_line {

namespace {

/// Sets a field to what JSON says; false where that is of another type.
struct Assign {
  const Json& value;

  bool operator()(bool& field) const {
    if (value.is_boolean()) field = value;
    return value.is_boolean();
  }
  bool operator()(int& field) const {
    if (!value.is_number_integer() || value.get<int64_t>() != value.get<int>()) return false;
    field = value;
    return true;
  }
  bool operator()(int64_t& field) const {
    if (value.is_number_integer()) field = value;
    return value.is_number_integer();
  }
  bool operator()(std::string& field) const {
    if (value.is_string()) field = value;
    return value.is_string();
  }
  bool operator()(std::vector<std::string>& field) const {
    if (!value.is_array() || !std::ranges::all_of(value, [](const Json& item) { return item.is_string(); }))
      return false;
    field = value;
    return true;
  }
  bool operator()(at::ScalarType& field) const {
    if (value.is_string()) field = read_dtype(value);
    return value.is_string();
  }
  bool operator()(EngineChoice& field) const {
    std::vector<std::string> names;
    if (!(*this)(names)) return false;
    field = EngineChoice(std::move(names));
    return true;
  }
  bool operator()(CustomEngineCache& /*field*/) const { return false; }
};

/// `name=value`, the value as JSON, or a string as it is.
void set(CompileSettings& settings, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) throw InvalidInput("--set '" + text + "': expected name=value");
  const std::string name = text.substr(0, equals), written = text.substr(equals + 1);
  const auto known = std::ranges::find(settings_table(), name, &Setting::name);
  if (known == settings_table().end()) {
    std::string names;
    for (const Setting& setting : settings_table()) names += (names.empty() ? "" : ", ") + std::string(setting.name);
    throw InvalidInput("--set '" + text + "': there is no such setting; there are " + names);
  }
  Json value = Json::parse(written, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) value = written;
  const bool is_set = std::visit([&](auto field) { return Assign{value}(settings.*field); }, known->field);
  if (!is_set) throw InvalidInput("--set '" + text + "': this setting doesn't take such a value");
}

}  // namespace

void SettingOptions::add_to(CLI::App& command, bool has_engine) {
  if (has_engine) {
    command
        .add_option("--engine", engines_,
                    "One of `engines`, for the whole program; repeated, it is split between these, in their order.")
        ->allow_extra_args(false);
  }
  command.add_option("--precision", precision_, "What float32 may be computed in: float32, float16 or bfloat16.");
  command.add_option("--threads", threads_, "How many threads a call may use.");
  command.add_option("--cache-dir", cache_dir_, "Where the engine keeps compiled kernels.");
  command.add_option("--set", others_, "Another setting of tracejet::compile: name=value, as JSON. May be repeated.")
      ->allow_extra_args(false);
}

bool SettingOptions::is_empty() const {
  return engines_.empty() && others_.empty() && precision_.empty() && cache_dir_.empty() && threads_ == 0;
}

CompileSettings SettingOptions::settings() const {
  CompileSettings settings;
  if (engines_.size() == 1) settings.engine = engines_.front();
  if (engines_.size() > 1) settings.engine = engines_;
  if (!precision_.empty()) settings.precision = read_dtype(precision_);
  settings.threads = threads_;
  settings.cache_dir = cache_dir_;
  for (const std::string& other : others_) set(settings, other);
  return settings;
}

}  // namespace tracejet::command_line
