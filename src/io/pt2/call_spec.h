#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/ivalue.h>

#include "ir/graph.h"

namespace tracejet {

/// How a program is called: what a .pt2 file has beside the graph.
struct CallSpec {
  /// The nesting of the arguments and of the results, as `torch.utils._pytree.treespec_dumps` writes it.
  std::string in_spec, out_spec;
  /// For each of the graph's user inputs, what it has to be where it is no tensor; None for tensors.
  std::vector<c10::IValue> inputs;
  /// For each of its user outputs, what it is where the graph doesn't know (a string, None); nullopt for all others.
  std::vector<std::optional<c10::IValue>> outputs;
  std::vector<std::string> argument_names;
  /// Where constants are kept in the model, by their names in the graph.
  std::map<std::string, std::string> constant_names;
  /// The fields of the named tuples in the specs, by type.
  std::map<std::string, std::vector<std::string>> namedtuple_fields;
};

/// Of a program that takes its inputs by position and gives a tuple of its outputs.
CallSpec positional_call(const Graph& graph);

}  // namespace tracejet
