#include "values.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>

#include <c10/util/Exception.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include "answer.h"
#include "capture/refusal.h"
#include "file_kind.h"
#include "npy.h"
#include "numbers.h"
#include <tracejet/error.h>
#include <tracejet/program.h>
#include <tracejet/verify.h>

namespace tracejet::command_line {

namespace {

namespace fs = std::filesystem;

/// Tensors by name, where the file has names; in order.
using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

at::Tensor tensor_of(const c10::IValue& value, const std::string& path) {
  if (!value.isTensor()) throw Error(path + " holds a " + value.tagKind() + ", where a tensor is expected");
  return value.toTensor();
}

Tensors read_pt(const std::string& path) {
  if (kind_of(path) != FileKind::kTensors) throw Error("can't read " + path + ": it is no file of torch.save");
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  c10::IValue value;
  try {
    value = torch::jit::pickle_load(bytes);  // knows tensors, numbers and containers; nothing is run
  } catch (const c10::Error& error) {
    // Of an OrderedDict, and what holds one, the reader makes None, and trips over it.
    const std::string said = first_line(error.what_without_backtrace());
    throw Error("can't read " + path + ": " +
                (is_internal_assertion(said)
                     ? "it holds an object of a class; expected tensors, or lists, tuples and plain dicts of "
                       "tensors (of a state_dict, save dict(…))"
                     : said));
  }
  Tensors found;
  if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      if (!entry.key().isString()) throw Error(path + " holds a dict whose keys aren't names");
      found.emplace_back(entry.key().toStringRef(), tensor_of(entry.value(), path));
    }
  } else if (value.isList()) {
    for (const c10::IValue& item : value.toListRef()) found.emplace_back("", tensor_of(item, path));
  } else if (value.isTuple()) {
    for (const c10::IValue& item : value.toTupleRef().elements()) found.emplace_back("", tensor_of(item, path));
  } else {
    found.emplace_back("", tensor_of(value, path));
  }
  return found;
}

/// `x.npy`, `name=x.npy`, `x.pt`
Tensors read_file(const std::string& text) {
  const size_t equals = text.find('=');
  const bool is_named = equals != std::string::npos && !fs::exists(text);
  const std::string path = is_named ? text.substr(equals + 1) : text;
  if (equals == 0 && is_named) throw InvalidInput("'" + text + "': expected the name of an input before the =");
  if (!fs::is_regular_file(path)) throw InvalidInput("there is no file " + path);
  Tensors found = fs::path(path).extension() == ".npy" ? Tensors{{"", read_npy(path)}} : read_pt(path);
  if (!is_named) return found;
  if (found.size() != 1) throw InvalidInput(path + " holds " + std::to_string(found.size()) + " tensors, not one");
  found.front().first = text.substr(0, equals);
  return found;
}

std::string unknown_input(const std::string& name, const std::vector<Input>& inputs) {
  std::string names;
  for (const Input& input : inputs) names += (names.empty() ? "" : ", ") + input.name;
  return "the program has no input '" + name + "'; it takes " + names;
}

std::vector<at::Tensor> read_files(const std::vector<std::string>& files, const std::vector<Input>& inputs) {
  std::vector<std::optional<at::Tensor>> found(inputs.size());
  size_t next = 0;
  for (const std::string& file : files) {
    for (auto& [name, tensor] : read_file(file)) {
      const auto named = std::ranges::find(inputs, name, &Input::name);
      const size_t index = name.empty() ? next++ : static_cast<size_t>(named - inputs.begin());
      if (index >= inputs.size()) {
        throw InvalidInput(
            file + (name.empty() ? ": there are more tensors than inputs" : ": " + unknown_input(name, inputs)));
      }
      if (found[index])
        throw InvalidInput(file + ": there is a tensor for the input '" + inputs[index].name + "' already");
      found[index] = std::move(tensor);
    }
  }
  std::vector<at::Tensor> tensors;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!found[i]) throw InvalidInput("no file has the input '" + inputs[i].name + "'");
    tensors.push_back(*std::move(found[i]));
  }
  return tensors;
}

/// What torch.load opens: Python has no class for storages of the other dtypes.
bool has_storage_in_python(at::ScalarType dtype) {
  switch (dtype) {
    case at::kByte:
    case at::kChar:
    case at::kShort:
    case at::kInt:
    case at::kLong:
    case at::kHalf:
    case at::kBFloat16:
    case at::kFloat:
    case at::kDouble:
    case at::kComplexFloat:
    case at::kComplexDouble:
    case at::kBool:
      return true;
    default:
      return false;
  }
}

}  // namespace

void ValueOptions::add_to(CLI::App& command) {
  command.add_option("--size", size_, "Of dynamic inputs: min, opt or max.")
      ->check(CLI::IsMember({"min", "opt", "max"}))
      ->capture_default_str();
  command.add_option("--seed", seed_, "Of random inputs.")
      ->check(whole_number(0, std::numeric_limits<uint64_t>::max()))
      ->capture_default_str();
  command
      .add_option(
          "--load-inputs", files_,
          "A .npy file for each input, in their order or as name=file.npy; or a file of torch.save with a tensor, "
          "a list, or a dict by name. May be repeated.")
      ->allow_extra_args(false);
}

std::vector<at::Tensor> ValueOptions::values(const Program& program, const NamedShapes& shapes) const {
  if (!files_.empty()) {
    if (!shapes.empty()) throw InvalidInput("--load-inputs and --shapes exclude each other: files have their shapes");
    return read_files(files_, inputs_of(program));
  }
  const std::vector<Input> inputs = inputs_of(program);
  std::map<std::string, Shape> by_name;
  for (const auto& [given, shape] : shapes) {
    const std::string name = given.empty() && !inputs.empty() ? inputs.front().name : given;
    if (std::ranges::find(inputs, name, &Input::name) == inputs.end()) {
      throw InvalidInput(unknown_input(name, inputs));
    }
    if (!by_name.emplace(name, shape).second) throw InvalidInput(name + " is given two shapes");
  }
  return random_inputs(program, {.size = size_, .shapes = std::move(by_name), .seed = seed_});
}

void save_tensors(const std::vector<at::Tensor>& tensors, const std::string& path) {
  if (fs::path(path).extension() == ".npy") {
    if (tensors.size() != 1) {
      throw InvalidInput("a .npy file holds one tensor, and there are " + std::to_string(tensors.size()) +
                         ": write a .pt file");
    }
    return write_npy(tensors.front(), path);
  }
  for (const at::Tensor& tensor : tensors) {
    if (has_storage_in_python(tensor.scalar_type())) continue;
    throw Error(std::string("a .pt file can't hold ") + c10::toString(tensor.scalar_type()) +
                ": write a .npy file of it alone, where NumPy has that");
  }
  const std::vector<char> bytes =
      torch::jit::pickle_save(c10::ivalue::Tuple::create(std::vector<c10::IValue>(tensors.begin(), tensors.end())));
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.flush();
  if (!file) throw Error("can't write " + path);
}

}  // namespace tracejet::command_line
