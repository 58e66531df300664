#pragma once

#include <string>
#include <unordered_map>

#include <ATen/core/Tensor.h>

#include "base/error.h"
#include "base/hash.h"
#include "engines/runtime_inputs.h"
#include "ir/graph.h"

namespace tracejet {

/// A graph holds something that no key can be made of.
class NoKey : public Error {
 public:
  using Error::Error;
};

/// Hashes of the content of weights. Each is read once, in however many graphs it is.
class WeightHashes {
 public:
  /// Throws NoKey for a tensor without data.
  const std::string& of(const at::Tensor& weight);

 private:
  std::unordered_map<const c10::TensorImpl*, std::pair<at::Tensor, std::string>> known_;
};

/// Hashes all of a graph that an engine can see: inputs, the content of weights, nodes with their edges and arguments,
/// outputs, symbols with their ranges and what is assumed of them. Equal graphs of two traces hash alike.
/// Throws NoKey.
void hash_graph(Hasher& hasher, const Graph& graph, const RuntimeInputs& inputs, WeightHashes& weights);

/// Whether two graphs are the same, but for the content of their weights.
bool differ_in_weights_only(const Graph& one, const Graph& other);

}  // namespace tracejet
