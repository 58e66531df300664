#pragma once

#include "io/pt2/json.h"
#include "io/pt2/json_reader.h"
#include "tracejet/compile.h"

namespace tracejet {

/// The settings that go into a file: all but those that are about this machine.
pt2::Json settings_to_json(const CompileSettings& settings);

/// Back again. Settings that this version doesn't know are left out. Throws Error where a value is invalid.
CompileSettings settings_from_json(const pt2::Field& json);

}  // namespace tracejet
