#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <c10/core/Device.h>
#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

namespace tracejet::pt2 {

/// The version of the schema that is written, and the major version that is read (torch/_export/serde/schema.py).
inline constexpr int64_t kSchemaMajor = 8, kSchemaMinor = 20;

/// The entry of a program's archive: "models/model.json" of "models/{}.json".
std::string model_entry(std::string_view format);

// What the schema calls PyTorch's enumerators: numbers of its own. Both ways throw Error for what has no number there.
int64_t number_of(at::ScalarType dtype);
int64_t number_of(at::Layout layout);
int64_t number_of(at::MemoryFormat format);
at::ScalarType dtype_of(int64_t number);
at::Layout layout_of(int64_t number);
at::MemoryFormat memory_format_of(int64_t number);

}  // namespace tracejet::pt2
