// Traces C++ code that calls ATen.
#include <algorithm>
#include <string_view>
#include <unordered_map>

#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "capture/refusal.h"
#include "capture/shape_report.h"
#include "capture/tracer.h"
#include "frontends/model_trace.h"
#include "symbolic/diagnosis.h"
#include <tracejet/trace.h>

namespace tracejet {

Input Input::fixed(std::vector<int64_t> shape, at::ScalarType dtype, std::string name) {
  return {shape, shape, shape, dtype, std::move(name), {}};
}

Input Input::dynamic(std::vector<int64_t> min_shape, std::vector<int64_t> opt_shape, std::vector<int64_t> max_shape,
                     at::ScalarType dtype, std::string name) {
  return {std::move(min_shape), std::move(opt_shape), std::move(max_shape), dtype, std::move(name), {}};
}

std::string Program::str() const { return graph_->str(); }

size_t Program::node_count() const { return graph_->nodes().size(); }

namespace {

/// Names an input's axis in messages: "x: axis 0".
std::string axis_of(const std::string& input, size_t axis) { return input + ": axis " + std::to_string(axis); }

void check(const std::string& name, const Input& input) {
  const size_t rank = input.opt_shape.size();
  if (input.min_shape.size() != rank || input.max_shape.size() != rank) {
    throw InvalidInput(name + ": min_shape, opt_shape and max_shape have " + std::to_string(input.min_shape.size()) +
                       ", " + std::to_string(rank) + " and " + std::to_string(input.max_shape.size()) +
                       " axes; they must have the same number");
  }
  for (size_t axis = 0; axis < rank; ++axis) {
    const int64_t min = input.min_shape[axis], opt = input.opt_shape[axis], max = input.max_shape[axis];
    if (min < 0 || min > opt || opt > max) {
      throw InvalidInput(axis_of(name, axis) + " has min " + std::to_string(min) + ", opt " + std::to_string(opt) +
                         " and max " + std::to_string(max) + "; expected 0 <= min <= opt <= max");
    }
  }
  for (const auto& [axis, dimension] : input.shared_dims) {
    if (axis < 0 || static_cast<size_t>(axis) >= rank) {
      throw InvalidInput(name + ": shared_dims names axis " + std::to_string(axis) + ", but there are " +
                         std::to_string(rank));
    }
  }
}

/// The name of a dimension; axes that share one have its.
std::string dimension_of(const std::string& input, const Input& described, size_t axis) {
  const auto shared = described.shared_dims.find(static_cast<int64_t>(axis));
  return shared == described.shared_dims.end() ? input + "_" + std::to_string(axis) : shared->second;
}

/// Makes the symbols of dynamic axes; axes that share a dimension get the same one.
class Dimensions {
 public:
  explicit Dimensions(symbolic::Context& shapes) : shapes_(shapes) {}

  c10::SymInt size(const std::string& input, const Input& described, size_t axis) {
    const int64_t min = described.min_shape[axis], max = described.max_shape[axis];
    if (min == max) return min;
    const std::string dimension = dimension_of(input, described, axis);
    const symbolic::Range range{min, max};
    const auto known = made_.find(dimension);
    if (known == made_.end()) {
      const c10::SymInt symbol = shapes_.sym_int(
          shapes_.symbol(dimension, range, symbolic::general_size(min, described.opt_shape[axis], max)));
      made_.emplace(dimension, Made{symbol, range, axis_of(input, axis)});
      return symbol;
    }
    if (known->second.range != range) {
      throw InvalidInput(axis_of(input, axis) + " is in [" + std::to_string(min) + ", " + std::to_string(max) +
                         "], but shares \"" + dimension + "\" with " + known->second.where +
                         ", which has another range");
    }
    return known->second.symbol;
  }

 private:
  struct Made {
    c10::SymInt symbol;
    symbolic::Range range;
    std::string where;
  };
  symbolic::Context& shapes_;
  std::unordered_map<std::string, Made> made_;
};

/// What a trace of a function needs to know, whichever way it goes.
struct Function {
  const Forward& forward;
  const ModelState& state;
  const TraceOptions& options;
  bool shares_memory = false;  ///< see TracerOptions
};

/// PyTorch's own words for data that only a run has, or for a dynamic size that was taken for a number, in ours.
[[noreturn]] void rethrow(const c10::Error& error, const Tracer& tracer) {
  static constexpr std::string_view kGot = "expected int but got ";
  const std::string message = error.what_without_backtrace();
  if (asks_for_data(message)) {
    throw DataDependent(
        "the code asks for a tensor's memory (data_ptr, accessor), which only exists when the program runs; compute "
        "with "
        "the tensor instead");
  }
  const size_t got = message.find(kGot);
  if (got == std::string::npos) throw error;
  const std::string size =
      message.substr(got + kGot.size(), message.find_first_of(" \n", got + kGot.size()) - got - kGot.size());
  const auto axes = tracer.symbol_axes().find(size);
  throw UnsupportedOperator(
      "the code takes " + (axes == tracer.symbol_axes().end() ? size : axes->second.front()) +
      ", a dynamic size, for a plain number (expect_int(), or a call that takes int64_t); hand it "
      "on as a SymInt, ask guard_int() where one size is meant, or make the axis static");
}

/// One run of a function under the tracer.
class FunctionTrace final : public ModelTrace {
 public:
  FunctionTrace(const Function& function, std::vector<Input> inputs, Answers answers)
      : function_(function),
        inputs_(std::move(inputs)),
        tracer_({}, {.decompositions = function.options.decompositions, .shares_memory = function.shares_memory}),
        answers_(std::move(answers)) {}

  void run() {
    for (const auto& [name, parameter] : function_.state.parameters) tracer_.add_parameter(name, parameter);
    for (const auto& [name, buffer] : function_.state.buffers) tracer_.add_buffer(name, buffer, /*persistent=*/true);
    const std::vector<at::Tensor> arguments = add_inputs();
    const at::NoGradGuard no_grad;
    tracer_.begin();
    answers_.begin();
    try {
      std::vector<at::Tensor> results = function_.forward(arguments);
      for (at::Tensor& result : results) tracer_.add_output(std::move(result));
      result_count_ = results.size();
      graph_ = tracer_.finish({asserts_relations(), {}});
    } catch (const c10::Error& error) {
      answers_.end();
      rethrow(error, tracer_);
    }
    answers_.end();
  }

  const Tracer& tracer() const override { return tracer_; }
  const symbolic::ForcedBranches& answers() const override { return answers_; }
  bool asserts_relations() const override { return function_.options.prefer_deferred_runtime_asserts_over_guards; }
  const Graph* graph() const override { return graph_.get(); }
  const std::shared_ptr<Graph>& shared_graph() const { return graph_; }

  Again trace_at(const std::string& dimension, int64_t size) const override {
    std::vector<Input> inputs = inputs_;
    for (size_t i = 0; i < inputs.size(); ++i) {
      for (size_t axis = 0; axis < inputs[i].opt_shape.size(); ++axis) {
        if (dimension_of(name(i), inputs[i], axis) != dimension) continue;
        inputs[i].min_shape[axis] = inputs[i].opt_shape[axis] = inputs[i].max_shape[axis] = size;
      }
    }
    return again(std::move(inputs), {});
  }
  Again trace_with(const Answers& answers) const override { return again(inputs_, answers); }

  bool gives_like(const ModelTrace& other) const override {
    return result_count_ == static_cast<const FunctionTrace&>(other).result_count_;
  }

 private:
  std::string name(size_t i) const { return inputs_[i].name.empty() ? "input_" + std::to_string(i) : inputs_[i].name; }

  std::vector<at::Tensor> add_inputs() {
    Dimensions dimensions(tracer_.shapes());
    std::vector<at::Tensor> arguments;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      check(name(i), inputs_[i]);
      TensorMeta meta;
      for (size_t axis = 0; axis < inputs_[i].opt_shape.size(); ++axis) {
        meta.sizes.push_back(dimensions.size(name(i), inputs_[i], axis));
      }
      meta.strides = contiguous_strides(meta.sizes);
      meta.dtype = inputs_[i].dtype;
      meta.device = inputs_[i].device;
      arguments.push_back(tracer_.add_input(name(i), std::move(meta)));
    }
    return arguments;
  }

  Again again(std::vector<Input> inputs, Answers answers) const {
    auto trace = std::make_shared<FunctionTrace>(function_, std::move(inputs), std::move(answers));
    try {
      trace->run();
    } catch (const ShapeError&) {
      return Failure::kRefusedByModel;  // so does eager PyTorch
    } catch (const Error&) {
      return Failure::kUnknown;
    } catch (const c10::Error&) {
      return Failure::kUnknown;
    } catch (const std::exception&) {
      return Failure::kRefusedByModel;
    }
    return std::shared_ptr<const ModelTrace>(std::move(trace));
  }

  const Function& function_;
  std::vector<Input> inputs_;
  Tracer tracer_;
  symbolic::ForcedBranches answers_;
  std::shared_ptr<Graph> graph_;
  size_t result_count_ = 0;
};

}  // namespace

Program trace(const Forward& forward, const std::vector<Input>& inputs, const ModelState& state,
              const TraceOptions& options) {
  Function function{forward, state, options};
  auto first = std::make_shared<FunctionTrace>(function, inputs, ModelTrace::Answers());
  try {
    first->run();
  } catch (const UnsupportedOperator&) {
    if (!first->tracer().needs_shared_memory()) throw;
    first.reset();  // a thread has one tracer at a time
    function.shares_memory = true;
    first = std::make_shared<FunctionTrace>(function, inputs, ModelTrace::Answers());
    first->run();
  }
  ProofBudget budget;
  const auto best = trace_for_all_branches(std::move(first), budget);
  const auto diagnosis =
      symbolic::diagnose(best->tracer().shapes(), {best->asserts_relations(), best->harmless_guards(budget)});
  if (!diagnosis.problems.empty()) {
    throw ConstraintViolation(
        describe(report_shapes(*best->graph(), diagnosis, best->tracer().symbol_axes()).problems));
  }
  return Program(static_cast<const FunctionTrace&>(*best).shared_graph());
}

}  // namespace tracejet
