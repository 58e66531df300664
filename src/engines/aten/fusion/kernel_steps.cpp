#include "engines/aten/fusion/kernel_steps.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "engines/aten/fusion/kernel_types.h"
#include "engines/aten/fusion/pointwise_ops.h"
#include "engines/aten/fusion/row_ops.h"
#include "ir/call.h"

namespace tracejet::aten {

namespace {

using Kind = KernelStep::Kind;

const Node* first_of_rows(const Graph& body) {
  const auto found = std::ranges::find_if(body.nodes(), [](const Node& node) { return row_op(node).has_value(); });
  return found == body.nodes().end() ? nullptr : &*found;
}

bool is_one(const Value& value) {
  const Sizes& sizes = value.tensor().sizes;
  return sizes.empty() || sizes.back().maybe_as_int() == 1;
}

class Builder {
 public:
  explicit Builder(const Graph& body) : has_rows_(first_of_rows(body) != nullptr) {
    for (size_t i = 0; i < body.inputs().size(); ++i) {
      const Value& value = *body.inputs()[i].value;
      add(value, {kind_of(value, Kind::kLoad), type_of(value).computed, "", {}, i});
    }
    for (const Node& node : body.nodes()) add(node);
    for (const GraphOutput& output : body.outputs()) result_.outputs.push_back(steps_.at(output.value));
    result_.has_rows = has_rows_;
    order_passes();
  }

  KernelSteps take() { return std::move(result_); }

 private:
  static const KernelType& type_of(const Value& value) { return *kernel_type(value.tensor().dtype); }

  Kind kind_of(const Value& value, Kind kind) const {
    return has_rows_ && kind == Kind::kEach && is_one(value) ? Kind::kRow : kind;
  }

  size_t add(KernelStep step) {
    result_.steps.push_back(std::move(step));
    return result_.steps.size() - 1;
  }
  void add(const Value& value, KernelStep step) { steps_[&value] = add(std::move(step)); }

  static std::string converted(const std::string& text, const KernelType& from, const KernelType& to) {
    if (from.dtype == to.dtype) return text;
    if (to.is_rounded) return "rounded<" + std::string(to.stored) + ">(" + text + ")";
    if (from.computed == to.computed) return text;
    return "static_cast<" + std::string(to.computed) + ">(" + text + ")";
  }

  static std::string rounded(const std::string& text, const KernelType& type) {
    return type.is_rounded ? "rounded<" + std::string(type.stored) + ">(" + text + ")" : text;
  }

  void add(const Node& node) {
    if (const auto op = row_op(node)) {
      add_rows(node, *op);
    } else if (const PointwiseOp* pointwise = pointwise_op(node)) {
      add_pointwise(node, *pointwise);
    } else {
      throw Error("no kernel can be written for " + Call(node).name());
    }
  }

  void add_pointwise(const Node& node, const PointwiseOp& op) {
    const Value& result = *node.outputs().front();
    const KernelType& in = *kernel_type(computed_in(op, node));
    KernelStep step{kind_of(result, Kind::kEach), type_of(result).computed, "", {}};
    const std::string text = text_of(op, node);
    std::unordered_map<std::string, std::string> known;
    for (size_t at = 0; at < text.size();) {
      if (text[at] != '{') {
        step.text += text[at++];
        continue;
      }
      const size_t end = text.find('}', at);
      const std::string name = text.substr(at + 1, end - at - 1);
      at = end + 1;
      if (!known.contains(name)) known[name] = argument_text(Call(node), name, in, step);
      step.text += known[name];
    }
    step.text = rounded(step.text, type_of(result));
    add(result, std::move(step));
  }

  /// What stands for {name}.
  std::string argument_text(const Call& call, const std::string& name, const KernelType& in, KernelStep& step) {
    if (name == "T") return std::string(in.computed);
    if (name == "round") return in.is_rounded ? "rounded<" + std::string(in.stored) + ">" : "";
    if (!call.has(name)) return (name == "min" ? "-infinity<" : "infinity<") + std::string(in.computed) + ">()";
    const auto* value = std::get_if<const Value*>(&call.argument(name));
    if (value == nullptr) return literal(call.scalar(name), in.computed);
    const bool is_condition = name == "mask" || name == "condition";
    const std::string own = "$" + std::to_string(step.operands.size());
    step.operands.push_back(steps_.at(*value));
    return converted(own, type_of(**value), is_condition ? *kernel_type(at::kBool) : in);
  }

  void add_rows(const Node& node, RowOp op) {
    const Call call(node);
    const Value& rows = rows_of(node);
    const Value& result = *node.outputs().front();
    const KernelType& type = type_of(result);
    const std::string_view t = type.computed;
    const std::string length =
        "static_cast<" + std::string(t) + ">(" + std::to_string(*rows.tensor().sizes.back().maybe_as_int()) + ")";
    size_t x = steps_.at(&rows);
    if (type_of(rows).dtype != type.dtype) x = add({Kind::kEach, t, converted("$0", type_of(rows), type), {x}});
    const auto each = [&](const std::string& text, std::vector<size_t> operands) {
      return add({Kind::kEach, t, text, std::move(operands)});
    };
    const auto row = [&](const std::string& text, std::vector<size_t> operands) {
      return add({Kind::kRow, t, text, std::move(operands)});
    };
    const auto give = [&](Kind kind, const std::string& text, std::vector<size_t> operands) {
      add(result, {kind, t, rounded(text, type), std::move(operands)});
    };
    const auto eps = [&] { return literal(call.number("eps"), t); };
    switch (op) {
      case RowOp::kLayerNorm: {
        const size_t mean = row("$0 / " + length, {add({Kind::kSum, t, "$0", {x}})});
        const size_t square = each("($0 - $1) * ($0 - $1)", {x, mean});
        const size_t scale = row("rsqrt($0 / " + length + " + " + eps() + ")", {add({Kind::kSum, t, "$0", {square}})});
        std::vector<size_t> operands{x, mean, scale};
        std::string text = "($0 - $1) * $2";
        for (const char* name : {"weight", "bias"}) {
          if (!call.has(name)) continue;
          text += (name == std::string("weight") ? " * $" : " + $") + std::to_string(operands.size());
          operands.push_back(steps_.at(&call.value(name)));
        }
        return give(Kind::kEach, text, std::move(operands));
      }
      case RowOp::kRmsNorm: {
        const size_t sum = add({Kind::kSum, t, "$0", {each("$0 * $0", {x})}});
        const size_t scale = row("rsqrt($0 / " + length + " + " + rms_eps(call, type) + ")", {sum});
        if (!call.has("weight")) return give(Kind::kEach, "$0 * $1", {x, scale});
        return give(Kind::kEach, "$2 * ($0 * $1)", {x, scale, steps_.at(&call.value("weight"))});
      }
      case RowOp::kSoftmax: {
        const size_t most = add({Kind::kMax, t, "$0", {x}});
        const size_t power = each("exp($0 - $1)", {x, most});
        return give(Kind::kEach, "$0 / $1", {power, add({Kind::kSum, t, "$0", {power}})});
      }
      case RowOp::kSum:
        return give(Kind::kRow, "$0", {add({Kind::kSum, t, "$0", {x}})});
      case RowOp::kMean:
        return give(Kind::kRow, "$0 * (1 / " + length + ")", {add({Kind::kSum, t, "$0", {x}})});
      case RowOp::kRotateHalf: {
        const int64_t half = *rows.tensor().sizes.back().maybe_as_int() / 2;
        KernelStep elsewhere = result_.steps[x];
        TORCH_INTERNAL_ASSERT(elsewhere.kind == Kind::kLoad);
        elsewhere.half = half;
        return give(Kind::kEach, "k + j < " + std::to_string(half) + "u ? -$0 : $0", {add(std::move(elsewhere))});
      }
      case RowOp::kMax:
        return give(Kind::kRow, "$0", {add({Kind::kMax, t, "$0", {x}})});
    }
  }

  /// By default what distinguishes numbers of the dtype that it computes in.
  static std::string rms_eps(const Call& call, const KernelType& type) {
    const auto eps = call.optional_number("eps");
    if (eps) return literal(*eps, type.computed);
    return literal(type.dtype == at::kDouble ? std::numeric_limits<double>::epsilon()
                                             : static_cast<double>(std::numeric_limits<float>::epsilon()),
                   type.computed);
  }

  /// Everything in the first pass in which all that it needs is known.
  void order_passes() {
    for (KernelStep& step : result_.steps) {
      for (const size_t operand : step.operands) {
        const KernelStep& needed = result_.steps[operand];
        const bool is_known_afterwards = needed.kind == Kind::kSum || needed.kind == Kind::kMax;
        step.pass = std::max(step.pass, needed.pass + (is_known_afterwards ? 1 : 0));
      }
      result_.passes = std::max(result_.passes, step.pass + 1);
    }
  }

  bool has_rows_;
  std::unordered_map<const Value*, size_t> steps_;
  KernelSteps result_;
};

}  // namespace

const Sizes& space_of(const Graph& body) {
  if (const Node* node = first_of_rows(body)) return rows_of(*node).tensor().sizes;
  return body.nodes().front().outputs().front()->tensor().sizes;
}

KernelSteps steps_of(const Graph& body) { return Builder(body).take(); }

}  // namespace tracejet::aten
