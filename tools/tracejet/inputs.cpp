#include "inputs.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "report/words.h"
#include <tracejet/error.h>

namespace tracejet::command_line {

namespace {

std::string listed(const std::vector<std::string>& names) { return names.empty() ? "none" : joined_words(names); }

/// What is said of inputs, by name. Nothing is said twice.
class Said {
 public:
  explicit Said(const Parameters& parameters) : parameters_(parameters) {}

  void add_spec(const std::string& text, size_t position) {
    InputSpec spec = read_spec(text);
    const std::string name = name_of(spec.name, position);
    check_name(name);
    if (!specs_.emplace(name, std::move(spec)).second) throw InvalidInput("-i is given twice for " + name);
  }

  /// Of the name that was given, which is empty for the first.
  void add_shapes(const std::string& given, std::vector<Shape> shapes) {
    const std::string name = name_of(given, 0);
    check_name(name);
    if (!specs_[name].shapes.empty()) {
      throw InvalidInput(name + ": expected one shape, or each of --min-shapes, --opt-shapes and --max-shapes");
    }
    specs_[name].shapes = std::move(shapes);
  }

  /// The least, the usual and the greatest shapes.
  void add_ranges(const std::array<NamedShapes, 3>& lists) {
    for (const NamedShapes& list : lists) {
      for (const auto& [given, shape] : list) {
        if (std::ranges::all_of(lists, [&](const NamedShapes& other) { return find(other, given) != nullptr; }))
          continue;
        throw InvalidInput(name_of(given, 0) + ": a dynamic input needs --min-shapes, --opt-shapes and --max-shapes");
      }
    }
    for (const auto& [given, least] : lists[0])
      add_shapes(given, {least, *find(lists[1], given), *find(lists[2], given)});
  }

  void add_dtypes(const std::string& text) {
    for (const auto& [name, dtype] : read_pairs(text, "ids:int64")) {
      std::optional<at::ScalarType>& known = spec_of(name).dtype;
      if (known) throw InvalidInput(name + " is given two dtypes");
      known = read_dtype(dtype);
    }
  }

  /// `batch=x:0,y:0`
  void add_shared(const std::string& text) {
    const size_t equals = text.find('=');
    const std::string example = "batch=x:0,y:0", dimension = text.substr(0, equals);
    const auto fail = [&] { throw InvalidInput("'" + text + "': expected a dimension and its axes, e.g. " + example); };
    if (equals == std::string::npos || equals == 0) fail();
    for (const auto& [name, axis] : read_pairs(text.substr(equals + 1), example)) {
      if (!std::ranges::all_of(axis, [](unsigned char c) { return std::isdigit(c) != 0; }) || axis.size() > 3) fail();
      const auto& known = spec_of(name).shared_dims.try_emplace(std::stoll(axis), dimension).first->second;
      if (known != dimension) {
        throw InvalidInput("axis " + axis + " of " + name + " is given two names, " + known + " and " + dimension);
      }
    }
  }

  std::vector<Input> inputs() const {
    std::vector<Input> inputs;
    for (const std::string& name : parameters_.tensors) {
      const auto said = specs_.find(name);
      if (said == specs_.end()) break;
      const InputSpec& spec = said->second;
      const auto& shapes = spec.shapes;
      Input input = Input::dynamic(shapes.front(), shapes.size() == 3 ? shapes[1] : shapes.front(), shapes.back());
      input.dtype = spec.dtype.value_or(at::kFloat);
      input.format = spec.format;
      input.name = name;
      input.shared_dims = spec.shared_dims;
      inputs.push_back(std::move(input));
    }
    if (inputs.size() < specs_.size() || (inputs.empty() && !parameters_.tensors.empty())) {
      const std::string& next = parameters_.tensors[inputs.size()];
      throw InvalidInput("the model takes " + listed(parameters_.tensors) + ": say the shape of " + next +
                         ", e.g. --shapes " + next + ":1x3x224x224");
    }
    return inputs;
  }

 private:
  std::string name_of(const std::string& given, size_t position) const {
    const auto& names = parameters_.tensors;
    if (!given.empty()) return given;
    if (position < names.size()) return names[position];
    throw InvalidInput("inputs are given that the model doesn't have; it takes " + taken());
  }

  void check_name(const std::string& name) const {
    if (std::ranges::find(parameters_.tensors, name) != parameters_.tensors.end()) return;
    throw InvalidInput("the model has no input '" + name + "' that can be given; it takes " + taken());
  }

  InputSpec& spec_of(const std::string& name) {
    check_name(name);
    const auto said = specs_.find(name);
    if (said == specs_.end()) throw InvalidInput("no shape is given of " + name + ", but something else is");
    return said->second;
  }

  std::string taken() const {
    if (parameters_.all.size() == parameters_.tensors.size()) return listed(parameters_.tensors);
    return listed(parameters_.all) + ", of which tensors can be given, up to the first that is none";
  }

  const Parameters& parameters_;
  std::map<std::string, InputSpec> specs_;
};

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

std::vector<Input> InputOptions::inputs(const Parameters& parameters) const {
  const auto read = [](const std::string& text) { return text.empty() ? NamedShapes() : read_shapes(text); };
  Said said(parameters);
  for (size_t i = 0; i < specs_.size(); ++i) said.add_spec(specs_[i], i);
  for (const auto& [given, shape] : read(shapes_)) said.add_shapes(given, {shape});
  said.add_ranges({read(least_), read(usual_), read(greatest_)});
  if (!dtypes_.empty()) said.add_dtypes(dtypes_);
  for (const std::string& text : shared_) said.add_shared(text);
  return said.inputs();
}

}  // namespace tracejet::command_line
