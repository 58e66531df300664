#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "engines/engine.h"
#include "symbolic/expression.h"

namespace tracejet::inductor {

inline constexpr std::string_view kName = "inductor";
inline constexpr std::string_view kOwnSettings[] = {"cuda_graphs", "max_cuda_graphs"};

/// What AOTInductor made of a graph.
struct Compiled {
  std::string package;  ///< see Package
  /// The inputs of the graph that it reads as constants, as indices, by the names that it has for them.
  std::vector<std::pair<std::string, size_t>> weights;
  /// Constants that came up while it was compiled.
  std::vector<std::pair<std::string, at::Tensor>> constants;
  /// What it took for granted of sizes, beyond their ranges.
  std::vector<symbolic::Condition> assumed;
  /// For Engine::load(); nullopt where that can't be.
  std::optional<std::string> serialized;
};

/// On a GPU, what it calls is recorded and repeated, as far as the settings allow.
std::unique_ptr<Executable> make_executable(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                                            std::shared_ptr<const Compiled> compiled, const CompileSettings& settings);

/// The same code on the weights of a graph that differs from the compiled one in nothing but their content. Null where
/// it isn't good for them: some are in the code itself, or lie in memory otherwise.
/// `compiled`: what make_executable() gave.
std::unique_ptr<Executable> with_weights(const Executable& compiled, std::shared_ptr<const Graph> graph,
                                         const RuntimeInputs& inputs, const CompileSettings& settings);

}  // namespace tracejet::inductor
