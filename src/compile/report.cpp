#include "compile/report.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "ir/call.h"
#include "ir/model_line.h"
#include "ir/node_text.h"

namespace tracejet {

namespace {

/// Enough to find the pattern; a model with fifty layers repeats itself.
constexpr size_t kLinesShown = 3;

std::string described(const Value& value, const std::string& name) {
  return name + (value.is_tensor() ? ": " + value.tensor().str() : ": a number");
}

CompiledPart described(const Part& part, const Graph& whole) {
  CompiledPart text{part.engine->name(), static_cast<int64_t>(part.nodes.size()), {}, {}, part.weight_bytes()};
  std::map<const Value*, std::string> names;
  for (const GraphInput& input : whole.inputs()) names.emplace(input.value, input.name);
  for (const size_t input : runtime_inputs_of(*part.graph)) {
    const Value* value = part.inputs[input];
    const auto name = names.find(value);
    text.inputs.push_back(described(*value, name == names.end() ? name_of(value) : name->second));
  }
  for (const Value* value : part.outputs) {
    if (value != nullptr) text.outputs.push_back(described(*value, name_of(value)));
  }
  return text;
}

FallbackCall described(const Fallback& fallback, const Graph& graph) {
  const Location& where = fallback.node->where();
  const ModelLine line = line_of(where, graph);
  return {Call(*fallback.node).name(), fallback.engine, fallback.reason, describe(where, graph), line.file, line.line};
}

std::string counted(int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string listed(const std::vector<std::string>& texts) {
  std::string list;
  for (size_t i = 0; i < texts.size() && i < 2 * kLinesShown; ++i) list += (i == 0 ? "" : ", ") + texts[i];
  if (texts.size() > 2 * kLinesShown) list += " and " + std::to_string(texts.size() - 2 * kLinesShown) + " more";
  return list.empty() ? "nothing" : list;
}

std::string in_mebibytes(int64_t bytes) {
  std::ostringstream text;
  text.precision(1);
  text << std::fixed << static_cast<double>(bytes) / (1 << 20) << " MiB of weights";
  return text.str();
}

}  // namespace

CompileReport report_of(const PartitionPlan& plan, const std::vector<std::string>& notes) {
  CompileReport report{plan.preferred, plan.engines(), {}, {}, notes};
  for (const Part& part : plan.parts) report.parts.push_back(described(part, *plan.graph));
  for (const Fallback& fallback : plan.fallbacks) report.fallbacks.push_back(described(fallback, *plan.graph));
  return report;
}

int64_t CompileReport::nodes() const {
  int64_t count = 0;
  for (const CompiledPart& part : parts) count += part.nodes;
  return count;
}

int64_t CompileReport::nodes_on_preferred() const {
  int64_t count = 0;
  for (const CompiledPart& part : parts) count += part.engine == preferred ? part.nodes : 0;
  return count;
}

std::string CompileReport::str() const {
  std::ostringstream text;
  const int64_t all = nodes();
  if (parts.size() == 1) {
    text << parts.front().engine << " runs the whole program: " << counted(all, "node");
  } else {
    text.precision(1);
    const double part = all == 0 ? 100.0 : 100.0 * static_cast<double>(nodes_on_preferred()) / static_cast<double>(all);
    text << preferred << " runs " << nodes_on_preferred() << " of " << counted(all, "node") << " (" << std::fixed
         << part << "%), in " << counted(static_cast<int64_t>(parts.size()), "part") << " with " << engines;
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    const CompiledPart& part = parts[i];
    text << "\n  part " << i << ", " << part.engine << ": " << counted(part.nodes, "node") << ", "
         << in_mebibytes(part.weight_bytes) << "\n    takes " << listed(part.inputs) << "\n    gives "
         << listed(part.outputs);
  }
  std::map<std::string, std::vector<const FallbackCall*>> by_kind;
  for (const FallbackCall& call : fallbacks) {
    by_kind[call.op + " runs on " + call.engine + ", for in " + preferred + " it " + call.reason].push_back(&call);
  }
  for (const auto& [kind, calls] : by_kind) {
    text << "\n  " << kind << (calls.size() > 1 ? " (" + std::to_string(calls.size()) + " times)" : "");
    for (size_t i = 0; i < calls.size() && i < kLinesShown; ++i) {
      std::istringstream lines(calls[i]->where);
      for (std::string line; std::getline(lines, line);) text << "\n  " << line;
    }
    if (calls.size() > kLinesShown) text << "\n    and " << calls.size() - kLinesShown << " more";
  }
  for (const std::string& note : notes) text << "\n  note: " << note;
  return text.str();
}

}  // namespace tracejet
