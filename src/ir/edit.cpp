// What passes do to a graph.
#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "ir/analysis/subgraph_symbols.h"
#include "ir/assertion.h"
#include "ir/node_text.h"
#include "ir/symbolic_constant.h"

namespace tracejet {

namespace {

bool reads(const Node& node, const Value& value) {
  return std::ranges::find(value.users(), &node) != value.users().end();
}

/// Whether it takes values of `source`, or needs a data-dependent number from there.
bool reads_from(const Node& node, const Node& source) {
  const auto is_read = [&](const Value* value) { return value != nullptr && reads(node, *value); };
  if (std::ranges::any_of(source.outputs(), is_read)) return true;
  const std::vector<uint64_t> given = unbacked_symbols_from(source);
  if (given.empty()) return false;
  return std::ranges::any_of(symbols_read_by(node), [&](const symbolic::Symbol& symbol) {
    return std::ranges::find(given, symbol.id) != given.end();
  });
}

[[noreturn]] void refuse(const Node& node, const std::string& problem) {
  throw Error("the graph can't be changed so: " + text_of(node) + " " + problem, ErrorCode::kInternalError);
}

/// Without guards: sizes of which it isn't known are different.
bool have_equal_sizes(const TensorMeta& a, const TensorMeta& b) {
  return std::ranges::equal(a.sizes, b.sizes, symbolic::is_statically_equal);
}

bool can_stand_for(const Value& by, const Value& value) {
  if (by.is_tensor() != value.is_tensor()) return false;
  if (!value.is_tensor()) return by.scalar().tagKind() == value.scalar().tagKind();
  const TensorMeta &a = by.tensor(), &b = value.tensor();
  return a.dtype == b.dtype && a.device == b.device && have_equal_sizes(a, b);
}

std::string in_words(const Value& value) {
  return name_of(&value) + " (" + (value.is_tensor() ? value.tensor().str() : value.scalar().tagKind()) + ")";
}

}  // namespace

Node& Graph::insert_node(const Node& before, c10::OperatorHandle op, std::vector<Argument> arguments,
                         std::vector<OutputMeta> outputs, Location where,
                         std::vector<std::shared_ptr<Graph>> subgraphs) {
  return emplace(before.place_, std::move(op), std::move(arguments), std::move(outputs), std::move(where),
                 std::move(subgraphs));
}

bool Graph::is_output(const Value& value) const {
  return std::ranges::any_of(outputs_, [&](const GraphOutput& output) { return output.value == &value; });
}

template <typename Kept>
void Graph::replace_uses(const Value& value, const Value& by, Kept&& is_kept) {
  if (&value == &by) return;
  if (!can_stand_for(by, value)) {
    throw Error("the graph can't be changed so: " + in_words(by) + " can't stand for " + in_words(value),
                ErrorCode::kInternalError);
  }
  const auto replace = [&](const Value*& read) {
    if (read == &value) read = &by;
  };
  c10::SmallVector<const Node*, 2> kept;
  for (const Node* user : value.users_) {
    if (user == by.producer() || is_kept(*user)) {
      kept.push_back(user);
      continue;
    }
    for (Argument& argument : user->place_->arguments_) {
      if (auto* one = std::get_if<const Value*>(&argument)) replace(*one);
      if (auto* list = std::get_if<std::vector<const Value*>>(&argument)) std::ranges::for_each(*list, replace);
    }
    if (!reads(*user, by)) by.users_.push_back(user);
  }
  value.users_ = std::move(kept);
  for (GraphOutput& output : outputs_) replace(output.value);
}

void Graph::replace_all_uses(const Value& value, const Value& by) {
  replace_uses(value, by, [](const Node&) { return false; });
}

void Graph::replace_later_uses(const Value& value, const Value& by) {
  std::unordered_set<const Node*> before;
  for (const Node& node : nodes_) {
    if (by.producer() == nullptr || &node == by.producer()) break;
    before.insert(&node);
  }
  replace_uses(value, by, [&](const Node& user) { return before.contains(&user); });
}

void Graph::erase(const Node& node) {
  for (Value* value : node.outputs()) {
    if (value == nullptr) continue;
    const std::string name = name_of(value);
    if (!value->users_.empty()) refuse(node, "can't go: " + text_of(*value->users_.front()) + " reads " + name);
    if (is_output(*value)) refuse(node, "can't go: " + name + " is an output of the graph");
  }
  for (Value* value : node.outputs()) {
    if (value != nullptr) value->producer_ = nullptr;
  }
  for (const Argument& argument : node.arguments()) {
    for_each_value(argument, [&](const Value& value) {
      // From the back, where a pass that goes backwards finds it at once.
      const auto found = std::find(value.users_.rbegin(), value.users_.rend(), &node);
      if (found != value.users_.rend()) value.users_.erase(std::next(found).base());
    });
  }
  nodes_.erase(node.place_);
}

void Graph::move(const Node& node, const Node* before) {
  if (before == &node) return;
  const auto target = before == nullptr ? nodes_.end() : before->place_;
  bool goes_down = before == nullptr;
  for (auto place = std::next(node.place_); place != nodes_.end() && !goes_down; ++place) goes_down = place == target;
  if (goes_down) {
    for (auto place = std::next(node.place_); place != target; ++place) {
      if (reads_from(*place, node)) refuse(node, "can't stand behind " + text_of(*place) + ", which reads it");
    }
  } else {
    for (auto place = target; place != node.place_; ++place) {
      if (reads_from(node, *place)) refuse(node, "can't stand in front of " + text_of(*place) + ", which it reads");
    }
  }
  nodes_.splice(target, nodes_, node.place_);
}

}  // namespace tracejet
