// Runs an operator on tensors without data, to learn what it gives.
#include "capture/meta_kernel.h"

#include <ATen/EmptyTensor.h>
#include <ATen/ScalarOps.h>
#include <c10/core/impl/PythonDispatcherTLS.h>

#include "base/error.h"
#include "capture/devices.h"
#include "capture/keys.h"
#include "capture/refusal.h"
#include "ir/schema.h"
#include "ir/symbolic_constant.h"
#include "ir/tensor_list.h"

namespace tracejet {

namespace {

at::Tensor make_meta_tensor(const TensorMeta& meta) {
  if (meta.is_symbolic()) return at::detail::empty_strided_symint_meta(meta.sizes, meta.strides, meta.dtype);
  c10::DimVector sizes;
  c10::DimVector strides;
  for (const c10::SymInt& size : meta.sizes) sizes.push_back(size.expect_int());
  for (const c10::SymInt& stride : meta.strides) strides.push_back(stride.expect_int());
  return at::detail::empty_strided_meta(sizes, strides, meta.dtype);
}

TensorMeta read_meta_tensor(const at::Tensor& tensor) {
  TensorMeta meta;
  for (const c10::SymInt& size : tensor.sym_sizes()) meta.sizes.push_back(size);
  for (const c10::SymInt& stride : tensor.sym_strides()) meta.strides.push_back(stride);
  meta.dtype = tensor.scalar_type();
  return meta;
}

c10::IValue to_meta(const Argument& argument, const c10::Argument& declared, bool has_tensors) {
  if (const auto* value = std::get_if<const Value*>(&argument)) return make_meta_tensor((*value)->tensor());
  if (const auto* list = std::get_if<std::vector<const Value*>>(&argument)) {
    std::vector<std::optional<at::Tensor>> tensors;
    for (const Value* value : *list) {
      tensors.push_back(value == nullptr ? std::nullopt : std::make_optional(make_meta_tensor(value->tensor())));
    }
    return tensor_list(declared, tensors);
  }
  const auto& constant = std::get<c10::IValue>(argument);
  if (declared.name() == "device" && (constant.isDevice() || !has_tensors)) return c10::Device(c10::kMeta);
  if (declared.name() == "pin_memory") return {};
  if (declared.type()->kind() == c10::TypeKind::TensorType && !constant.isNone()) return stand_in_for_number(constant);
  return constant;
}

/// A meta kernel looks at shapes and dtypes alone, as eager's kernel does before it computes.
[[noreturn]] void throw_refused_shapes(std::string_view message, const std::string& op) {
  try {
    throw_refusal(message, op, "");
  } catch (const DataDependent&) {
    throw;
  } catch (const UnsupportedOperator&) {
    throw;
  } catch (const Error& error) {
    throw ShapeError(error.message());
  }
}

/// Routes calls to Python's meta registrations while it lives.
class PythonDispatch {
 public:
  explicit PythonDispatch(c10::impl::PyInterpreter* python) : saved_(c10::impl::PythonDispatcherTLS::get_state()) {
    c10::impl::PythonDispatcherTLS::set_state(python);
  }
  PythonDispatch(const PythonDispatch&) = delete;
  PythonDispatch& operator=(const PythonDispatch&) = delete;
  ~PythonDispatch() { c10::impl::PythonDispatcherTLS::set_state(saved_); }

 private:
  c10::impl::PyInterpreter* saved_;
};

/// A result of a meta kernel as outputs of a node.
OutputMeta read_result(const c10::IValue& result, c10::Device device, bool strides_may_differ) {
  const auto read = [&](const at::Tensor& tensor) {
    TensorMeta meta = read_meta_tensor(tensor);
    meta.device = device;
    meta.strides_may_differ = strides_may_differ && meta.dim() > 1;
    return meta;
  };
  if (result.isTensor()) {
    if (!result.toTensor().defined()) return std::monostate();
    return read(result.toTensor());
  }
  if (result.isNone()) return std::monostate();
  if (result.isTensorList()) {
    std::vector<TensorMeta> metas;
    for (const at::Tensor& tensor : result.toTensorVector()) metas.push_back(read(tensor));
    return metas;
  }
  throw UnsupportedOperator("returns a " + result.tagKind() + ", which can't be a value of the graph");
}

}  // namespace

at::Tensor stand_in_for_number(const c10::IValue& number) {
  if (number.isSymInt()) return at::native::wrapped_scalar_tensor(1);
  if (number.isSymFloat()) return at::native::wrapped_scalar_tensor(1.0);
  if (number.isSymBool()) return at::native::wrapped_scalar_tensor(true);
  return at::native::wrapped_scalar_tensor(number.toScalar());
}

bool is_symbolic(const Call& call) {
  for (const Argument& argument : call.arguments()) {
    bool symbolic = false;
    for_each_value(argument,
                   [&](const Value& value) { symbolic |= !value.is_tensor() || value.tensor().is_symbolic(); });
    if (const auto* constant = std::get_if<c10::IValue>(&argument)) symbolic |= is_symbolic(*constant);
    if (symbolic) return true;
  }
  return false;
}

std::optional<std::vector<OutputMeta>> outputs_by_meta_kernel(const Call& call, c10::impl::PyInterpreter* python) {
  bool has_tensors = false;
  // A kernel that is given symbols decides by the example, and what it is given may be laid out otherwise.
  bool strides_may_differ = is_symbolic(call);
  for (const Argument& argument : call.arguments()) {
    for_each_value(argument, [&](const Value& value) {
      has_tensors = true;
      strides_may_differ = strides_may_differ || value.tensor().strides_may_differ;
    });
  }
  torch::jit::Stack stack;
  const auto& declared = call.op().schema().arguments();
  for (size_t i = 0; i < call.arguments().size(); ++i) {
    stack.push_back(to_meta(call.arguments()[i], declared[i], has_tensors));
  }
  {
    const ExcludeTracingGuard guard;
    std::optional<PythonDispatch> dispatch;
    if (python != nullptr) dispatch.emplace(python);
    try {
      call.op().callBoxed(stack);
    } catch (const c10::NotImplementedError&) {
      return std::nullopt;
    } catch (const c10::Error& error) {
      throw_refused_shapes(error.what_without_backtrace(), full_name(call.op()));
    } catch (const std::exception& error) {
      // Python has kept no type of an assertion in C++, only its text.
      if (!is_internal_assertion(error.what())) throw;
      throw UnsupportedOperator("has no shape rule, and Python's meta function asks for plain sizes",
                                ErrorCode::kFakeImplementation);
    }
  }
  std::vector<OutputMeta> outputs;
  const c10::Device device = device_of_results(call);
  for (const c10::IValue& result : stack) outputs.push_back(read_result(result, device, strides_may_differ));
  return outputs;
}

}  // namespace tracejet
