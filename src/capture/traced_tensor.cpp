#include "capture/traced_tensor.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "capture/keys.h"
#include "capture/known_modules.h"
#include "capture/plain_sizes.h"
#include "capture/tracer.h"
#include "ir/model_line.h"
#include "ir/size_expression.h"
#include "symbolic/asker.h"
#include "symbolic/layout.h"

namespace tracejet {

namespace {

c10::DispatchKeySet keys_of(const TensorMeta& meta) {
  return c10::DispatchKeySet(kRecordKey) |
         c10::DispatchKeySet(c10::computeDispatchKey(meta.dtype, c10::kStrided, meta.device));
}

c10::DimVector concrete(const Sizes& sizes) {
  c10::DimVector result;
  for (const c10::SymInt& size : sizes) result.push_back(size.expect_int());
  return result;
}

}  // namespace

TracedTensor::TracedTensor(std::shared_ptr<Graph> graph, const Value& value)
    : TensorImpl(keys_of(value.tensor()), c10::scalarTypeToTypeMeta(value.tensor().dtype), value.tensor().device),
      graph_(std::move(graph)),
      value_(value) {
  const TensorMeta& meta = value.tensor();
  if (meta.is_symbolic()) {
    set_sizes_and_strides(meta.sizes, meta.strides, meta.storage_offset);
  } else {
    set_sizes_and_strides(concrete(meta.sizes), concrete(meta.strides), meta.storage_offset.expect_int());
  }
  // With PyTorch's own message: one of ours would be copied into functional tensors, whose sizes could then never turn
  // from plain numbers to symbolic ones.
  set_storage_access_should_throw();
}

c10::intrusive_ptr<c10::TensorImpl> TracedTensor::shallow_copy_and_detach(const c10::VariableVersion& version,
                                                                          bool allow_metadata_change) const {
  auto copy = c10::make_intrusive<TracedTensor>(graph_, value_);
  copy->set_version_counter(version);
  copy->set_allow_tensor_metadata_change(allow_metadata_change);
  return copy;
}

c10::intrusive_ptr<c10::TensorImpl> TracedTensor::shallow_copy_and_detach(c10::VariableVersion&& version,
                                                                          bool allow_metadata_change) const {
  auto copy = c10::make_intrusive<TracedTensor>(graph_, value_);
  copy->set_version_counter(std::move(version));
  copy->set_allow_tensor_metadata_change(allow_metadata_change);
  return copy;
}

namespace {

/// ", where x_0 is x[0] and x_1 is x[1]"; empty where no symbol is the size of an input's axis.
std::string axes_in(const TensorMeta& meta) {
  const Tracer* tracer = Tracer::current();
  std::map<std::string, std::string> axes;
  for (const c10::SymInt& size : meta.sizes) {
    for (const symbolic::Symbol& symbol : symbols_of(expression_of(size))) {
      if (tracer == nullptr) continue;
      const auto known = tracer->guards().symbol_axes().find(symbol.name);
      if (known != tracer->guards().symbol_axes().end()) axes.emplace(symbol.name, known->second.front());
    }
  }
  std::string text;
  for (const auto& [name, axis] : axes) text += (text.empty() ? ", where " : " and ") + name + " is " + axis;
  return text;
}

/// The line and module that have computed a tensor, in words; empty for an input, and where nobody knows.
std::string origin_of(const Value& value, const Graph& graph) {
  if (value.producer() == nullptr) return "";
  const std::string where = describe(value.producer()->where(), graph);
  return where.empty() ? "" : ". It is computed here:\n" + where;
}

[[noreturn]] void throw_needs_plain_numbers(const Value& value, const Graph& graph) {
  if (symbolic::current_asker() == symbolic::Asker::kModel) {
    throw UnsupportedOperator(
        "the model asks for sizes or strides as plain numbers of " + value.tensor().str() + axes_in(value.tensor()) +
            ": ask for them one by one as symbols (in C++ sym_size(i), sym_stride(i), sym_numel(), "
            "in Python x.shape[i]), or make these axes static" +
            origin_of(value, graph),
        ErrorCode::kPlainNumber);
  }
  throw UnsupportedOperator("its implementation in ATen takes sizes as plain numbers, and gets " +
                                value.tensor().str() + ": make these axes static, or write it with other operators",
                            ErrorCode::kPlainNumber);
}

}  // namespace

c10::IntArrayRef TracedTensor::sizes_custom() const {
  Tracer* tracer = Tracer::current();
  const bool is_asked_by_model = tracer != nullptr && symbolic::current_asker() == symbolic::Asker::kModel;
  if (is_asked_by_model && running_known_module() != nullptr) return tracer->plain_sizes().of(value_.tensor().sizes);
  throw_needs_plain_numbers(value_, *graph_);
}

c10::IntArrayRef TracedTensor::strides_custom() const { throw_needs_plain_numbers(value_, *graph_); }

int64_t TracedTensor::numel_custom() const { throw_needs_plain_numbers(value_, *graph_); }

namespace {

std::vector<symbolic::Expression> expressions(const Sizes& sizes) {
  std::vector<symbolic::Expression> result;
  for (const c10::SymInt& size : sizes) result.push_back(expression_of(size));
  return result;
}

}  // namespace

void note_layout_question(c10::SymIntArrayRef sizes) {
  if (std::ranges::none_of(sizes, &c10::SymInt::is_symbolic)) return;
  symbolic::guard_zero_one(expressions(Sizes(sizes.begin(), sizes.end())), Tracer::current()->shapes());
}

void note_memory_question() {
  symbolic::Context& shapes = Tracer::current()->shapes();
  std::vector<symbolic::Expression> sizes;
  for (const symbolic::Symbol& symbol : shapes.symbols()) {
    if (symbol.backed) sizes.push_back(symbolic::Expression::of(symbol));
  }
  symbolic::guard_zero_one(sizes, shapes);
}

/// PyTorch would guard, also where it only wants to know whether a copy can be saved.
bool TracedTensor::is_row_major() const {
  if (!is_row_major_) {
    const TensorMeta& meta = value_.tensor();
    is_row_major_ = symbolic::is_contiguous(graph_->shapes(), expressions(meta.sizes), expressions(meta.strides));
  }
  return *is_row_major_;
}

c10::SymBool TracedTensor::sym_is_contiguous_custom(at::MemoryFormat format) const {
  const TensorMeta& meta = value_.tensor();
  if (!meta.is_symbolic()) return TensorImpl::sym_is_contiguous_custom(format);
  const bool is_asked_by_model = symbolic::current_asker() == symbolic::Asker::kModel;
  if (!is_asked_by_model && format == at::MemoryFormat::Contiguous) return is_row_major();
  auto sizes = expressions(meta.sizes);
  const auto strides = expressions(meta.strides);
  symbolic::Context& shapes = graph_->shapes();
  if (!is_asked_by_model) return symbolic::is_contiguous(shapes, sizes, strides, format);
  const symbolic::Condition answer = symbolic::contiguous_where(sizes, strides, format);
  if (!meta.strides_may_differ) sizes.clear();  // then it is right at all sizes
  return symbolic::layout_answer(answer, std::move(sizes), shapes);
}

c10::SymIntArrayRef TracedTensor::sym_strides_custom() const {
  const TensorMeta& meta = value_.tensor();
  const bool is_asked_by_model =
      Tracer::current() != nullptr && meta.is_symbolic() && symbolic::current_asker() == symbolic::Asker::kModel;
  if (is_asked_by_model) note_layout_question(meta.sizes);
  return TensorImpl::sym_strides_custom();
}

const TracedTensor* as_traced(const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.key_set().has(kRecordKey)) return nullptr;
  return dynamic_cast<const TracedTensor*>(tensor.unsafeGetTensorImpl());
}

void forbid_data_access(const at::Tensor& functional) {
  if (!functional.defined() || !functional.key_set().has(c10::DispatchKey::Functionalize)) return;
  // Only writable access, which NumPy and data_ptr() ask for: functional tensors look at the pointer themselves.
  functional.unsafeGetTensorImpl()->unsafe_storage().unsafeGetStorageImpl()->set_throw_on_mutable_data_ptr();
}

}  // namespace tracejet
