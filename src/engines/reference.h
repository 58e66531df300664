#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engines/aten/interpreter.h"
#include "engines/engine.h"

namespace tracejet {

/// Eager PyTorch's own kernels: other engines are held against them, and they take what those refuse.
const Engine& reference_engine();
bool is_reference(const Engine& engine);

using aten::CompileBody;

/// The same as its compile(), but for bodies of control flow. Adds what went otherwise than one may expect to `notes`.
std::unique_ptr<Executable> compile_with_bodies(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                                const CompileSettings& settings, const CompileBody& compile_body,
                                                std::vector<std::string>& notes);

/// The graph call by call, without passes and recordings.
std::unique_ptr<Executable> compile_reference(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs);

/// What it computes can be looked at call by call.
using aten::Observe;
using aten::run_observed;

}  // namespace tracejet
