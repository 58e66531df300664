#include "capture/shape_inference.h"

#include "base/error.h"
#include "capture/check_rule.h"
#include "capture/dense.h"
#include "capture/devices.h"
#include "capture/meta_kernel.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace {

bool is_tensor_list(const c10::Argument& returned) { return returned.type()->kind() == c10::TypeKind::ListType; }

/// Arranges a flat list of outputs as the schema returns them.
std::vector<OutputMeta> arrange(const c10::OperatorHandle& op, std::vector<TensorMeta> metas, c10::Device device) {
  for (TensorMeta& meta : metas) {
    meta.device = device;
    for (c10::SymInt& size : meta.sizes) size = symbolic::normalized(size);
    for (c10::SymInt& stride : meta.strides) stride = symbolic::normalized(stride);
  }
  const auto& returns = op.schema().returns();
  if (returns.size() == 1 && is_tensor_list(returns[0])) return {std::move(metas)};
  if (returns.size() != metas.size()) {
    throw Error("its shape rule gives " + std::to_string(metas.size()) + " outputs, its schema has " +
                    std::to_string(returns.size()),
                ErrorCode::kInternalError);
  }
  return {std::make_move_iterator(metas.begin()), std::make_move_iterator(metas.end())};
}

[[noreturn]] void throw_no_fake_implementation(const c10::OperatorHandle& op) {
  std::string arguments;
  for (const c10::Argument& argument : op.schema().arguments()) {
    arguments += (arguments.empty() ? "" : ", ") + argument.name();
  }
  const std::string& name = op.operator_name().name;
  const size_t colons = name.find("::");
  throw UnsupportedOperator(
      "has no fake implementation (a meta kernel), so the shape of its result is unknown. One returns an empty tensor "
      "of that shape. In Python:\n    @torch.library.register_fake(\"" +
          name + "\")\n    def _(" + arguments +
          "):\n        return torch.empty(...)\n  In C++:\n    TORCH_LIBRARY_IMPL(" + name.substr(0, colons) +
          ", Meta, library) {\n      library.impl(\"" + name.substr(colons + 2) +
          "\", &the_same_with_empty_tensors);  // sizes by sym_sizes(), tensors by at::empty_symint(...)\n    }",
      ErrorCode::kFakeImplementation);
}

}  // namespace

std::vector<OutputMeta> ShapeInference::infer(const Call& call, const Operator* entry) {
  symbolic::Context& shapes = scopes_.shapes();
  if (call.name() == "aten::_local_scalar_dense") {
    if (at::isFloatingType(call.tensor("self").dtype)) return {shapes.sym_float(shapes.unbacked_float())};
    return {c10::IValue(shapes.sym_int(shapes.unbacked("u", symbolic::Range::all())))};
  }
  const symbolic::Context::Current current(shapes);
  return entry != nullptr && entry->meta != nullptr ? infer_by_rule(call, *entry) : infer_by_meta_kernel(call);
}

std::vector<TensorMeta> ShapeInference::ask_rule(const Call& call, const Operator& entry) {
  symbolic::Context& shapes = scopes_.shapes();
  const symbolic::Context::Current current(shapes);
  const size_t first_guard = shapes.guards().size();
  std::vector<TensorMeta> metas = entry.meta(call);
  if (shapes.guards().size() > first_guard) shapes.name_requirements(first_guard, call.name());
  return metas;
}

std::vector<OutputMeta> ShapeInference::infer_by_rule(const Call& call, const Operator& entry) {
  std::vector<OutputMeta> outputs = arrange(call.op(), ask_rule(call, entry), device_of_results(call));
  if (checks_rules_) check_rule(call, outputs, hooks_.python);
  return outputs;
}

std::vector<OutputMeta> ShapeInference::infer_by_meta_kernel(const Call& call) {
  check_makes_dense(call.op());
  if (hooks_.lacks_fake != nullptr && hooks_.lacks_fake(call.op().operator_name().name)) {
    throw_no_fake_implementation(call.op());
  }
  if (!is_symbolic(call)) {
    if (auto outputs = outputs_by_meta_kernel(call, nullptr)) return *std::move(outputs);
  } else if (auto outputs = infer_by_expansion(call)) {
    return *std::move(outputs);
  } else if (hooks_.python == nullptr) {
    // ATen's own kernels take plain sizes; those of custom operators may have been written for symbols.
    if (auto outputs = outputs_by_meta_kernel(call, nullptr)) return *std::move(outputs);
    throw UnsupportedOperator("has no shape rule for symbolic sizes, and Python's meta functions are not at hand",
                              ErrorCode::kFakeImplementation);
  }
  if (hooks_.python != nullptr) {
    if (auto outputs = outputs_by_meta_kernel(call, hooks_.python)) {
      ++python_meta_calls_[call.name()];
      return *std::move(outputs);
    }
  }
  throw_no_fake_implementation(call.op());
}

}  // namespace tracejet
