#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "ir/graph.h"

namespace tracejet {

/// What one result of a subgraph may be, or show part of, in eager.
struct ResultAliases {
  std::vector<size_t> operands;     ///< by index
  std::vector<at::Tensor> outside;  ///< other tensors of the graph around
  std::vector<size_t> results;      ///< earlier ones of the same subgraph
};

/// Tensors that share memory in eager, or may do so, and are apart in a program: what a branch of control flow takes
/// from outside and gives back.
///
/// All tensors are functional ones: views of one another have one storage.
class AliasTracking {
 public:
  AliasTracking() = default;
  AliasTracking(const AliasTracking&) = delete;
  AliasTracking& operator=(const AliasTracking&) = delete;

  bool may_share(const at::Tensor& a, const at::Tensor& b) const;

  /// What `results` of a subgraph's run share with its `operands`, with tensors from outside and with each other.
  void add_subgraph(const Graph& subgraph, const std::vector<at::Tensor>& results,
                    const std::vector<at::Tensor>& operands,
                    const std::vector<std::pair<at::Tensor, at::Tensor>>& outside);
  const std::vector<ResultAliases>& of_subgraph(const Graph& subgraph) const { return of_subgraphs_.at(&subgraph); }

  /// When the program runs, `tensor` may be the memory of `other`.
  void add(const at::Tensor& tensor, const at::Tensor& other);
  /// Whether some tensor may be the memory of another one: a call is looked at only then.
  bool has_any() const { return !memory_.empty(); }
  /// `where`: the model's line; empty where nobody knows it.
  void note_write(const at::Tensor& tensor, const std::string& where);
  /// Throws UnsupportedOperator where what may be the same memory was written since, which a program doesn't show.
  /// `what`: "the model's input x", say.
  void check_content(const at::Tensor& tensor, const std::string& what) const;

 private:
  struct Memory {
    c10::Storage storage;                                 ///< keeps its address in use
    std::unordered_set<const c10::StorageImpl*> origins;  ///< itself, and all that it may be
    std::optional<std::string> written_at;                ///< where it may have got other content
  };

  Memory& memory_of(const at::Tensor& tensor);
  const Memory* find(const at::Tensor& tensor) const;

  std::unordered_map<const c10::StorageImpl*, Memory> memory_;
  std::unordered_map<const Graph*, std::vector<ResultAliases>> of_subgraphs_;
};

}  // namespace tracejet
