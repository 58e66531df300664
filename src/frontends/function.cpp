// Traces C++ code that calls ATen.
#include <unordered_map>

#include <ATen/core/grad_mode.h>

#include "capture/shape_report.h"
#include "capture/tracer.h"
#include "support/error.h"
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

/// Makes the symbols of dynamic axes; axes that share a dimension get the same one.
class Dimensions {
 public:
  explicit Dimensions(symbolic::Context& shapes) : shapes_(shapes) {}

  c10::SymInt size(const std::string& input, const Input& described, size_t axis) {
    const int64_t min = described.min_shape[axis], max = described.max_shape[axis];
    if (min == max) return min;
    const auto shared = described.shared_dims.find(static_cast<int64_t>(axis));
    const std::string dimension =
        shared == described.shared_dims.end() ? input + "_" + std::to_string(axis) : shared->second;
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

/// One run of `forward` under the tracer.
Program capture(Tracer& tracer, const Forward& forward, const std::vector<Input>& inputs, const ModelState& state,
                const TraceOptions& options) {
  for (const auto& [name, parameter] : state.parameters) tracer.add_parameter(name, parameter);
  for (const auto& [name, buffer] : state.buffers) tracer.add_buffer(name, buffer, /*persistent=*/true);

  Dimensions dimensions(tracer.shapes());
  std::vector<at::Tensor> arguments;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = inputs[i].name.empty() ? "input_" + std::to_string(i) : inputs[i].name;
    check(name, inputs[i]);
    TensorMeta meta;
    for (size_t axis = 0; axis < inputs[i].opt_shape.size(); ++axis) {
      meta.sizes.push_back(dimensions.size(name, inputs[i], axis));
    }
    meta.strides = contiguous_strides(meta.sizes);
    meta.dtype = inputs[i].dtype;
    meta.device = inputs[i].device;
    arguments.push_back(tracer.add_input(name, std::move(meta)));
  }

  const at::NoGradGuard no_grad;
  tracer.begin();
  for (at::Tensor& result : forward(arguments)) tracer.add_output(std::move(result));
  const auto graph = tracer.finish({options.prefer_deferred_runtime_asserts_over_guards, {}});
  if (!tracer.diagnosis().problems.empty()) {
    throw ConstraintViolation(describe(report_shapes(*graph, tracer.diagnosis(), tracer.symbol_axes()).problems));
  }
  return Program(graph);
}

}  // namespace

Program trace(const Forward& forward, const std::vector<Input>& inputs, const ModelState& state,
              const TraceOptions& options) {
  Tracer tracer({}, {.decompositions = options.decompositions});
  try {
    return capture(tracer, forward, inputs, state, options);
  } catch (const UnsupportedOperator&) {
    if (!tracer.needs_shared_memory()) throw;
  }
  tracer.end();
  Tracer sharing({}, {.decompositions = options.decompositions, .shares_memory = true});
  return capture(sharing, forward, inputs, state, options);
}

}  // namespace tracejet
