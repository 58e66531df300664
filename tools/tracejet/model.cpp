#include "model.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <c10/util/Exception.h>
#include <torch/csrc/jit/serialization/import.h>

#include "file_kind.h"
#include "ir/graph.h"
#include "ir/symbol_binding.h"
#include <tracejet/error.h>
#include <tracejet/io.h>
#include <tracejet/torchscript.h>

namespace tracejet::command_line {

namespace {

torch::jit::Module load_script(const std::string& path, FileKind kind) {
  if (kind == FileKind::kTensors) {
    throw InvalidInput(path + " is a file of torch.save: expected one of torch.export.save or torch.jit.save");
  }
  const std::string problem = "can't load " + path + ": ";
  if (kind == FileKind::kOther) throw Error(problem + "it is no .pt2 file and no TorchScript file, or is damaged");
  try {
    torch::jit::Module module = torch::jit::load(path);
    module.eval();
    return module;
  } catch (const c10::Error& error) {
    throw Error(problem + "as a TorchScript file: " + first_line(error.what_without_backtrace()));
  }
}

Parameters parameters_of(const torch::jit::Module& module, const std::string& path) {
  const auto forward = module.find_method("forward");
  if (!forward) throw Error("can't trace " + path + ": it has no forward");
  const auto& arguments = forward->function().getSchema().arguments();
  Parameters parameters;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const bool is_behind_tensors = parameters.tensors.size() == parameters.all.size();
    if (is_behind_tensors && c10::TensorType::get()->isSubtypeOf(*arguments[i].type()))
      parameters.tensors.push_back(arguments[i].name());
    parameters.all.push_back(arguments[i].name() + ": " + arguments[i].type()->annotation_str());
  }
  return parameters;
}

FileKind kind_of_model(const std::string& path) {
  const FileKind kind = kind_of(path);
  const bool is_damaged = kind == FileKind::kOther && std::filesystem::path(path).extension() == ".pt2";
  return is_damaged ? FileKind::kProgram : kind;  // load() says what is wrong
}

}  // namespace

bool is_program(const std::string& model) { return kind_of_model(model) == FileKind::kProgram; }

Program program_of(const std::string& model, const InputOptions& inputs, const TraceOptions& options) {
  const FileKind kind = kind_of_model(model);
  if (kind == FileKind::kProgram) {
    if (!inputs.is_empty()) throw InvalidInput(model + " is a program, which knows its inputs: say nothing of them");
    return load(model);
  }
  const torch::jit::Module module = load_script(model, kind);
  return trace(module, inputs.inputs(parameters_of(module, model)), options);
}

std::pair<Program, NamedShapes> program_and_shapes(const std::string& model, const InputOptions& inputs) {
  if (!is_program(model)) return {program_of(model, inputs), {}};
  if (inputs.says_more_than_shapes()) {
    throw InvalidInput(model + " is a program, which knows its inputs: only --shapes can be said, of random ones");
  }
  return {program_of(model, {}), inputs.shapes()};
}

std::pair<CompiledProgram, NamedShapes> compiled_and_shapes(const std::string& model, const InputOptions& inputs,
                                                            const SettingOptions& settings) {
  const auto [program, shapes] = program_and_shapes(model, inputs);
  const bool is_as_file_has_it = is_program(model) && settings.is_empty();
  return {is_as_file_has_it ? load_compiled(model) : compile(program, settings.settings()), shapes};
}

Answer described(const Program& program) {
  const Graph& graph = *program.graph();
  Answer answer;
  Json inputs = Json::object(), dimensions = Json::object(), operators = Json::object();
  std::string sizes;
  for (const GraphInput& input : graph.inputs()) {
    if (input.kind != GraphInput::Kind::kUser || input.value == nullptr) continue;
    inputs[input.name] = input.value->tensor().str();
    answer.text += input.name + ": " + input.value->tensor().str() + "\n";
    for_each_bound_symbol(*input.value, [&](const SymbolBinding& binding) {
      const symbolic::Symbol& symbol = binding.symbol;
      if (!binding.is_declared || dimensions.contains(symbol.name)) return;
      dimensions[symbol.name] = {{"min", symbol.range.min}, {"opt", symbol.hint}, {"max", symbol.range.max}};
      sizes += symbol.name + ": " + symbolic::in_words(symbol.range) + "\n";
    });
  }
  std::map<std::string, int64_t> counts;
  for (const Node& node : graph.nodes()) ++counts[toString(node.op().operator_name())];
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::greater(), [](const auto& entry) { return entry.second; });
  int64_t calls = 0;
  std::string lines;
  for (const auto& [op, count] : sorted) {
    calls += count;
    operators[op] = count;
    const std::string number = std::to_string(count);
    lines += "\n" + std::string(6 - std::min<size_t>(number.size(), 6), ' ') + number + " " + op;
  }
  answer.text += sizes + std::to_string(calls) + " calls" + lines;
  answer.found = {{"inputs", inputs}, {"dimensions", dimensions}, {"calls", calls}, {"operators", operators}};
  return answer;
}

}  // namespace tracejet::command_line
