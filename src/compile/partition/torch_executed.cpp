#include "compile/partition/torch_executed.h"

#include <algorithm>
#include <string_view>

#include <ATen/core/dispatch/Dispatcher.h>

#include "base/error.h"

namespace tracejet {

namespace {

/// "aten::add.Tensor" for "aten.add.Tensor" and "torch.ops.aten.add.Tensor"; "aten::relu" for "aten.relu.default".
std::string normalized(std::string_view name) {
  constexpr std::string_view kNamespace = "torch.ops.", kNoOverload = ".default";
  if (name.starts_with(kNamespace)) name.remove_prefix(kNamespace.size());
  if (name.ends_with(kNoOverload)) name.remove_suffix(kNoOverload.size());
  std::string normal(name);
  if (normal.find("::") != std::string::npos) return normal;
  const auto dot = normal.find('.');
  return dot == std::string::npos ? normal : normal.replace(dot, 1, "::");
}

/// Without an overload, a name means all of them.
bool is_named(const c10::OperatorName& op, const std::string& name) {
  return op.name == name || (!op.overload_name.empty() && op.name + "." + op.overload_name == name);
}

void check_exists(const std::string& name) {
  const auto all = c10::Dispatcher::singleton().getAllOpNames();
  if (std::ranges::any_of(all, [&](const c10::OperatorName& op) { return is_named(op, name); })) return;
  throw InvalidInput("torch_executed_ops: PyTorch has no operator \"" + name +
                         "\"; write \"aten.add\" for all of its overloads, or \"aten.add.Tensor\" for one",
                     ErrorCode::kInvalidSetting);
}

/// "Linear" and "torch.nn.modules.linear.Linear" name the class, "encoder.layers.0" the module.
bool is_named(const ModuleFrame& module, const std::string& name) {
  if (module.path == name || module.type == name) return true;
  return module.type.size() > name.size() && module.type.ends_with(name) &&
         module.type[module.type.size() - name.size() - 1] == '.';
}

bool runs_in(const Node& node, const Graph& graph, const std::string& name) {
  for (int32_t frame = node.where().module_frame; frame >= 0;) {
    const ModuleFrame& module = graph.module_frames()[static_cast<size_t>(frame)];
    if (is_named(module, name)) return true;
    frame = module.parent;
  }
  return false;
}

using Nodes = std::vector<std::pair<const Node*, const Graph*>>;

void collect(const Graph& graph, Nodes& nodes) {
  for (const Node& node : graph.nodes()) {
    nodes.emplace_back(&node, &graph);
    for (const auto& subgraph : node.subgraphs()) collect(*subgraph, nodes);
  }
}

class Search {
 public:
  Search(const Graph& graph, const Graph& traced) {
    collect(graph, nodes_);
    collect(traced, traced_);
  }

  template <typename Matches>
  void find(const std::string& setting, const std::string& name, const Matches& matches) {
    bool is_found = false;
    for (const auto& [node, graph] : nodes_) {
      if (!matches(*node, *graph)) continue;
      is_found = true;
      found_.nodes.push_back({node, "is named by " + setting + " (\"" + name + "\")"});
    }
    const auto is_traced = [&](const auto& traced) { return matches(*traced.first, *traced.second); };
    if (!is_found && std::ranges::none_of(traced_, is_traced))
      found_.unmatched.push_back(setting + ": nothing in this program is \"" + name + "\"");
  }

  TorchExecuted result() && { return std::move(found_); }

 private:
  Nodes nodes_, traced_;
  TorchExecuted found_;
};

}  // namespace

TorchExecuted torch_executed_in(const Graph& graph, const Graph& traced, const CompileSettings& settings) {
  Search search(graph, traced);
  for (const std::string& given : settings.torch_executed_ops) {
    const std::string name = normalized(given);
    check_exists(name);
    search.find("torch_executed_ops", name,
                [&](const Node& node, const Graph&) { return is_named(node.op().operator_name(), name); });
  }
  for (const std::string& name : settings.torch_executed_modules) {
    search.find("torch_executed_modules", name,
                [&](const Node& node, const Graph& of) { return runs_in(node, of, name); });
  }
  return std::move(search).result();
}

}  // namespace tracejet
