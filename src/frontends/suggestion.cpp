// What to declare instead, where sizes can't vary as declared.
#include "frontends/suggestion.h"

#include <algorithm>
#include <set>

namespace tracejet {

namespace {

/// All dimensions of the inputs, by name. Of axes that share one, some may leave its profiles to others.
std::map<std::string, Dimension> declared_dimensions(std::span<const ModelInput> inputs) {
  std::map<std::string, Dimension> dimensions;
  for (const ModelInput& input : inputs) {
    for (const AxisSize& size : input.shape.value_or(std::vector<AxisSize>())) {
      const auto* dimension = std::get_if<Dimension>(&size);
      if (dimension == nullptr) continue;
      Dimension& known = dimensions.try_emplace(dimension->name, *dimension).first->second;
      if (known.profiles.empty()) known.profiles = dimension->profiles;
    }
  }
  return dimensions;
}

/// The opt size of dimensions that have to be equal: the one that all of them say; of one with profiles, the first
/// profile's.
int64_t common_opt(const std::vector<const Dimension*>& group, int64_t traced) {
  std::set<int64_t> wanted;
  for (const Dimension* dimension : group) {
    if (!dimension->profiles.empty()) return dimension->opt;
    wanted.insert(dimension->opt);
  }
  return wanted.size() == 1 ? *wanted.begin() : traced;
}

}  // namespace

SuggestedDimensions suggested_dimensions(const symbolic::Diagnosis& diagnosis, std::span<const ModelInput> inputs) {
  const auto declared = declared_dimensions(inputs);
  std::map<std::string, std::vector<const Dimension*>> groups;  // by the first of those that have to be equal
  SuggestedDimensions suggested;
  for (const auto& [symbol, range, same_as] : diagnosis.corrections) {
    const std::string& first = diagnosis.corrections[same_as].symbol.name;
    suggested[symbol.name] = {range.min, symbol.hint, range.max, symbol.hint, first, false};
    if (const auto found = declared.find(symbol.name); found != declared.end()) {
      groups[first].push_back(&found->second);
    }
  }
  for (auto& [name, dimension] : suggested) {
    const auto& group = groups[dimension.same_as];
    if (group.empty()) continue;
    const int64_t opt = common_opt(group, suggested.at(dimension.same_as).traced);
    dimension.opt = std::min(std::max(opt, dimension.min), dimension.max);
    dimension.is_joined = group.size() > 1;
  }
  return suggested;
}

std::optional<Input> suggested_input(const Input& checked, std::span<const AxisSize> shape,
                                     const SuggestedDimensions& dimensions) {
  Input input = checked;
  bool is_changed = false;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const auto* dimension = std::get_if<Dimension>(&shape[axis]);
    if (dimension == nullptr) continue;
    const SuggestedDimension& now = dimensions.at(dimension->name);
    is_changed |= now.is_joined || now.min != dimension->min || now.max != dimension->max;
    input.min_shape[axis] = now.min;
    input.opt_shape[axis] = now.opt;
    input.max_shape[axis] = now.max;
    if (now.is_joined) input.shared_dims[static_cast<int64_t>(axis)] = now.same_as;
    for (ShapeRange& profile : input.profiles) {
      for (auto* sizes : {&profile.min_shape, &profile.opt_shape, &profile.max_shape}) {
        (*sizes)[axis] = std::min(std::max((*sizes)[axis], now.min), now.max);
      }
    }
  }
  return is_changed ? std::optional(std::move(input)) : std::nullopt;
}

}  // namespace tracejet
