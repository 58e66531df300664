#include "compile/settings.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "base/error.h"
#include "engines/registry.h"

namespace tracejet {

std::span<const Setting> settings_table() {
  using Settings = CompileSettings;
  static const Setting table[] = {
      {"engine", &Settings::engine,
       "which engines run the program: \"auto\" splits it between those that run on its devices, in the order of "
       "`engines()`, a list between these (what they don't take is left to PyTorch's kernels), and a single name has "
       "that engine run all of it",
       false},
      {"effort", &Settings::effort,
       "how long compiling may look for a faster program: \"fast\"; \"balanced\", where Inductor is held against "
       "PyTorch's kernels in parts that it promises to make faster; or \"max\", where it is held against every engine, "
       "and looks for the fastest kernels",
       true},
      {"precision", &Settings::precision,
       "what float32 arithmetic may be done in: torch.float32, torch.bfloat16 or torch.float16", true},
      {"threads", &Settings::threads, "how many threads a call may use; 0 for as many as PyTorch uses", true},
      {"cache_dir", &Settings::cache_dir,
       "where engines keep compiled kernels, so that the next process starts faster; empty: nowhere", false},
      {"min_block_size", &Settings::min_block_size,
       "where the program is split, an engine gets no part of fewer nodes; the next one runs them", false},
      {"torch_executed_ops", &Settings::torch_executed_ops,
       "operators that PyTorch's kernels run: \"aten.add\" or torch.ops.aten.add with all of its overloads, "
       "\"aten.add.Tensor\" for one",
       false},
      {"torch_executed_modules", &Settings::torch_executed_modules,
       "modules of which PyTorch's kernels run everything: by path (\"encoder.layers.0\") or class (torch.nn.Linear)",
       false},
      {"require_full_compilation", &Settings::require_full_compilation,
       "whether it is an error where PyTorch's kernels would run a part of the program", false},
      {"pass_through_build_failures", &Settings::pass_through_build_failures,
       "whether an engine's failure is an error; otherwise the next engine takes its part, with a BuildWarning", false},
      {"dryrun", &Settings::dryrun, "only plans: nothing is compiled, and the result has a report but can't be called",
       false},
      {"verify", &Settings::verify,
       "whether each part is held against eager's kernels on random inputs before it is used: \"off\", \"warn\" (a "
       "BuildWarning names the first call that differs), \"error\" (a VerificationError does) or \"repair\" (PyTorch's "
       "kernels run what an engine gets wrong, with a BuildWarning)",
       false},
      {"verify_in_child_process", &Settings::verify_in_child_process,
       "whether a process of its own builds and tries each part first, so that an engine's crash is found like a wrong "
       "number",
       false},
      {"cache_built_engines", &Settings::cache_built_engines,
       "whether what engines compile is kept in the engine cache, for later processes", false},
      {"reuse_cached_engines", &Settings::reuse_cached_engines,
       "whether what the engine cache has of this very program is used, and not compiled again", false},
      {"engine_cache_dir", &Settings::engine_cache_dir,
       "the folder of the engine cache; empty: tracejet/engines in $XDG_CACHE_HOME, or else in ~/.cache", false},
      {"engine_cache_size", &Settings::engine_cache_size,
       "how many bytes the engine cache's folder may hold; beyond that, what was used longest ago goes", false},
      {"custom_engine_cache", &Settings::custom_engine_cache,
       "a cache of your own in the place of that folder: a tracejet.BaseEngineCache", false},
      {"cuda_graphs", &Settings::cuda_graphs,
       "whether what PyTorch's kernels or Inductor run on a GPU is recorded as CUDA graphs and replayed for inputs "
       "that are laid out alike",
       false},
      {"max_cuda_graphs", &Settings::max_cuda_graphs,
       "of how many layouts of its inputs a program keeps CUDA graphs; what was called longest ago goes", false},
      {"skipped_passes", &Settings::skipped_passes,
       "passes that aren't run on what goes to PyTorch's kernels, by name; \"all\" for none of them", false},
      {"compute_capabilities", &Settings::compute_capabilities,
       "which GPUs TensorRT builds for: \"8.6\", \"8.9\", \"12.0\"; empty for the one at hand, or all where there is "
       "none",
       true},
      {"workspace_size", &Settings::workspace_size,
       "the bytes that a kernel of TensorRT's may take while it runs; 0 for as many as there are", true},
      {"optimization_level", &Settings::optimization_level,
       "0 to 5, how long TensorRT looks for faster kernels; -1 for its own default", true},
      {"max_aux_streams", &Settings::max_aux_streams,
       "how many streams beside the main one TensorRT may use; -1 for its own choice", true},
      {"num_avg_timing_iters", &Settings::num_avg_timing_iters, "how often TensorRT times a kernel while building",
       true},
      {"disable_tf32", &Settings::disable_tf32, "whether TensorRT computes products of float32 without TensorFloat-32",
       true},
      {"sparse_weights", &Settings::sparse_weights, "whether TensorRT may use kernels for sparse weights", true},
      {"version_compatible", &Settings::version_compatible, "whether TensorRT's engines also run on its later versions",
       true},
      {"hardware_compatible", &Settings::hardware_compatible,
       "whether TensorRT's engines also run on later GPUs than they are built for", true},
      {"enable_weight_streaming", &Settings::enable_weight_streaming,
       "whether TensorRT may leave weights in the CPU's memory until they are needed", true},
      {"timing_cache_path", &Settings::timing_cache_path,
       "a file for what TensorRT measures while building; empty: none", false},
      {"runtime_cache_path", &Settings::runtime_cache_path,
       "a file for the kernels that TensorRT-RTX compiles when a program first runs; empty: none", false},
      {"use_cuda_graphs", &Settings::use_cuda_graphs,
       "whether TensorRT records calls of equal shapes as CUDA graphs and replays them", false},
  };
  return table;
}

namespace {

void check_tensorrt_settings(const CompileSettings& settings) {
  const auto check = [](std::string_view name, int64_t value, int64_t min, int64_t max) {
    if (value >= min && value <= max) return;
    throw InvalidInput(std::string(name) + " is " + std::to_string(value) + "; expected " + std::to_string(min) +
                           (max == std::numeric_limits<int64_t>::max() ? " or more" : " to " + std::to_string(max)),
                       ErrorCode::kInvalidSetting);
  };
  constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
  check("workspace_size", settings.workspace_size, 0, kAny);
  check("optimization_level", settings.optimization_level, -1, 5);
  check("max_aux_streams", settings.max_aux_streams, -1, kAny);
  check("num_avg_timing_iters", settings.num_avg_timing_iters, 1, kAny);
}

void check_effort(const CompileSettings& settings) {
  constexpr std::string_view kEfforts[] = {"fast", "balanced", "max"};
  if (std::ranges::find(kEfforts, settings.effort) != std::end(kEfforts)) return;
  throw InvalidInput("effort is \"" + settings.effort + R"("; choose "fast", "balanced" or "max")",
                     ErrorCode::kInvalidSetting);
}

/// A file in a folder's place: some engines would say nothing, and keep nothing.
void check_folder(std::string_view name, const std::string& folder) {
  std::error_code unknown;  // what can't be seen may be one
  const auto status = std::filesystem::status(folder, unknown);
  if (unknown || !std::filesystem::exists(status) || std::filesystem::is_directory(status)) return;
  throw InvalidInput(std::string(name) + " is " + folder + ", where there is something else than a folder",
                     ErrorCode::kInvalidSetting);
}

void check_verify(const CompileSettings& settings) {
  constexpr std::string_view kModes[] = {"off", "warn", "error", "repair"};
  if (std::ranges::find(kModes, settings.verify) == std::end(kModes)) {
    throw InvalidInput("verify is \"" + settings.verify + R"("; choose "off", "warn", "error" or "repair")",
                       ErrorCode::kInvalidSetting);
  }
  if (settings.verify == "off" && settings.verify_in_child_process) {
    throw InvalidInput("verify_in_child_process: nothing is tried while verify is \"off\"", ErrorCode::kInvalidSetting);
  }
  if (settings.verify == "repair" && !settings.engine.names().empty() && !settings.engine.may_split()) {
    const std::string& engine = settings.engine.names().front();
    throw InvalidInput("verify=\"repair\": engine=\"" + engine + "\" has that engine run the whole program; write [\"" +
                           engine + "\"] to split it",
                       ErrorCode::kInvalidSetting);
  }
}

/// The engines that a setting is of; none: any.
std::vector<std::string_view> owners_of(std::string_view setting) {
  std::vector<std::string_view> owners;
  for (const OwnSettings& own : own_settings()) {
    if (std::ranges::find(own.names, setting) != own.names.end()) owners.push_back(own.engine);
  }
  return owners;
}

template <typename Text>
std::string joined(const std::vector<Text>& names, std::string_view between) {
  std::string text;
  for (const Text& name : names) text.append(text.empty() ? "" : between).append(name);
  return text;
}

}  // namespace

void check_own_settings(const CompileSettings& settings, const std::vector<std::string>& engines) {
  static const CompileSettings defaults;
  for (const Setting& setting : settings_table()) {
    const std::vector<std::string_view> owners = owners_of(setting.name);
    const auto is_chosen = [&](std::string_view owner) { return std::ranges::count(engines, owner) > 0; };
    if (owners.empty() || std::ranges::any_of(owners, is_chosen)) continue;
    const auto is_default = [&](auto field) { return settings.*field == defaults.*field; };
    if (std::visit(is_default, setting.field)) continue;
    throw InvalidInput(std::string(setting.name) + " is a setting of " + joined(owners, " and ") + ", which " +
                           (owners.size() == 1 ? "isn't" : "aren't") +
                           " among the engines of this program: " + joined(engines, ", "),
                       ErrorCode::kEngineSetting);
  }
}

void check_settings(const CompileSettings& settings) {
  const auto precision = settings.precision;
  if (precision != at::kFloat && precision != at::kBFloat16 && precision != at::kHalf) {
    throw InvalidInput(
        std::string("precision is ") + c10::toString(precision) + "; choose float32, bfloat16 or float16",
        ErrorCode::kInvalidSetting);
  }
  if (settings.threads < 0)
    throw InvalidInput("threads is " + std::to_string(settings.threads) + ", but can't be negative",
                       ErrorCode::kInvalidSetting);
  if (settings.max_cuda_graphs < 1) {
    throw InvalidInput("max_cuda_graphs is " + std::to_string(settings.max_cuda_graphs) +
                           ", but one is the least; cuda_graphs=False turns them off",
                       ErrorCode::kInvalidSetting);
  }
  if (settings.min_block_size < 1)
    throw InvalidInput("min_block_size is " + std::to_string(settings.min_block_size) + ", but a block has a node",
                       ErrorCode::kInvalidSetting);
  check_tensorrt_settings(settings);
  check_folder("cache_dir", settings.cache_dir);
  check_folder("engine_cache_dir", settings.engine_cache_dir);
  if (settings.engine_cache_size < 0) {
    throw InvalidInput("engine_cache_size is " + std::to_string(settings.engine_cache_size) + ", but can't be negative",
                       ErrorCode::kInvalidSetting);
  }
  check_effort(settings);
  check_verify(settings);
  if (settings.engine.names().empty())
    throw InvalidInput("engine: the list of engines is empty", ErrorCode::kInvalidSetting);
  if (settings.engine.may_split()) return;
  for (const auto& [name, names] : {std::pair("torch_executed_ops", settings.torch_executed_ops),
                                    std::pair("torch_executed_modules", settings.torch_executed_modules)}) {
    if (names.empty()) continue;
    const std::string& engine = settings.engine.names().front();
    throw InvalidInput(std::string(name) + ": engine=\"" + engine +
                           "\" has that engine run the whole program; write [\"" + engine + "\"] to split it",
                       ErrorCode::kInvalidSetting);
  }
}

}  // namespace tracejet
