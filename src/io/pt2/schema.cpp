#include "io/pt2/schema.h"

#include <algorithm>
#include <sstream>

#include "base/error.h"

namespace tracejet::pt2 {

namespace {

template <typename Enum>
struct Numbered {
  Enum value;
  int64_t number;
};

constexpr Numbered<at::ScalarType> kDtypes[] = {
    {at::kByte, 1},
    {at::kChar, 2},
    {at::kShort, 3},
    {at::kInt, 4},
    {at::kLong, 5},
    {at::kHalf, 6},
    {at::kFloat, 7},
    {at::kDouble, 8},
    {at::kComplexHalf, 9},
    {at::kComplexFloat, 10},
    {at::kComplexDouble, 11},
    {at::kBool, 12},
    {at::kBFloat16, 13},
    {at::kUInt16, 28},
    {at::kFloat8_e4m3fn, 29},
    {at::kFloat8_e5m2, 30},
    {at::kFloat8_e4m3fnuz, 31},
    {at::kFloat8_e5m2fnuz, 32},
    {at::kFloat8_e8m0fnu, 33},
    {at::kUInt32, 34},
    {at::kUInt64, 35},
};

constexpr Numbered<at::Layout> kLayouts[] = {
    {at::kSparse, 1},    {at::kSparseCsr, 2}, {at::kSparseCsc, 3}, {at::kSparseBsr, 4},
    {at::kSparseBsc, 5}, {at::kMkldnn, 6},    {at::kStrided, 7},
};

constexpr Numbered<at::MemoryFormat> kMemoryFormats[] = {
    {at::MemoryFormat::Contiguous, 1},
    {at::MemoryFormat::ChannelsLast, 2},
    {at::MemoryFormat::ChannelsLast3d, 3},
    {at::MemoryFormat::Preserve, 4},
};

template <typename Enum, size_t N>
int64_t find_number(const Numbered<Enum> (&table)[N], Enum value, const char* what) {
  const auto found = std::ranges::find(table, value, &Numbered<Enum>::value);
  if (found != std::end(table)) return found->number;
  std::ostringstream text;
  text << "a .pt2 file has no number for the " << what << ' ' << value;
  throw Error(text.str(), ErrorCode::kUnreadableFile);
}

template <typename Enum, size_t N>
Enum find_value(const Numbered<Enum> (&table)[N], int64_t number, const char* what) {
  const auto found = std::ranges::find(table, number, &Numbered<Enum>::number);
  if (found != std::end(table)) return found->value;
  throw Error(std::to_string(number) + " is no " + what + " of the schema", ErrorCode::kUnreadableFile);
}

}  // namespace

std::string model_entry(std::string_view format) {
  std::string name(format);
  return name.replace(name.find("{}"), 2, "model");
}

int64_t number_of(at::ScalarType dtype) { return find_number(kDtypes, dtype, "dtype"); }
int64_t number_of(at::Layout layout) { return find_number(kLayouts, layout, "layout"); }
int64_t number_of(at::MemoryFormat format) { return find_number(kMemoryFormats, format, "memory format"); }

at::ScalarType dtype_of(int64_t number) { return find_value(kDtypes, number, "dtype"); }
at::Layout layout_of(int64_t number) { return find_value(kLayouts, number, "layout"); }
at::MemoryFormat memory_format_of(int64_t number) { return find_value(kMemoryFormats, number, "memory format"); }

}  // namespace tracejet::pt2
