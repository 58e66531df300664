#include "compile/report.h"

#include <algorithm>
#include <map>

#include "ir/call.h"
#include "ir/model_line.h"
#include "ir/node_text.h"

namespace tracejet {

namespace {

std::string described(const Value& value, const std::string& name) {
  return name + (value.is_tensor() ? ": " + value.tensor().str() : ": a number");
}

CompiledPart described(const Part& part, const Graph& whole) {
  CompiledPart text{
      part.engine->name(), static_cast<int64_t>(part.nodes.size()), {}, {}, part.weight_bytes(), false, {}, {}};
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

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

void add(const PartitionPlan& plan, const std::string& inside, CompileReport& report) {
  for (const Part& part : plan.parts) {
    report.parts.push_back(described(part, *plan.graph));
    report.parts.back().inside = inside;
  }
  for (const Fallback& fallback : plan.fallbacks) report.fallbacks.push_back(described(fallback, *plan.graph));
  for (const BodyPlan& body : plan.bodies) {
    const std::string where = one_line(describe(body.node->where(), *plan.graph));
    add(body.plan, Call(*body.node).name() + (where.empty() ? "" : " " + where), report);
  }
}

}  // namespace

CompileReport report_of(const BuiltProgram& built) {
  CompileReport report{built.plan.preferred, built.plan.engines(), {}, {}, built.notes};
  add(built.plan, "", report);
  for (size_t i = 0; i < built.is_cached.size(); ++i) report.parts[i].is_cached = built.is_cached[i];
  for (size_t i = 0; i < built.measured.size(); ++i) report.parts[i].measured = built.measured[i];
  return report;
}

}  // namespace tracejet
