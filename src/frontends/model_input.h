#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <tracejet/input.h>

namespace tracejet {

/// A dynamic axis. Axes with the same name are one symbol.
struct Dimension {
  std::string name;
  int64_t min = 0;
  int64_t opt = 0;
  int64_t max = 0;
  std::vector<std::array<int64_t, 3>> profiles;  ///< (min, opt, max) in each optimization profile, if there are any

  bool operator==(const Dimension&) const = default;
  /// Whether both say the same; an Input without profiles leaves them to the others.
  bool agrees_with(const Dimension& other) const;
  /// "min 1, opt 4, max 8"
  std::string str() const;
};

using AxisSize = std::variant<int64_t, Dimension>;

/// One flat input of a model, as a trace takes it.
struct ModelInput {
  std::string name;                             ///< unique, an identifier: "x", "cache_0_key"
  std::optional<std::vector<AxisSize>> shape;   ///< none: a literal (a number, a string), which no graph computes with
  std::optional<std::vector<int64_t>> strides;  ///< of an example tensor; else it is dense in `format`
  c10::MemoryFormat format = c10::MemoryFormat::Contiguous;
  at::ScalarType dtype = at::kFloat;
  c10::Device device = c10::Device(c10::kCPU);
};

/// An Input that somebody declares, checked.
struct DeclaredInput {
  std::string name;  ///< of the ModelInput
  std::string path;  ///< how the caller reaches it: "cache[0]['key']"
  Input spec;
};

/// The shape of each input, its dynamic axes named: as `shared_dims` says, else after the input. Throws InvalidInput
/// where axes of one name disagree, or where inputs have different numbers of profiles.
std::vector<std::vector<AxisSize>> name_dimensions(std::span<const DeclaredInput> inputs);

/// What C++ code declares: its names made unique, its dimensions named. Throws InvalidInput where an Input contradicts
/// itself or another one.
std::vector<ModelInput> model_inputs(const std::vector<Input>& inputs);

}  // namespace tracejet
