#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/engine.h"
#include "engines/kernel_times.h"
#include "engines/openvino/failure.h"
#include "engines/openvino/model.h"
#include "engines/openvino/session.h"
#include "ir/assertion.h"
#include "ir/graph.h"
#include "lowering/onnx/model.h"

namespace tracejet::openvino {

/// A program that OpenVINO has compiled.
class OpenVinoExecutable final : public Executable {
 public:
  /// `lowered`: the graph as it was compiled for `sessions`. `identity`: see identity_of().
  OpenVinoExecutable(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs, const onnx::Model& lowered,
                     std::string identity, std::shared_ptr<const Sessions> sessions);
  /// The same of a model that was read, without anything refused.
  OpenVinoExecutable(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs, const Model& model,
                     const ov::AnyMap& properties);
  /// The program of `compiled` again, of another graph that `lowered` is of.
  OpenVinoExecutable(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs, const onnx::Model& lowered,
                     const OpenVinoExecutable& compiled);

  std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const override;
  std::vector<Unsupported> warnings() const override { return warnings_; }
  std::optional<std::string> serialize() const override;

  /// What it was compiled from; null where it was loaded.
  const std::shared_ptr<const ov::Model>& model() const { return model_; }
  const std::string& identity() const { return identity_; }
  const std::vector<onnx::NamedTensor>& weights() const { return weights_; }

 private:
  using Port = ov::Output<const ov::Node>;
  struct Input {
    std::string name;
    std::optional<Port> port;  ///< none where no output depends on it
  };
  struct NumberInput {
    Port port;
    symbolic::Expression value;
    bool is_shape;
  };
  struct Output {
    Port port;
    const TensorMeta* meta;  ///< null for a runtime scalar
    bool is_foreseeable;     ///< its size follows from those of the inputs
  };
  struct Check {
    Port port;  ///< a boolean
    std::string message;
  };

  /// Of these inputs, which are checked.
  std::vector<c10::IValue> run_in(Session& session, const std::vector<at::Tensor>& inputs,
                                  const RuntimeSizes& sizes) const;
  /// What the request's last run took.
  void note_times(KernelTimes& times, const ov::CompiledModel& compiled, ov::InferRequest& request) const;
  /// `value`: null for a number that is computed from runtime scalars.
  static Output described(const Value* value, Port port);
  void check_int64(const at::Tensor& tensor, const std::string& name) const;
  static void hand_over(ov::InferRequest& request, const NumberInput& number, const RuntimeSizes& sizes);
  static at::Tensor offer_memory(ov::InferRequest& request, const Output& output, const RuntimeSizes& sizes);
  at::Tensor taken(const ov::Tensor& given, const at::Tensor& offered, size_t index, const RuntimeSizes& sizes) const;
  std::string failure_in_run(const std::string& error) const;

  std::shared_ptr<const Graph> graph_;
  FailureLocator locator_;
  std::string identity_;
  std::shared_ptr<const ov::Model> model_;
  std::vector<onnx::NamedTensor> weights_;  // shared with the graph
  std::vector<Unsupported> warnings_;
  int64_t int64_min_, int64_max_;  // where int64 inputs have to lie
  std::shared_ptr<const Sessions> sessions_;
  std::vector<Input> inputs_;
  std::vector<NumberInput> numbers_;
  std::vector<RuntimeAssertion> requirements_;  // of the sizes of inputs
  std::vector<Output> outputs_;
  std::vector<Check> checks_;
};

}  // namespace tracejet::openvino
