// Branches, loops and calls.
#include "frontends/torchscript_interpreter.h"
#include "frontends/torchscript_nodes.h"
#include "frontends/torchscript_values.h"
#include <tracejet/control_flow.h>

namespace tracejet::torchscript {

namespace jit = torch::jit;

bool Interpreter::run_control_flow(const jit::Node& node, Frame& frame) {
  switch (node.kind()) {
    case c10::prim::If:
      run_if(node, frame);
      return true;
    case c10::prim::Loop:
      run_loop(node, frame);
      return true;
    case c10::prim::CallMethod:
      frame[node.output()] = call_method(node, frame);
      return true;
    case c10::prim::CallFunction: {
      std::vector<c10::IValue> arguments = inputs_of(node, frame);
      arguments.erase(arguments.begin());
      frame[node.output()] =
          call(*node.inputs()[0]->type()->expectRef<c10::FunctionType>().function(), std::move(arguments));
      return true;
    }
    case c10::prim::fork:
      frame[node.output()] = fork(node, frame);
      return true;
    case c10::aten::wait:
      frame[node.output()] = frame.at(node.input()).toFuture()->value();
      return true;
    case c10::prim::Enter:
    case c10::prim::Exit: {
      const c10::IValue& object = frame.at(node.input());
      const bool enters = node.kind() == c10::prim::Enter;
      std::vector<c10::IValue> arguments{object};
      if (!enters) arguments.resize(4);  // no exception is on its way
      auto& method = object.toObject()->type()->getMethod(enters ? "__enter__" : "__exit__");
      c10::IValue result = call(method, std::move(arguments));
      if (!node.outputs().empty()) frame[node.output()] = std::move(result);
      return true;
    }
    case c10::prim::RaiseException: {
      const c10::IValue& message = frame.at(node.inputs()[0]);
      throw std::runtime_error((message.isString() ? message.toStringRef() : "TorchScript raises an exception") + "\n" +
                               location_text(node));
    }
    default:
      return false;
  }
}

/// A program has no tasks: what is forked is computed at once.
c10::IValue Interpreter::fork(const jit::Node& node, Frame& frame) {
  const jit::Graph& task = *node.g(c10::attr::Subgraph);
  Frame inside;
  for (size_t i = 0; i < task.inputs().size(); ++i) inside[task.inputs()[i]] = frame.at(node.inputs()[i]);
  run_block(*task.block(), inside);
  const auto& type = node.output()->type()->expectRef<c10::FutureType>().getElementType();
  auto future = c10::make_intrusive<c10::ivalue::Future>(type);
  future->markCompleted(inside.at(task.outputs().at(0)));
  return future;
}

c10::IValue Interpreter::call_method(const jit::Node& node, Frame& frame) {
  std::vector<c10::IValue> arguments = inputs_of(node, frame);
  const auto object = arguments[0].toObject();
  jit::Function& method = object->type()->getMethod(node.s(c10::attr::name));
  const auto path = paths_.find(object.get());
  if (path == paths_.end()) return call(method, std::move(arguments));
  struct Inside {
    Inside(Tracer& of, const std::string& path, const std::string& type) : tracer(of) {
      tracer.locations().enter_module(path, type);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { tracer.locations().exit_module(); }
    Tracer& tracer;
  };
  const Inside inside(tracer_, path->second, object->type()->name()->qualifiedName());
  return call(method, std::move(arguments));
}

void Interpreter::run_if(const jit::Node& node, Frame& frame) {
  const c10::IValue& condition = frame.at(node.input());
  if (condition.isTensor()) return run_cond(node, condition.toTensor(), frame);
  locate(node);
  const bool truth = condition.isSymBool() ? condition.toSymBool().guard_bool(__FILE__, __LINE__) : condition.toBool();
  const jit::Block& block = *node.blocks()[truth ? 0 : 1];
  run_block(block, frame);
  for (size_t i = 0; i < node.outputs().size(); ++i) frame[node.outputs()[i]] = frame.at(block.outputs()[i]);
}

/// A condition on data: see run_question(), which leaves it a tensor where this can be done.
void Interpreter::run_cond(const jit::Node& node, const at::Tensor& predicate, Frame& frame) {
  const auto branch = [&](const jit::Block& block) {
    return [&](const std::vector<at::Tensor>& /*operands*/) {
      Frame inside = frame;
      run_block(block, inside);
      std::vector<at::Tensor> results;
      for (const jit::Value* output : block.outputs()) {
        results.push_back(as_tensors(inside.at(output), output->type()).toTensor());
      }
      return results;
    };
  };
  const auto results = cond(predicate, branch(*node.blocks()[0]), branch(*node.blocks()[1]), {});
  for (size_t i = 0; i < results.size(); ++i) frame[node.outputs()[i]] = results[i];
}

void Interpreter::run_loop(const jit::Node& node, Frame& frame) {
  const jit::Block& body = *node.blocks()[0];
  const auto truth = [&](const c10::IValue& value) {
    locate(node);
    return value.isSymBool() ? value.toSymBool().guard_bool(__FILE__, __LINE__) : value.toBool();
  };
  const c10::IValue& limit = frame.at(node.inputs()[0]);
  locate(node);
  const int64_t most = limit.isSymInt() ? limit.toSymInt().guard_int(__FILE__, __LINE__) : limit.toInt();
  bool goes_on = truth(frame.at(node.inputs()[1]));
  std::vector<c10::IValue> carried;
  for (size_t i = 2; i < node.inputs().size(); ++i) carried.push_back(frame.at(node.inputs()[i]));
  for (int64_t index = 0; index < most && goes_on; ++index) {
    frame[body.inputs()[0]] = index;
    for (size_t i = 0; i < carried.size(); ++i) frame[body.inputs()[i + 1]] = carried[i];
    run_block(body, frame);
    goes_on = truth(frame.at(body.outputs()[0]));
    for (size_t i = 0; i < carried.size(); ++i) carried[i] = frame.at(body.outputs()[i + 1]);
  }
  for (size_t i = 0; i < carried.size(); ++i) frame[node.outputs()[i]] = std::move(carried[i]);
}

}  // namespace tracejet::torchscript
