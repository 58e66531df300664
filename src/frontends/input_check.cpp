// What an Input says of its shape, checked.
#include "frontends/input_check.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/identifier.h"

namespace tracejet {

namespace {

using Shape = std::vector<int64_t>;

void check_sizes(const std::string& here, const char* which, const Shape& shape) {
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] >= 0) continue;
    throw InvalidInput(here + ": axis " + std::to_string(axis) + " of " + which + " is " + std::to_string(shape[axis]) +
                           "; expected an integer >= 0",
                       ErrorCode::kInputDeclaration);
  }
}

std::string span_of(int64_t low, int64_t high) {
  return low == high ? std::to_string(low) : std::to_string(low) + " to " + std::to_string(high);
}

void check_range(const std::string& here, const ShapeRange& range) {
  const auto& [low, opt, high] = range;
  check_sizes(here, "min_shape", low);
  check_sizes(here, "opt_shape", opt);
  check_sizes(here, "max_shape", high);
  if (low.size() != opt.size() || opt.size() != high.size()) {
    throw InvalidInput(here + ": min_shape, opt_shape and max_shape have ranks " + std::to_string(low.size()) + ", " +
                           std::to_string(opt.size()) + " and " + std::to_string(high.size()) +
                           "; expected equal ranks",
                       ErrorCode::kInputDeclaration);
  }
  for (size_t axis = 0; axis < low.size(); ++axis) {
    const std::string of_axis = here + ": axis " + std::to_string(axis) + " has ";
    if (low[axis] > high[axis]) {
      throw InvalidInput(of_axis + "min " + std::to_string(low[axis]) + " and max " + std::to_string(high[axis]) +
                             "; expected min <= max",
                         ErrorCode::kInputDeclaration);
    }
    if (opt[axis] < low[axis] || opt[axis] > high[axis]) {
      throw InvalidInput(of_axis + "opt " + std::to_string(opt[axis]) + "; expected " + span_of(low[axis], high[axis]),
                         ErrorCode::kInputDeclaration);
    }
  }
}

/// Tensors that a trace and engines know: dense ones, of numbers.
void check_dtype(const std::string& here, at::ScalarType dtype) {
  const bool is_number =
      at::isIntegralType(dtype, /*includeBool=*/true) || at::isFloatingType(dtype) || at::isComplexType(dtype);
  if (is_number) return;
  throw InvalidInput(here + ": its dtype is " + at::toString(dtype) +
                         "; expected floating-point or complex numbers, "
                         "integers, or bool",
                     ErrorCode::kInputDeclaration);
}

/// Whether a tensor of this shape can be: its bytes are counted in 64 bits, of an empty one as if it had an element.
void check_bytes(const std::string& here, std::span<const int64_t> shape, at::ScalarType dtype) {
  auto bytes = static_cast<int64_t>(c10::elementSize(dtype));
  for (const int64_t size : shape) {
    if (!__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes)) continue;
    throw InvalidInput(
        here + ": " + c10::str(at::IntArrayRef(shape.data(), shape.size())) + " is more than 64 bits count bytes of",
        ErrorCode::kInputDeclaration);
  }
}

void check_format(const std::string& here, c10::MemoryFormat format, size_t rank) {
  if (format == c10::MemoryFormat::Contiguous) return;
  const bool is_2d = format == c10::MemoryFormat::ChannelsLast;
  if (!is_2d && format != c10::MemoryFormat::ChannelsLast3d) {
    throw InvalidInput(here + ": format must be Contiguous, ChannelsLast or ChannelsLast3d",
                       ErrorCode::kInputDeclaration);
  }
  const size_t needed = is_2d ? 4 : 5;
  if (rank == needed) return;
  throw InvalidInput(here + ": format " + (is_2d ? "ChannelsLast" : "ChannelsLast3d") + " needs rank " +
                         std::to_string(needed) + ", got rank " + std::to_string(rank),
                     ErrorCode::kInputDeclaration);
}

std::vector<std::string> places_of_profiles(const std::string& here, size_t count) {
  std::vector<std::string> places;
  for (size_t i = 0; i < count; ++i) places.push_back(here + ": profiles[" + std::to_string(i) + "]");
  return places;
}

ShapeRange range_of(const Input& input) { return {input.min_shape, input.opt_shape, input.max_shape}; }

}  // namespace

ShapeRange envelope(const std::string& here, std::span<const ShapeRange> profiles,
                    std::span<const std::string> places) {
  std::set<size_t> ranks;
  for (size_t i = 0; i < profiles.size(); ++i) {
    check_range(places[i], profiles[i]);
    ranks.insert(profiles[i].opt_shape.size());
  }
  if (ranks.size() > 1) {
    std::string list;
    for (const size_t rank : ranks) list += (list.empty() ? "" : ", ") + std::to_string(rank);
    throw InvalidInput(here + ": the profiles have ranks " + list + "; expected equal ranks",
                       ErrorCode::kInputDeclaration);
  }
  ShapeRange all = profiles.front();
  for (const ShapeRange& profile : profiles.subspan(1)) {
    for (size_t axis = 0; axis < all.opt_shape.size(); ++axis) {
      all.min_shape[axis] = std::min(all.min_shape[axis], profile.min_shape[axis]);
      all.max_shape[axis] = std::max(all.max_shape[axis], profile.max_shape[axis]);
    }
  }
  return all;
}

void check_memory(const std::string& here, std::span<const int64_t> shape, at::ScalarType dtype) {
  check_dtype(here, dtype);
  check_bytes(here, shape, dtype);
}

std::map<int64_t, std::string> checked_shared_dims(const std::string& here, size_t rank,
                                                   const std::vector<std::pair<int64_t, std::string>>& shared) {
  const auto axes = static_cast<int64_t>(rank);
  std::map<int64_t, std::string> dimensions;
  for (const auto& [given, dimension] : shared) {
    if (given < -axes || given >= axes) {
      throw InvalidInput(here + ": shared_dims names axis " + std::to_string(given) + ", but the shape has " +
                             std::to_string(axes) + " axes (0 to " + std::to_string(axes - 1) + ")",
                         ErrorCode::kInputDeclaration);
    }
    if (!is_identifier(dimension)) {
      throw InvalidInput(here + ": shared_dims[" + std::to_string(given) +
                             "] must be an identifier like 'batch', got '" + dimension + "'",
                         ErrorCode::kInputDeclaration);
    }
    const int64_t axis = given < 0 ? given + axes : given;
    const auto& name = dimensions.try_emplace(axis, dimension).first->second;
    if (name != dimension) {
      throw InvalidInput(here + ": shared_dims gives axis " + std::to_string(axis) + " two names, '" + name +
                             "' and '" + dimension + "'",
                         ErrorCode::kInputDeclaration);
    }
  }
  return dimensions;
}

Input checked(const std::string& here, Input input) {
  if (!input.name.empty() && !is_identifier(input.name)) {
    throw InvalidInput("Input: name must be an identifier like 'x', got '" + input.name + "'",
                       ErrorCode::kInputDeclaration);
  }
  check_range(here, range_of(input));
  if (!input.profiles.empty()) {
    const auto places = places_of_profiles(here, input.profiles.size());
    if (envelope(here, input.profiles, places) != range_of(input)) {
      throw InvalidInput(here +
                             ": min_shape, opt_shape and max_shape aren't the range that takes in its profiles, "
                             "with the first one's opt; make it by Input::with_profiles()",
                         ErrorCode::kInputDeclaration);
    }
  }
  check_memory(here, input.opt_shape, input.dtype);
  const size_t rank = input.opt_shape.size();
  check_format(here, input.format, rank);
  input.shared_dims = checked_shared_dims(here, rank, {input.shared_dims.begin(), input.shared_dims.end()});
  return input;
}

Input Input::fixed(std::vector<int64_t> shape, at::ScalarType dtype, std::string name) {
  return dynamic(shape, shape, shape, dtype, std::move(name));
}

Input Input::dynamic(std::vector<int64_t> min_shape, std::vector<int64_t> opt_shape, std::vector<int64_t> max_shape,
                     at::ScalarType dtype, std::string name) {
  Input input;
  input.min_shape = std::move(min_shape);
  input.opt_shape = std::move(opt_shape);
  input.max_shape = std::move(max_shape);
  input.dtype = dtype;
  input.name = std::move(name);
  return input;
}

Input Input::with_profiles(std::vector<ShapeRange> profiles, at::ScalarType dtype, std::string name) {
  const std::string here = name.empty() ? "Input" : "Input '" + name + "'";
  if (profiles.empty())
    throw InvalidInput(here + ": profiles must have at least one range", ErrorCode::kInputDeclaration);
  ShapeRange all = envelope(here, profiles, places_of_profiles(here, profiles.size()));
  Input input =
      dynamic(std::move(all.min_shape), std::move(all.opt_shape), std::move(all.max_shape), dtype, std::move(name));
  input.profiles = std::move(profiles);
  return input;
}

}  // namespace tracejet
