#include "compile/partition/chosen_engines.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "compile/engine_support.h"
#include "compile/settings.h"
#include "engines/reference.h"
#include "engines/registry.h"
#include "report/unsupported.h"

namespace tracejet {

namespace {

/// All up to the one that runs every program: what was registered after it has to be named.
std::vector<std::shared_ptr<const Engine>> engines_by_preference() {
  std::vector<std::shared_ptr<const Engine>> engines = compiling_engines();
  const auto last = std::ranges::find_if(engines, [](const auto& one) { return is_reference(*one); });
  engines.erase(last == engines.end() ? last : last + 1, engines.end());
  return engines;
}

std::vector<std::shared_ptr<const Engine>> engines_in_order(const std::vector<std::string>& names) {
  std::vector<std::shared_ptr<const Engine>> engines;
  const std::string last = reference_engine().name();
  for (const std::string& name : names) {
    if (std::ranges::count(names, name) > 1)
      throw InvalidInput("engine: \"" + name + "\" is named more than once", ErrorCode::kInvalidSetting);
    engines.push_back(find_compiling_engine(name));
  }
  if (std::ranges::find(names, last) == names.end()) engines.push_back(find_compiling_engine(last));
  return engines;
}

/// Whether anything of a program is where the engine runs.
bool runs_some_of(const Graph& graph, const Engine& engine) {
  const auto is_there = [&](const GraphInput& input) {
    return input.value != nullptr && engine.runs_on(input.value->tensor().device);
  };
  const auto has_input = [](const GraphInput& input) { return input.value != nullptr; };
  return std::ranges::none_of(graph.inputs(), has_input) || std::ranges::any_of(graph.inputs(), is_there);
}

void check_own_settings(const CompileSettings& settings, const std::vector<std::shared_ptr<const Engine>>& engines) {
  std::vector<std::string> names;
  for (const auto& engine : engines) names.push_back(engine->name());
  check_own_settings(settings, names);
}

/// Those that the settings' effort asks for: of a list of engines, only the named ones.
std::vector<std::shared_ptr<const Engine>> rivals_in(const CompileSettings& settings) {
  if (settings.effort == "fast") return {};
  const std::vector<std::string>& names = settings.engine.names();
  std::vector<std::shared_ptr<const Engine>> rivals;
  for (const auto& engine : compiling_engines()) {
    const bool is_meant = settings.engine.is_auto() || std::ranges::find(names, engine->name()) != names.end();
    if (is_meant && engine->compiles_for_long()) rivals.push_back(engine);
  }
  return rivals;
}

std::string misfit_of(const Engine& engine, const CompileSettings& settings) {
  try {
    engine.check_settings(settings);
  } catch (const InvalidInput& problem) {
    return said_by(problem);
  }
  return {};
}

}  // namespace

ChosenEngines chosen_engines(const Graph& graph, const CompileSettings& settings) {
  const EngineChoice& choice = settings.engine;
  if (!choice.may_split()) {
    auto engine = find_compiling_engine(choice.names().front());
    check_own_settings(settings, std::vector{engine->name()});
    engine->check_settings(settings);
    check_device(graph, *engine);
    return {{std::move(engine)}, false, {""}};
  }
  ChosenEngines chosen{choice.is_auto() ? engines_by_preference() : engines_in_order(choice.names()), true, {}};
  std::erase_if(chosen.engines, [&](const auto& engine) { return !runs_some_of(graph, *engine); });
  if (chosen.engines.empty()) check_device(graph, reference_engine());
  check_own_settings(settings, chosen.engines);
  for (const auto& engine : chosen.engines) chosen.misfits.push_back(misfit_of(*engine, settings));
  if (std::ranges::none_of(chosen.misfits, &std::string::empty))
    throw InvalidInput(chosen.misfits.front(), ErrorCode::kEngineSetting);
  for (const auto& rival : rivals_in(settings)) {
    if (!runs_some_of(graph, *rival)) continue;
    std::string misfit = misfit_of(*rival, settings);
    if (misfit.empty()) chosen.rivals.push_back(rival);
    if (!misfit.empty()) chosen.rival_misfits.push_back("effort: nothing is held against others: " + std::move(misfit));
  }
  return chosen;
}

std::vector<Unsupported> nodes_on_other_devices(const Graph& graph, const Engine& engine) {
  std::unordered_map<c10::Device, bool> known;
  const auto runs_on = [&](c10::Device device) {
    const auto [found, is_new] = known.try_emplace(device, false);
    if (is_new) found->second = engine.runs_on(device);
    return found->second;
  };
  std::vector<Unsupported> elsewhere;
  for (const Node& node : graph.nodes()) {
    std::optional<c10::Device> other;
    const auto look_at = [&](const Value& value) {
      if (value.is_tensor() && !runs_on(value.tensor().device)) other = value.tensor().device;
    };
    for (const Argument& argument : node.arguments()) for_each_value(argument, look_at);
    for (const Value* output : node.outputs()) {
      if (output != nullptr) look_at(*output);
    }
    if (other) elsewhere.push_back({&node, "runs on " + other->str()});
  }
  return elsewhere;
}

void require_no_fallback(const Graph& graph, const PartitionPlan& plan, const Engine& preferred) {
  const std::string reference = reference_engine().name();
  if (preferred.name() == reference) {
    throw UnsupportedOperator(
        "require_full_compilation: no engine but " + reference + " runs on the devices of this program",
        ErrorCode::kEngineRefusal);
  }
  std::vector<Unsupported> left;
  for (const auto& [node, engine, reason] : plan.fallbacks) {
    if (engine == reference) left.push_back({node, reason});
  }
  if (left.empty()) return;
  throw UnsupportedOperator(report(graph, left, "require_full_compilation: " + preferred.name()) +
                                "\nWithout require_full_compilation, " + reference + " runs these.",
                            ErrorCode::kEngineRefusal);
}

}  // namespace tracejet
