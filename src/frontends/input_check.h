#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tracejet/input.h>

namespace tracejet {

/// The range that takes in all profiles, of which there is at least one; its opt is the first one's. `places` name them
/// in errors, `here` all of them. Throws InvalidInput where one contradicts itself, or their ranks differ.
ShapeRange envelope(const std::string& here, std::span<const ShapeRange> profiles, std::span<const std::string> places);

/// Throws InvalidInput where there is no dense tensor of numbers of this dtype, or 64 bits don't count its bytes.
void check_memory(const std::string& here, std::span<const int64_t> shape, at::ScalarType dtype);

/// The names of axes, none of them negative. Throws InvalidInput where there is no such axis, or one has two names.
std::map<int64_t, std::string> checked_shared_dims(const std::string& here, size_t rank,
                                                   const std::vector<std::pair<int64_t, std::string>>& shared);

/// The input as a trace takes it: no axis is negative. `here` names it in errors. Throws InvalidInput where it
/// contradicts itself.
Input checked(const std::string& here, Input input);

}  // namespace tracejet
