#pragma once

#include <memory>
#include <string>
#include <vector>

#include <torch/csrc/utils/pybind.h>

#include "engines/engine.h"

namespace tracejet::python {

/// What engines that are written in Python have in common: an object of Python's that is asked, with Python held.
class AdapterEngine : public Engine {
 public:
  explicit AdapterEngine(const py::object& adapter);

  std::string name() const override { return name_; }
  std::string fingerprint() const override;
  bool runs_on(c10::Device device) const override;
  void check_settings(const CompileSettings& settings) const override;
  bool is_failure(const std::exception& error) const override;

 protected:
  const py::object& adapter() const { return *adapter_; }

  // Of those that look at a program as a GraphModule:
  py::object view_of(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs) const;
  /// Of pairs of a node and a reason.
  static std::vector<Unsupported> refusals(const py::object& pairs);

 private:
  std::string name_;
  std::shared_ptr<const py::object> adapter_;
};

}  // namespace tracejet::python
