#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/function.h>
#include <ATen/core/stack.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include "capture/tracer.h"

namespace tracejet::torchscript {

/// What methods have set in one trace, by object and name: the modules themselves are left alone.
using SetAttributes = std::map<std::pair<const c10::ivalue::Object*, std::string>, c10::IValue>;

/// Runs a method of a TorchScript module under a tracer. PyTorch's own interpreter holds sizes as plain numbers; here
/// they stay symbols, and operators are called through the dispatcher, as any other code calls them.
///
/// Branches and loops go the way that numbers say. What depends on data is torch.cond where both ways give tensors and
/// write to none.
///
/// Attributes that are set are kept aside; tensors among them become the program's buffers when finish() is called.
class Interpreter {
 public:
  /// `set` outlives this: other modules of the trace may share it. `path`: of the module in the model.
  Interpreter(Tracer& tracer, const torch::jit::Module& module, SetAttributes& set, const std::string& path = "");
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// `arguments`: without the module itself, all of them or those that have no default.
  c10::IValue run(const std::string& method, std::vector<c10::IValue> arguments);
  /// To be called after a run(). Throws UnsupportedOperator where the next call would read what these have
  /// left behind, and isn't kept in a buffer.
  void finish();

 private:
  using Frame = std::unordered_map<const torch::jit::Value*, c10::IValue>;

  c10::IValue call(torch::jit::Function& function, std::vector<c10::IValue> arguments);
  void run_block(const torch::jit::Block& block, Frame& frame);
  void run_node(const torch::jit::Node& node, Frame& frame);
  /// False where nothing special is to be done for the node.
  bool run_control_flow(const torch::jit::Node& node, Frame& frame);
  bool run_structure(const torch::jit::Node& node, Frame& frame);
  bool run_question(const torch::jit::Node& node, Frame& frame);
  void run_operator(const torch::jit::Node& node, Frame& frame);

  void run_if(const torch::jit::Node& node, Frame& frame);
  void run_cond(const torch::jit::Node& node, const at::Tensor& predicate, Frame& frame);
  void run_loop(const torch::jit::Node& node, Frame& frame);
  c10::IValue call_method(const torch::jit::Node& node, Frame& frame);
  c10::IValue fork(const torch::jit::Node& node, Frame& frame);
  c10::IValue attribute(const c10::IValue& object, const std::string& name);
  std::string full_name(const c10::ivalue::Object* object, const std::string& name) const;
  void check_unshared(const c10::ivalue::Object* holder, const std::string& name, const at::Tensor& buffer) const;
  /// Tensors that methods set and that are no buffers become some.
  void announce_state();
  /// Errors and guards name the node's line from here on.
  void locate(const torch::jit::Node& node);
  c10::IValue for_language(const c10::IValue& result) const;
  std::vector<c10::IValue> inputs_of(const torch::jit::Node& node, Frame& frame) const;

  Tracer& tracer_;
  const torch::jit::Module& module_;
  std::unordered_map<const c10::ivalue::Object*, std::string> paths_;  ///< of the module and all in it
  SetAttributes& set_;
  c10::IValue::HashIdentityIValueMap copies_;  ///< of lists, dicts and objects in attributes, which methods may change
};

}  // namespace tracejet::torchscript
