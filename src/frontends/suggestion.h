#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "frontends/model_input.h"
#include "symbolic/diagnosis.h"
#include <tracejet/report.h>

namespace tracejet {

using SuggestedDimensions = std::map<std::string, SuggestedDimension>;

/// How each dynamic dimension of a trace's inputs would have to be declared for the same trace to hold.
SuggestedDimensions suggested_dimensions(const symbolic::Diagnosis& diagnosis, std::span<const ModelInput> inputs);

/// An Input as its dimensions would have to be declared; nothing where they are right as they are. `shape` names its
/// dimensions, `checked` says that no axis of its shared_dims is negative.
std::optional<Input> suggested_input(const Input& checked, std::span<const AxisSize> shape,
                                     const SuggestedDimensions& dimensions);

}  // namespace tracejet
