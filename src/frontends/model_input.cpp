// Inputs with their dynamic dimensions.
#include "frontends/model_input.h"

#include <set>

#include "base/error.h"
#include "frontends/input_check.h"

namespace tracejet {

bool Dimension::agrees_with(const Dimension& other) const {
  if (!profiles.empty() && !other.profiles.empty() && profiles != other.profiles) return false;
  return min == other.min && opt == other.opt && max == other.max;
}

std::string Dimension::str() const {
  std::string text = "min " + std::to_string(min) + ", opt " + std::to_string(opt) + ", max " + std::to_string(max);
  const char* separator = ", profiles ";
  for (const auto& [low, best, high] : profiles) {
    text += separator + ("(" + std::to_string(low) + ", " + std::to_string(best) + ", " + std::to_string(high) + ")");
    separator = ", ";
  }
  return text;
}

namespace {

/// A profile is chosen for all inputs together, so those that have profiles have equally many.
void check_profile_counts(std::span<const DeclaredInput> inputs) {
  const DeclaredInput* first = nullptr;
  for (const DeclaredInput& input : inputs) {
    if (input.spec.profiles.empty()) continue;
    if (first == nullptr) first = &input;
    const size_t expected = first->spec.profiles.size(), count = input.spec.profiles.size();
    if (count == expected) continue;
    throw InvalidInput(first->path + " has " + std::to_string(expected) + " optimization profiles, " + input.path +
                           " has " + std::to_string(count) + "; expected equally many",
                       ErrorCode::kInputDeclaration);
  }
}

Dimension dimension_of(const Input& spec, size_t axis, std::string name) {
  Dimension dimension{std::move(name), spec.min_shape[axis], spec.opt_shape[axis], spec.max_shape[axis], {}};
  for (const ShapeRange& profile : spec.profiles) {
    dimension.profiles.push_back({profile.min_shape[axis], profile.opt_shape[axis], profile.max_shape[axis]});
  }
  return dimension;
}

class Dimensions {
 public:
  explicit Dimensions(std::span<const DeclaredInput> inputs) {
    for (const DeclaredInput& input : inputs) {
      for (const auto& [axis, name] : input.spec.shared_dims) chosen_.insert(name);
    }
  }

  AxisSize size(const DeclaredInput& input, size_t axis) {
    const Input& spec = input.spec;
    const auto shared = spec.shared_dims.find(static_cast<int64_t>(axis));
    const bool is_static = spec.min_shape[axis] == spec.max_shape[axis], is_shared = shared != spec.shared_dims.end();
    if (is_static && !is_shared) return spec.opt_shape[axis];
    Dimension dimension = dimension_of(spec, axis, is_shared ? shared->second : own_name(input, axis));
    check_agrees(dimension, input.path + ", axis " + std::to_string(axis));
    if (is_static) return spec.opt_shape[axis];
    return dimension;
  }

 private:
  struct Declared {
    Dimension dimension;
    std::string where;
  };

  std::string own_name(const DeclaredInput& input, size_t axis) const {
    std::string name = (input.spec.name.empty() ? input.name : input.spec.name) + "_" + std::to_string(axis);
    while (chosen_.contains(name)) name += "_";  // a shared dimension that happens to be called so is another one
    return name;
  }

  void check_agrees(const Dimension& dimension, const std::string& where) {
    const Declared& first = declared_.try_emplace(dimension.name, Declared{dimension, where}).first->second;
    if (first.dimension.agrees_with(dimension)) return;
    throw InvalidInput("dimension '" + dimension.name + "' is declared twice with different ranges: (" + first.where +
                           ") has " + first.dimension.str() + "; (" + where + ") has " + dimension.str(),
                       ErrorCode::kInputDeclaration);
  }

  std::set<std::string> chosen_;
  std::map<std::string, Declared> declared_;
};

/// `name`, or the first of name_1, name_2, … that isn't taken; it is then.
std::string unique_name(const std::string& name, std::set<std::string>& taken) {
  std::string candidate = name;
  for (int n = 1; !taken.insert(candidate).second; ++n) candidate = name + "_" + std::to_string(n);
  return candidate;
}

}  // namespace

std::vector<std::vector<AxisSize>> name_dimensions(std::span<const DeclaredInput> inputs) {
  check_profile_counts(inputs);
  Dimensions dimensions(inputs);
  std::vector<std::vector<AxisSize>> shapes;
  for (const DeclaredInput& input : inputs) {
    std::vector<AxisSize>& shape = shapes.emplace_back();
    for (size_t axis = 0; axis < input.spec.opt_shape.size(); ++axis) shape.push_back(dimensions.size(input, axis));
  }
  return shapes;
}

std::vector<ModelInput> model_inputs(const std::vector<Input>& inputs) {
  std::set<std::string> taken;
  std::vector<DeclaredInput> declared;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = inputs[i].name.empty() ? "input_" + std::to_string(i) : inputs[i].name;
    const std::string unique = unique_name(name, taken);
    declared.push_back({unique, unique, checked(unique, inputs[i])});
  }
  auto shapes = name_dimensions(declared);
  std::vector<ModelInput> bound;
  for (size_t i = 0; i < declared.size(); ++i) {
    auto& [name, path, spec] = declared[i];
    bound.push_back({std::move(name), std::move(shapes[i]), std::nullopt, spec.format, spec.dtype, spec.device});
  }
  return bound;
}

}  // namespace tracejet
