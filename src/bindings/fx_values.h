#pragma once

#include <unordered_map>

#include <torch/csrc/utils/pybind.h>

#include "ir/graph.h"
#include "symbolic/expression.h"

namespace tracejet::python {

/// Turns the metadata of a graph's values into what stands in `node.meta["val"]`: FakeTensors and Python numbers.
///
/// `writer` is Python's side (`fx_writer.Writer`): it knows PyTorch's ShapeEnv and how a FakeTensor is made.
class FxValues {
 public:
  explicit FxValues(const py::object& writer)
      : symbolic_number_(writer.attr("symbolic_number")), fake_tensor_(writer.attr("fake_tensor")) {}

  py::object tensor(const TensorMeta& meta, bool requires_grad);
  /// A plain int, or a torch.SymInt over the writer's ShapeEnv.
  py::object size(const c10::SymInt& size);
  /// A torch.SymInt, SymFloat or SymBool; one object per expression.
  py::object number(const symbolic::Expression& expression);

 private:
  at::Tensor meta_tensor(const TensorMeta& meta);
  /// The same number over the writer's ShapeEnv.
  c10::SymInt translated(const c10::SymInt& size);
  Sizes translated(const Sizes& sizes);
  py::object device(c10::Device device);

  py::object symbolic_number_;
  py::object fake_tensor_;
  std::unordered_map<symbolic::Expression, py::object> numbers_;
  std::unordered_map<symbolic::Expression, c10::SymInt> translated_;
  std::unordered_map<c10::Device, py::object> devices_;
};

}  // namespace tracejet::python
