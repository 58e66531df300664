#include "engines/aten/passes/attention.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <unordered_map>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>

#include "engines/aten/passes/matching.h"
#include "engines/aten/passes/rewriting.h"
#include "engines/aten/passes/weights.h"
#include "symbolic/sym_node.h"

namespace tracejet::aten {

namespace {

constexpr std::string_view kAttention = "aten::scaled_dot_product_attention";
// The places of arguments in its schema.
constexpr size_t kKey = 1, kValue = 2, kMask = 3, kIsCausal = 5, kSharesHeads = 7;

std::vector<Argument> arguments_of(const Node& node) { return {node.arguments().begin(), node.arguments().end()}; }

std::optional<int64_t> size_from_end(const Value& value, int64_t axis) {
  const Sizes& sizes = value.tensor().sizes;
  if (static_cast<int64_t>(sizes.size()) < axis) return std::nullopt;
  return sizes[sizes.size() - static_cast<size_t>(axis)].maybe_as_int();
}

/// Whether there are as many results as queries: a mask of more axes or a larger batch makes more of them.
bool has_results_of_queries(const Node& node) {
  const Sizes &queries = Call(node).tensor("query").sizes, &results = node.outputs().front()->tensor().sizes;
  return queries.size() == results.size() &&
         std::equal(queries.begin(), std::prev(queries.end()), results.begin(), symbolic::is_statically_equal);
}

/// Whether a mask hides just what comes later.
bool is_causal(const at::Tensor& mask) {
  if (mask.dim() < 2 || mask.size(-1) != mask.size(-2) || mask.size(-1) < 2) return false;
  const at::Tensor causal = at::ones({mask.size(-2), mask.size(-1)}, mask.options()).tril();
  return at::equal(mask, causal.expand_as(mask));
}

/// Says of masks that are known what they hide.
class KnownMasks {
 public:
  explicit KnownMasks(Graph& graph) : graph_(graph), weights_(graph) {}

  void simplify(const Node& node) {
    const Call call(node);
    const Value* mask = call.optional_value("attn_mask");
    if (mask == nullptr || mask->tensor().dtype != at::kBool || call.flag("is_causal") || !has_results_of_queries(node))
      return;
    const Hides hides = what_hides(mask);
    if (hides == Hides::kSomething) return;
    const auto queries = size_from_end(call.value("query"), 2), keys = size_from_end(call.value("key"), 2);
    if (hides == Hides::kWhatIsLater && (!queries || queries != keys)) return;
    std::vector<Argument> arguments = arguments_of(node);
    arguments[kMask] = c10::IValue();
    arguments[kIsCausal] = hides == Hides::kWhatIsLater;
    replace_node(graph_, node, node.op(), std::move(arguments));
  }

 private:
  enum class Hides { kNothing, kWhatIsLater, kSomething };

  Hides what_hides(const Value* mask) {
    const auto [found, is_first] = known_.try_emplace(mask, Hides::kSomething);
    const at::Tensor data = weights_.data(mask);
    if (!is_first || !data.defined()) return found->second;
    if (data.all().item<bool>()) {
      found->second = Hides::kNothing;
    } else if (is_causal(data)) {
      found->second = Hides::kWhatIsLater;
    }
    return found->second;
  }

  Graph& graph_;
  Weights weights_;
  std::unordered_map<const Value*, Hides> known_;
};

/// What `value` repeats for each head of a group: reshape(clone(expand(unsqueeze(x, 2)))); null where it does something
/// else.
const Value* repeated_by_heads(const Value& value) {
  const Value* expanded = self_of(value, "aten::reshape");
  if (expanded == nullptr) expanded = self_of(value, "aten::view");
  if (expanded == nullptr) return nullptr;
  if (const Value* cloned = self_of(*expanded, "aten::clone")) expanded = cloned;
  const Value* extended = self_of(*expanded, "aten::expand");
  const Node* unsqueezed = extended == nullptr ? nullptr : made_by(*extended, "aten::unsqueeze");
  if (unsqueezed == nullptr || Call(*unsqueezed).integer("dim") != 2) return nullptr;
  const Value& source = Call(*unsqueezed).value("self");
  const Sizes &from = source.tensor().sizes, &to = value.tensor().sizes, &by = expanded->tensor().sizes;
  const auto is_equal = [](const c10::SymInt& a, const c10::SymInt& b) { return symbolic::is_statically_equal(a, b); };
  if (from.size() != 4 || to.size() != 4 || by.size() != 5) return nullptr;
  const bool repeats = is_equal(from[0], to[0]) && is_equal(from[2], to[2]) && is_equal(from[3], to[3]) &&
                       is_equal(by[0], from[0]) && is_equal(by[1], from[1]) && is_equal(by[3], from[2]) &&
                       is_equal(by[4], from[3]) && is_equal(to[1], by[1] * by[2]);
  return repeats ? &source : nullptr;
}

/// Where each head asks once, as in decoding, those that share keys are one head that asks several times: keys aren't
/// repeated, and each is read once.
class SharedQuestions {
 public:
  explicit SharedQuestions(Graph& graph) : graph_(graph) {}

  void join(const Node& node) {
    const Call call(node);
    const Value &query = call.value("query"), &key = call.value("key"), &value = call.value("value");
    const Value *own_key = repeated_by_heads(key), *own_value = repeated_by_heads(value);
    const Value* mask = call.optional_value("attn_mask");
    if (own_key == nullptr || own_value == nullptr || call.flag("is_causal") || call.flag("enable_gqa") ||
        query.tensor().dim() != 4 || size_from_end(query, 2) != 1 || (mask != nullptr && !is_for_all_heads(*mask)))
      return;
    const auto heads = size_from_end(query, 3), groups = size_from_end(*own_key, 3);
    if (!heads || !groups || *groups == 0 || size_from_end(*own_value, 3) != groups || !has_results_of_queries(node))
      return;
    const int64_t questions = *heads / *groups;
    std::vector<Argument> arguments = arguments_of(node);
    arguments[0] = &reshaped(node, query, *groups, questions);
    arguments[kKey] = own_key;
    arguments[kValue] = own_value;
    if (mask != nullptr) arguments[kMask] = &repeated(*mask, questions, node);
    const Value& result = *node.outputs().front();
    const Node& joined = graph_.insert_node(node, node.op(), std::move(arguments),
                                            {joined_meta(result, *groups, questions)}, node.where());
    replace_node(graph_, node, find_op("aten::reshape"),
                 {joined.outputs().front(), sizes_argument(result.tensor().sizes)});
  }

 private:
  static bool is_for_all_heads(const Value& mask) {
    const int64_t rank = mask.tensor().dim();
    return rank >= 2 && size_from_end(mask, 2) == 1 && (rank < 3 || size_from_end(mask, 3) == 1);
  }

  /// [batch, heads, 1, width] as [batch, groups, questions, width]
  static TensorMeta joined_meta(const Value& value, int64_t groups, int64_t questions) {
    TensorMeta meta = value.tensor();
    meta.sizes[1] = groups;
    meta.sizes[2] = questions;
    meta.strides = contiguous_strides(meta.sizes);
    meta.storage_offset = 0;
    meta.strides_may_differ = true;
    return meta;
  }

  const Value& reshaped(const Node& before, const Value& value, int64_t groups, int64_t questions) {
    TensorMeta meta = joined_meta(value, groups, questions);
    const Argument sizes = sizes_argument(meta.sizes);
    const auto op = find_op("aten::reshape");
    return *graph_.insert_node(before, op, {&value, sizes}, {std::move(meta)}, before.where()).outputs().front();
  }

  /// A row for each question, which kernels want in memory. One for all calls that take the same.
  const Value& repeated(const Value& mask, int64_t questions, const Node& before) {
    const Value*& known = repeated_[{&mask, questions}];
    if (known != nullptr) return *known;
    TensorMeta meta = mask.tensor();
    meta.sizes[meta.sizes.size() - 2] = questions;
    meta.strides[meta.strides.size() - 2] = 0;
    const Node& expanded = graph_.insert_node(before, find_op("aten::expand"),
                                              {&mask, sizes_argument(meta.sizes), false}, {meta}, before.where());
    meta.strides = contiguous_strides(meta.sizes);
    meta.storage_offset = 0;
    const Node& copied = graph_.insert_node(
        before, find_op("aten::clone"),
        {expanded.outputs().front(), static_cast<int64_t>(at::MemoryFormat::Contiguous)}, {meta}, before.where());
    return *(known = copied.outputs().front());
  }

  Graph& graph_;
  std::map<std::pair<const Value*, int64_t>, const Value*> repeated_;
};

/// Only the flash kernels of GPUs take heads that share keys, and no masks. Their heads have up to 256 numbers.
void share_heads(Graph& graph, const Node& node) {
  const Call call(node);
  const Value &query = call.value("query"), &key = call.value("key"), &value = call.value("value");
  const auto width = size_from_end(query, 1);
  const at::ScalarType dtype = query.tensor().dtype;
  if (!query.tensor().device.is_cuda() || (dtype != at::kHalf && dtype != at::kBFloat16) || call.has("attn_mask") ||
      call.flag("enable_gqa") || !width || *width > 256 || *width % 8 != 0 || size_from_end(value, 1) != width)
    return;
  const Value *own_key = repeated_by_heads(key), *own_value = repeated_by_heads(value);
  if (own_key == nullptr || own_value == nullptr) return;
  std::vector<Argument> arguments = arguments_of(node);
  arguments[kKey] = own_key;
  arguments[kValue] = own_value;
  arguments[kSharesHeads] = true;
  replace_node(graph, node, node.op(), std::move(arguments));
}

/// Masks as what is added to scores, one for all calls that take the same.
class MasksAsNumbers {
 public:
  explicit MasksAsNumbers(Graph& graph) : graph_(graph) {}

  void replace(const Node& node) {
    const Call call(node);
    const Value* mask = call.optional_value("attn_mask");
    if (mask == nullptr || mask->tensor().dtype != at::kBool || !mask->tensor().device.is_cuda()) return;
    std::vector<Argument> arguments = arguments_of(node);
    arguments[kMask] = &number_for(*mask, call.tensor("query").dtype, node);
    replace_node(graph_, node, node.op(), std::move(arguments));
  }

 private:
  /// The first call that needs it comes first in the graph.
  const Value& number_for(const Value& mask, at::ScalarType dtype, const Node& before) {
    const Value*& known = known_[{&mask, dtype}];
    if (known != nullptr) return *known;
    TensorMeta meta = mask.tensor();
    meta.strides = contiguous_strides(meta.sizes);
    meta.storage_offset = 0;
    const auto add = [&](const char* name, const char* overload, std::vector<Argument> arguments, at::ScalarType type) {
      meta.dtype = type;
      const Node& node =
          graph_.insert_node(before, find_op(name, overload), std::move(arguments), {meta}, before.where());
      return node.outputs().front();
    };
    const Argument none = c10::IValue();
    const Value* zero = add(
        "aten::full_like", "",
        {&mask, 0, static_cast<int64_t>(dtype), none, none, none, static_cast<int64_t>(at::MemoryFormat::Contiguous)},
        dtype);
    const Value* hidden = add("aten::logical_not", "", {&mask}, at::kBool);
    known = add("aten::masked_fill", "Scalar", {zero, hidden, -std::numeric_limits<double>::infinity()}, dtype);
    return *known;
  }

  struct Hash {
    size_t operator()(const std::pair<const Value*, at::ScalarType>& key) const {
      return std::hash<const Value*>()(key.first) * 31 + static_cast<size_t>(key.second);
    }
  };

  Graph& graph_;
  std::unordered_map<std::pair<const Value*, at::ScalarType>, const Value*, Hash> known_;
};

}  // namespace

void simplify_attention(Graph& graph) {
  const at::NoGradGuard no_grad;
  const auto for_each_attention = [&](auto&& rewrite) {
    for_each_node(graph, [&](const Node& node) {
      if (is_call_of(node, kAttention)) rewrite(node);
    });
  };
  KnownMasks known_masks(graph);
  for_each_attention([&](const Node& node) { known_masks.simplify(node); });
  SharedQuestions shared_questions(graph);
  for_each_attention([&](const Node& node) { shared_questions.join(node); });
  for_each_attention([&](const Node& node) { share_heads(graph, node); });
  MasksAsNumbers masks(graph);
  for_each_attention([&](const Node& node) { masks.replace(node); });
}

}  // namespace tracejet::aten
