#pragma once

#include <memory>
#include <set>
#include <string>

#include "compile/partition/plan.h"
#include "engines/reference.h"
#include "engines/registry.h"
#include "ir/verify.h"
#include "small_graph.h"

namespace tracejet::testing {

/// Takes some operators, and runs them with PyTorch's kernels.
class Picky : public Engine {
 public:
  Picky(std::string name, std::set<std::string> taken) : name_(std::move(name)), taken_(std::move(taken)) {}

  std::string name() const override { return name_; }
  std::string fingerprint() const override { return "1"; }
  bool runs_on(c10::Device) const override { return true; }

  std::vector<Unsupported> find_unsupported(const std::shared_ptr<const Graph>& graph, const RuntimeInputs&,
                                            const CompileSettings&) const override {
    std::vector<Unsupported> found;
    for (const Node& node : graph->nodes()) {
      if (!taken_.contains(node.op().operator_name().name)) found.push_back({&node, "isn't picked"});
    }
    return found;
  }

  std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                      const CompileSettings& settings) const override {
    require_supported(*this, graph, inputs, settings);
    verify_graph(*graph);
    return reference_engine().compile(graph, inputs, {});
  }

 private:
  std::string name_;
  std::set<std::string> taken_;
};

inline std::shared_ptr<const Engine> picky(std::set<std::string> taken) {
  return std::make_shared<Picky>("picky", std::move(taken));
}

inline std::shared_ptr<const Engine> reference() { return find_compiling_engine("aten"); }

/// "picky: aten::relu aten::neg | aten: aten::exp"
inline std::string parts_of(const PartitionPlan& plan) {
  std::string text;
  for (const Part& part : plan.parts) {
    text += (text.empty() ? "" : " | ") + part.engine->name() + ": " + calls_of(*part.graph);
  }
  return text;
}

}  // namespace tracejet::testing
