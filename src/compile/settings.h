#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tracejet/compile.h"

namespace tracejet {

/// What is known of one of CompileSettings' fields. Python's keywords and their documentation are made of this.
struct Setting {
  using Field =
      std::variant<bool CompileSettings::*, int CompileSettings::*, int64_t CompileSettings::*,
                   std::string CompileSettings::*, at::ScalarType CompileSettings::*, EngineChoice CompileSettings::*,
                   std::vector<std::string> CompileSettings::*, CustomEngineCache CompileSettings::*>;
  std::string_view name;
  Field field;
  std::string_view doc;
  /// Whether what an engine compiles depends on it, and not only what it is given to compile.
  bool engines_depend;
};

/// All of them, in the struct's order.
std::span<const Setting> settings_table();

/// Throws InvalidInput where a value is invalid, whatever the program.
void check_settings(const CompileSettings& settings);

/// Throws InvalidInput where a setting is one engine's own, and it isn't among these.
void check_own_settings(const CompileSettings& settings, const std::vector<std::string>& engines);

}  // namespace tracejet
