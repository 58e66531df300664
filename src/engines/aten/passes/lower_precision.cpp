#include "engines/aten/passes/lower_precision.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <unordered_map>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "engines/aten/passes/rewriting.h"
#include "engines/aten/passes/weights.h"
#include "ir/analysis/element_flow.h"
#include "ir/call.h"
#include "ir/copy.h"

namespace tracejet::aten {

namespace {

/// Sums of products: they are added up in float32, whatever the dtype of their operands.
constexpr std::array<std::string_view, 8> kProducts{
    "aten::convolution", "aten::mm",     "aten::addmm",  "aten::bmm",
    "aten::baddbmm",     "aten::linear", "aten::matmul", "aten::scaled_dot_product_attention",
};
/// They are computed in the dtype of what they are given.
constexpr std::array<std::string_view, 28> kFollowing{
    "aten::add",
    "aten::sub",
    "aten::mul",
    "aten::neg",
    "aten::abs",
    "aten::relu",
    "aten::gelu",
    "aten::silu",
    "aten::sigmoid",
    "aten::tanh",
    "aten::clamp",
    "aten::clamp_min",
    "aten::clamp_max",
    "aten::hardtanh",
    "aten::hardswish",
    "aten::hardsigmoid",
    "aten::leaky_relu",
    "aten::elu",
    "aten::where",
    "aten::maximum",
    "aten::minimum",
    "aten::masked_fill",
    "aten::div",
    "aten::embedding",
    "aten::max_pool2d_with_indices",
    "aten::native_layer_norm",
    "aten::native_group_norm",
    "aten::prelu",
};

bool is_one_of(const Node& node, std::span<const std::string_view> names) {
  return std::ranges::find(names, node.op().operator_name().name) != names.end();
}

bool moves_elements(const Node& node) { return find_element_flow(node.op()) != nullptr; }

bool is_float(const Value* value) {
  return value != nullptr && value->is_tensor() && value->tensor().dtype == at::kFloat;
}

std::vector<const Value*> floats_of(const Node& node) {
  std::vector<const Value*> floats;
  for (const Argument& argument : node.arguments()) {
    for_each_value(argument, [&](const Value& value) {
      if (is_float(&value)) floats.push_back(&value);
    });
  }
  return floats;
}

/// Whether it is about float32 alone, with integers and booleans beside it.
bool is_of_float32(const Node& node) {
  bool is = true;
  const auto look_at = [&](const Value& value) {
    is = is && value.is_tensor() &&
         (value.tensor().dtype == at::kFloat || c10::isIntegralType(value.tensor().dtype, /*includeBool=*/true));
  };
  for (const Argument& argument : node.arguments()) for_each_value(argument, look_at);
  for (const Value* output : node.outputs()) {
    if (output != nullptr) look_at(*output);
  }
  return is && node.subgraphs().empty();
}

class PrecisionLowering {
 public:
  PrecisionLowering(Graph& graph, at::ScalarType precision)
      : graph_(graph), precision_(precision), weights_(graph), lowered_(graph.make_subgraph()) {}

  std::shared_ptr<Graph> run() {
    for (const GraphInput& input : graph_.inputs()) {
      const auto meta = input.value == nullptr ? std::nullopt : std::optional(input.value->tensor());
      const Value* value = lowered_->add_input(input.kind, meta, input.name, input.data, input.persistent);
      if (value != nullptr) forms_[input.value] = {value, nullptr, weights_.data(input.value).defined()};
    }
    for (const Node& node : graph_.nodes()) lower(node);
    for (GraphOutput output : graph_.outputs()) {
      if (output.value != nullptr) output.value = &wide(*output.value);
      lowered_->add_output(std::move(output));
    }
    return lowered_;
  }

 private:
  /// What stands for a value in the new graph.
  struct Forms {
    const Value* wide = nullptr;  ///< as it was
    const Value* narrow = nullptr;
    bool is_weight = false;  ///< or computed from nothing else
  };

  void lower(const Node& node) {
    const std::vector<const Value*> floats = floats_of(node);
    const auto is_weight = [&](const Value* value) { return forms_.at(value).is_weight; };
    if (moves_elements(node) && !floats.empty() && std::ranges::all_of(floats, is_weight)) {
      // One of the two will be dead.
      emit(node, false);
      if (is_of_float32(node) && std::ranges::all_of(floats, [&](const Value* value) { return has_narrow(*value); }))
        emit(node, true);
      for (const Value* output : node.outputs()) {
        if (output != nullptr) forms_.at(output).is_weight = true;
      }
      return;
    }
    emit(node, is_narrow(node, floats));
  }

  bool is_narrow(const Node& node, const std::vector<const Value*>& floats) {
    if (floats.empty() || !is_of_float32(node) || !numbers_fit(node)) return false;
    const auto has = [&](const Value* value) { return has_narrow(*value); };
    if (is_one_of(node, kProducts)) {
      return std::ranges::all_of(floats, [&](const Value* value) {
        return has(value) || (!forms_.at(value).is_weight && !is_mask(node, *value));
      });
    }
    if (!(is_one_of(node, kFollowing) || moves_elements(node)) || !std::ranges::all_of(floats, has)) return false;
    const auto is_unread = [&](const Value* value) {
      return value == nullptr || !is_float(value) || (value->users().empty() && !graph_.is_output(*value));
    };
    if (!moves_elements(node) && !std::ranges::all_of(node.outputs().subspan(1), is_unread)) return false;
    const auto is_weight = [&](const Value* value) { return forms_.at(value).is_weight; };
    if (std::ranges::all_of(floats, is_weight)) return node.op().operator_name().name == "aten::embedding";
    return moves_elements(node) || is_followed(node);
  }

  /// A mask may hold the least number of float32, which a 16-bit dtype would make infinite.
  static bool is_mask(const Node& node, const Value& value) {
    return is_call_of(node, "aten::scaled_dot_product_attention") && Call(node).optional_value("attn_mask") == &value;
  }

  /// Whether anybody takes the result in 16 bits. Else it isn't rounded before what needs float32.
  bool is_followed(const Node& node) const {
    const auto& users = node.outputs().front()->users();
    return std::ranges::any_of(users, [](const Node* user) {
      return is_one_of(*user, kProducts) || is_one_of(*user, kFollowing) || moves_elements(*user);
    });
  }

  bool numbers_fit(const Node& node) const {
    const double most = precision_ == at::kHalf ? 65504. : 3.3895e38;
    return std::ranges::all_of(node.arguments(), [&](const Argument& argument) {
      const auto* constant = std::get_if<c10::IValue>(&argument);
      if (constant == nullptr || !constant->isScalar()) return true;
      const c10::Scalar number = constant->toScalar();
      return number.isSymbolic() || number.isComplex() || std::isinf(number.toDouble()) ||
             std::abs(number.toDouble()) <= most;
    });
  }

  bool has_narrow(const Value& value) {
    Forms& forms = forms_.at(&value);
    if (forms.narrow != nullptr) return true;
    const at::Tensor data = weights_.data(&value);
    if (!data.defined() || std::ranges::find(unfit_, &value) != unfit_.end()) return false;
    const at::Tensor rounded = data.to(precision_);
    if (!holds_weight(rounded, data)) {
      unfit_.push_back(&value);
      return false;
    }
    TensorMeta meta = forms.wide->tensor();
    meta.dtype = precision_;
    forms.narrow =
        lowered_->add_input(GraphInput::Kind::kConstant, meta, "lowered_" + std::to_string(value.id()), rounded);
    return true;
  }

  /// Whether these are the same numbers, up to rounding.
  bool holds_weight(const at::Tensor& rounded, const at::Tensor& exact) const {
    const at::Tensor is_finite = exact.isfinite();
    const double most = precision_ == at::kHalf ? 1e-3 : 8e-3;
    const auto norm = [&](const at::Tensor& of) { return at::where(is_finite, of, at::zeros_like(of)).norm(); };
    const at::Tensor error = norm(rounded.to(exact.scalar_type()) - exact);
    return ((rounded.isfinite() == is_finite).all() & (error <= norm(exact) * most)).item<bool>();
  }

  const Value& wide(const Value& value) {
    Forms& forms = forms_.at(&value);
    if (forms.wide == nullptr) forms.wide = &cast(*forms.narrow, at::kFloat);
    return *forms.wide;
  }

  const Value& narrow(const Value& value) {
    Forms& forms = forms_.at(&value);
    if (forms.narrow == nullptr) forms.narrow = &cast(*forms.wide, precision_);
    return *forms.narrow;
  }

  const Value& cast(const Value& value, at::ScalarType dtype) {
    TensorMeta meta = value.tensor();
    meta.dtype = dtype;
    const Location where = value.producer() == nullptr ? where_ : value.producer()->where();
    const c10::IValue none;
    return *lowered_
                ->add_node(find_op("aten::_to_copy"),
                           {&value, static_cast<int64_t>(dtype), none, none, none, false, none}, {meta}, where)
                .outputs()
                .front();
  }

  void emit(const Node& node, bool is_narrow) {
    where_ = node.where();
    const auto form = [&](const Value* value) -> const Value* {
      if (value == nullptr) return nullptr;
      return is_float(value) && is_narrow ? &narrow(*value) : &wide(*value);
    };
    std::vector<Argument> arguments;
    for (const Argument& argument : node.arguments()) {
      if (const auto* value = std::get_if<const Value*>(&argument)) {
        arguments.emplace_back(form(*value));
      } else if (const auto* list = std::get_if<std::vector<const Value*>>(&argument)) {
        std::vector<const Value*> values;
        for (const Value* value : *list) values.push_back(form(value));
        arguments.emplace_back(std::move(values));
      } else {
        arguments.push_back(argument);
      }
    }
    std::vector<OutputMeta> metas = metas_of(node);
    if (is_narrow) {
      const auto lower = [&](TensorMeta& meta) { meta.dtype = meta.dtype == at::kFloat ? precision_ : meta.dtype; };
      for (OutputMeta& meta : metas) {
        if (auto* one = std::get_if<TensorMeta>(&meta)) lower(*one);
        if (auto* list = std::get_if<std::vector<TensorMeta>>(&meta)) std::ranges::for_each(*list, lower);
      }
    }
    const Node& added = lowered_->add_node(node.op(), std::move(arguments), std::move(metas), node.where(),
                                           {node.subgraphs().begin(), node.subgraphs().end()});
    for (size_t i = 0; i < node.outputs().size(); ++i) {
      const Value* output = node.outputs()[i];
      if (output == nullptr) continue;
      (is_float(output) && is_narrow ? forms_[output].narrow : forms_[output].wide) = added.outputs()[i];
    }
  }

  Graph& graph_;
  at::ScalarType precision_;
  Weights weights_;
  std::shared_ptr<Graph> lowered_;
  std::unordered_map<const Value*, Forms> forms_;
  std::vector<const Value*> unfit_;  ///< weights that lose digits
  Location where_;                   ///< of the node that is being lowered
};

}  // namespace

std::shared_ptr<Graph> lower_precision(Graph& graph, at::ScalarType precision) {
  const at::NoGradGuard no_grad;
  return PrecisionLowering(graph, precision).run();
}

}  // namespace tracejet::aten
