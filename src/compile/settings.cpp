#include "compile/settings.h"

#include <algorithm>

#include "base/error.h"

namespace tracejet {

std::span<const Setting> settings_table() {
  using Settings = CompileSettings;
  static const Setting table[] = {
      {"engine", &Settings::engine,
       "which engines run the program: \"auto\" splits it between those that run on its devices, in the order of "
       "`engines()`, a list between these (what they don't take is left to PyTorch's kernels), and a single name has "
       "that engine run all of it",
       false},
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
  };
  return table;
}

void check_settings(const CompileSettings& settings) {
  const auto precision = settings.precision;
  if (precision != at::kFloat && precision != at::kBFloat16 && precision != at::kHalf) {
    throw InvalidInput(std::string("precision is ") + c10::toString(precision) +
                       "; choose float32, bfloat16 or float16");
  }
  if (settings.threads < 0)
    throw InvalidInput("threads is " + std::to_string(settings.threads) + ", but can't be negative");
  if (settings.min_block_size < 1)
    throw InvalidInput("min_block_size is " + std::to_string(settings.min_block_size) + ", but a block has a node");
  if (settings.engine.names().empty()) throw InvalidInput("engine: the list of engines is empty");
  if (settings.engine.may_split()) return;
  for (const auto& [name, names] : {std::pair("torch_executed_ops", settings.torch_executed_ops),
                                    std::pair("torch_executed_modules", settings.torch_executed_modules)}) {
    if (names.empty()) continue;
    const std::string& engine = settings.engine.names().front();
    throw InvalidInput(std::string(name) + ": engine=\"" + engine +
                       "\" has that engine run the whole program; write [\"" + engine + "\"] to split it");
  }
}

}  // namespace tracejet
