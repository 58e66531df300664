#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>

#include "capture/tracer.h"

namespace tracejet {

/// While it lives, calls are recorded into a new subgraph.
class Tracer::SubgraphScope {
 public:
  explicit SubgraphScope(Tracer& tracer) : tracer_(tracer) {
    auto graph = tracer.graph()->make_subgraph();
    tracer.subgraphs_.push_back(graph);
    tracer.scopes_.emplace_back().graph = std::move(graph);
    ++tracer.depth_;
  }
  SubgraphScope(const SubgraphScope&) = delete;
  SubgraphScope& operator=(const SubgraphScope&) = delete;
  ~SubgraphScope() {
    --tracer_.depth_;
    tracer_.scopes_.pop_back();
  }

 private:
  Tracer& tracer_;
};

/// Switches functionalization on again, below which the lower hook stands: code that runs there may then write to its
/// own tensors, as a model may.
class EnableFunctionalizationGuard {
 public:
  EnableFunctionalizationGuard() : guard_(c10::impl::tls_local_dispatch_key_set().included_, excluded()) {}

 private:
  static c10::DispatchKeySet excluded() {
    return c10::impl::tls_local_dispatch_key_set().excluded_.remove(c10::DispatchKey::Functionalize);
  }
  c10::impl::ForceDispatchKeyGuard guard_;
};

}  // namespace tracejet
