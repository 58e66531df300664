#include "shapes.h"

#include <algorithm>
#include <charconv>
#include <regex>

#include <tracejet/error.h>

namespace tracejet::command_line {

namespace {

struct NamedDtype {
  std::string_view brief, name;
  at::ScalarType dtype;
};

constexpr NamedDtype kDtypes[] = {
    {"f64", "float64", at::kDouble},
    {"f32", "float32", at::kFloat},
    {"f16", "float16", at::kHalf},
    {"bf16", "bfloat16", at::kBFloat16},
    {"i64", "int64", at::kLong},
    {"i32", "int32", at::kInt},
    {"i16", "int16", at::kShort},
    {"i8", "int8", at::kChar},
    {"u8", "uint8", at::kByte},
    {"bool", "bool", at::kBool},
    {"c64", "complex64", at::kComplexFloat},
    {"c128", "complex128", at::kComplexDouble},
};

constexpr std::pair<std::string_view, c10::MemoryFormat> kFormats[] = {
    {"contiguous", c10::MemoryFormat::Contiguous},      {"nchw", c10::MemoryFormat::Contiguous},
    {"channels_last", c10::MemoryFormat::ChannelsLast}, {"channel_last", c10::MemoryFormat::ChannelsLast},
    {"nhwc", c10::MemoryFormat::ChannelsLast},
};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string quoted(const std::string& text) { return "'" + text + "'"; }

Shape shape_of(const std::string& text, char separator, const std::string& whole) {
  Shape shape;
  if (text.empty() || text == "scalar") return shape;
  std::vector<std::string> parts = split(text, separator);
  if (separator == ',' && parts.size() > 1 && parts.back().empty()) parts.pop_back();  // (3,)
  for (const std::string& part : parts) {
    int64_t size = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), size);
    if (error != std::errc() || end != part.data() + part.size() || size < 0) {
      throw InvalidInput(quoted(whole) + " isn't a shape: expected e.g. x:1x3x224x224");
    }
    shape.push_back(size);
  }
  return shape;
}

c10::MemoryFormat format_of(const std::string& text, const std::string& whole) {
  const auto found = std::ranges::find(kFormats, lower(text), [](const auto& entry) { return entry.first; });
  if (found == std::end(kFormats)) {
    throw InvalidInput(quoted(whole) + ": the formats are contiguous, nchw, channels_last, nhwc");
  }
  return found->second;
}

}  // namespace

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

const Shape* find(const NamedShapes& shapes, const std::string& name) {
  const auto found = std::ranges::find(shapes, name, [](const auto& entry) { return entry.first; });
  return found == shapes.end() ? nullptr : &found->second;
}

NamedShapes read_shapes(const std::string& text) {
  NamedShapes found;
  for (const std::string& part : split(text, ',')) {
    const size_t colon = part.rfind(':');
    const std::string name = colon == std::string::npos ? "" : part.substr(0, colon);
    if (find(found, name) != nullptr) {
      throw InvalidInput(quoted(text) + " gives " + (name.empty() ? "the only input" : name) + " two shapes");
    }
    const std::string shape = colon == std::string::npos ? part : part.substr(colon + 1);
    if (shape.empty()) throw InvalidInput(quoted(part) + " isn't a shape: expected e.g. x:1x3x224x224");
    found.emplace_back(name, shape_of(shape, 'x', part));
  }
  return found;
}

InputSpec read_spec(const std::string& text) {
  static const std::regex form(R"(^(?:(\w+):)?(\([\d,]*\)|\[[\d,();]*\])(?:@(\w+))?(?:%(\w+))?$)");
  std::string packed = text;
  std::erase(packed, ' ');
  constexpr size_t kLongest = 2000;  // std::regex takes a stack as deep as a text is long
  std::smatch match;
  if (packed.size() > kLongest || !std::regex_match(packed, match, form)) {
    throw InvalidInput(quoted(text.substr(0, kLongest)) +
                       " isn't an input: expected e.g. (1,3,224,224) or x:[(1,3);(8,3);(16,3)]@f16%NHWC");
  }
  InputSpec spec;
  spec.name = match[1];
  const std::string inner = match[2];
  const bool is_range = inner.starts_with('[');
  const auto several = is_range ? split(inner.substr(1, inner.size() - 2), ';') : std::vector{inner};
  if (several.size() != 1 && several.size() != 3) {
    throw InvalidInput(quoted(text) + " has " + std::to_string(several.size()) +
                       " shapes: expected one, or [(least);(usual);(greatest)]");
  }
  for (const std::string& shape : several) {
    if (shape.size() < 2 || shape.front() != '(' || shape.back() != ')') {
      throw InvalidInput(quoted(text) + " isn't an input: " + quoted(shape) + " isn't a shape like (1,3,224,224)");
    }
    spec.shapes.push_back(shape_of(shape.substr(1, shape.size() - 2), ',', text));
  }
  if (match[3].matched) spec.dtype = read_dtype(match[3]);
  if (match[4].matched) spec.format = format_of(match[4], text);
  return spec;
}

at::ScalarType read_dtype(const std::string& text) {
  const std::string name = lower(text.starts_with("torch.") ? text.substr(6) : text);
  const auto found =
      std::ranges::find_if(kDtypes, [&](const NamedDtype& known) { return known.brief == name || known.name == name; });
  if (found != std::end(kDtypes)) return found->dtype;
  std::string names;
  for (const NamedDtype& known : kDtypes) names += (names.empty() ? "" : ", ") + std::string(known.brief);
  throw InvalidInput(quoted(text) + " isn't a dtype: expected one of " + names + ", or PyTorch's names");
}

std::vector<std::pair<std::string, std::string>> read_pairs(const std::string& text, const std::string& example) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& part : split(text, ',')) {
    const size_t colon = part.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == part.size()) {
      throw InvalidInput(quoted(text) + ": expected e.g. " + example);
    }
    pairs.emplace_back(part.substr(0, colon), part.substr(colon + 1));
  }
  return pairs;
}

}  // namespace tracejet::command_line
