#include "inputs.h"

#include <algorithm>
#include <map>

#include <tracejet/error.h>

namespace tracejet::command_line {

namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

const std::string& parameter_at(const std::vector<std::string>& parameters, size_t index) {
  if (index < parameters.size()) return parameters[index];
  throw InvalidInput("the model takes " + std::to_string(parameters.size()) + " inputs: " + listed(parameters));
}

/// `batch=x:0,y:0` as the axes of each input: {x: {0: batch}, y: {0: batch}}.
void read_shared(const std::string& text, std::map<std::string, std::map<int64_t, std::string>>& axes) {
  const size_t equals = text.find('=');
  const std::string example = "batch=x:0,y:0";
  const auto fail = [&] { throw InvalidInput("'" + text + "': expected a dimension and its axes, e.g. " + example); };
  if (equals == std::string::npos || equals == 0) fail();
  for (const auto& [input, axis] : read_pairs(text.substr(equals + 1), example)) {
    if (!std::ranges::all_of(axis, [](unsigned char c) { return std::isdigit(c) != 0; }) || axis.size() > 3) fail();
    axes[input][std::stoll(axis)] = text.substr(0, equals);
  }
}

}  // namespace

void InputOptions::add_to(CLI::App& command) {
  command.add_option("-i,--input", specs_, "An input as torchtrtc writes it: x:[(1,3);(8,3);(16,3)]@f16%NHWC.")
      ->allow_extra_args(false);
  command.add_option("--shapes", shapes_, "Static shapes as trtexec writes them: x:1x3x224x224,y:1x10.");
  command.add_option("--min-shapes,--minShapes", least_, "The least shapes of dynamic inputs.");
  command.add_option("--opt-shapes,--optShapes", usual_, "Their usual shapes.");
  command.add_option("--max-shapes,--maxShapes", greatest_, "Their greatest shapes.");
  command.add_option("--dtypes", dtypes_, "Dtypes other than float32: ids:int64,mask:bool.");
  command.add_option("--shared-dims", shared_, "Axes that always have one size: batch=x:0,y:0. May be repeated.")
      ->allow_extra_args(false);
}

bool InputOptions::says_more_than_shapes() const {
  return !specs_.empty() || !shared_.empty() || !least_.empty() || !usual_.empty() || !greatest_.empty() ||
         !dtypes_.empty();
}

bool InputOptions::is_empty() const { return shapes_.empty() && !says_more_than_shapes(); }

std::vector<Input> InputOptions::inputs(const std::vector<std::string>& parameters) const {
  std::map<std::string, InputSpec> found;
  for (size_t i = 0; i < specs_.size(); ++i) {
    InputSpec spec = read_spec(specs_[i]);
    const std::string name = spec.name.empty() ? parameter_at(parameters, i) : spec.name;
    found[name] = std::move(spec);
  }
  const auto add = [&](const std::string& text, size_t count) {
    if (text.empty()) return;
    for (const auto& [given, shape] : read_shapes(text)) {
      const std::string& name = given.empty() ? parameter_at(parameters, 0) : given;
      auto& shapes = found[name].shapes;
      if (shapes.size() != count) {
        throw InvalidInput(name + ": expected one shape, or each of --min-shapes, --opt-shapes and --max-shapes");
      }
      shapes.push_back(shape);
    }
  };
  add(shapes_, 0);
  add(least_, 0);
  add(usual_, 1);
  add(greatest_, 2);
  std::map<std::string, at::ScalarType> dtypes;
  if (!dtypes_.empty()) {
    for (const auto& [name, dtype] : read_pairs(dtypes_, "ids:int64")) dtypes[name] = read_dtype(dtype);
  }
  std::map<std::string, std::map<int64_t, std::string>> shared;
  for (const std::string& text : shared_) read_shared(text, shared);

  const auto check_name = [&](const auto& entry) {
    if (std::ranges::find(parameters, entry.first) != parameters.end()) return;
    throw InvalidInput("the model has no input '" + entry.first + "'; it takes " + listed(parameters));
  };
  std::ranges::for_each(found, check_name);
  std::ranges::for_each(dtypes, check_name);
  std::ranges::for_each(shared, check_name);

  std::vector<Input> inputs;
  for (const std::string& name : parameters) {
    const auto spec = found.find(name);
    if (spec == found.end()) break;
    const auto& shapes = spec->second.shapes;
    if (shapes.size() == 2)
      throw InvalidInput(name + ": a dynamic input needs --min-shapes, --opt-shapes and --max-shapes");
    Input input = Input::dynamic(shapes.front(), shapes.size() == 3 ? shapes[1] : shapes.front(), shapes.back());
    const auto dtype = dtypes.find(name);
    input.dtype = spec->second.dtype.value_or(dtype == dtypes.end() ? at::kFloat : dtype->second);
    input.format = spec->second.format;
    input.name = name;
    input.shared_dims = shared[name];
    inputs.push_back(std::move(input));
  }
  if (inputs.size() < found.size() || (inputs.empty() && !parameters.empty())) {
    const std::string& next = parameters[inputs.size()];
    throw InvalidInput("the model takes " + listed(parameters) + ": say the shape of " + next + ", e.g. --shapes " +
                       next + ":1x3x224x224");
  }
  return inputs;
}

}  // namespace tracejet::command_line
