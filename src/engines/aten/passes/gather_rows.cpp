#include "engines/aten/passes/gather_rows.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <unordered_map>

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>

#include "engines/aten/passes/layouts.h"
#include "engines/aten/passes/rewriting.h"
#include "engines/aten/passes/weights.h"

namespace tracejet::aten {

namespace {

constexpr int64_t kMostRows = 1 << 20;

/// Where the rows of a value come from.
struct Moved {
  const Value* source;
  size_t copies;  ///< that are made on the way
};

/// What a call that leaves rows whole makes of tensors, of rows or of their numbers.
struct Move {
  std::vector<const Value*> from;
  std::function<at::Tensor(const std::vector<at::Tensor>&)> run;
  size_t copies;
};

std::optional<std::vector<int64_t>> known_sizes(const Value& value) {
  if (!value.is_tensor() || value.tensor().dim() == 0) return std::nullopt;
  std::vector<int64_t> sizes;
  for (const c10::SymInt& size : value.tensor().sizes) {
    const auto known = size.maybe_as_int();
    if (!known || *known == 0) return std::nullopt;
    sizes.push_back(*known);
  }
  return sizes;
}

Move move_of(const Value& self, size_t copies, std::function<at::Tensor(const at::Tensor&)> run) {
  return {{&self}, [run = std::move(run)](const std::vector<at::Tensor>& rows) { return run(rows.front()); }, copies};
}

std::optional<Move> cat_of(const Call& call, int64_t rank) {
  const int64_t axis = call.axis("dim", rank);
  std::vector<const Value*> parts = call.values("tensors");
  const auto is_part = [&](const Value* part) {
    const auto sizes = known_sizes(*part);
    return sizes && static_cast<int64_t>(sizes->size()) == rank;
  };
  if (axis == rank - 1 || !std::ranges::all_of(parts, is_part)) return std::nullopt;
  return Move{std::move(parts), [axis](const std::vector<at::Tensor>& rows) { return at::cat(rows, axis); }, 1};
}

/// nullopt for calls that do something else.
std::optional<Move> move_to(const Value& value) {
  const Node* node = value.producer();
  const auto sizes = known_sizes(value);
  if (node == nullptr || !sizes || node->outputs().size() != 1) return std::nullopt;
  const Call call(*node);
  const std::string name = call.name();
  if (name == "aten::cat") return cat_of(call, static_cast<int64_t>(sizes->size()));
  if (!call.declares("self") || !call.has("self") || call.is_number("self")) return std::nullopt;
  const Value& self = call.value("self");
  const auto before = known_sizes(self);
  if (!before || before->back() != sizes->back()) return std::nullopt;
  const auto rank = static_cast<int64_t>(before->size());
  const auto as_it_is = [](const at::Tensor& rows) { return rows; };
  if (name == "aten::view" || name == "aten::reshape") {
    std::vector<int64_t> own = *sizes;
    own.back() = 1;
    return move_of(self, 0, [own](const at::Tensor& rows) { return rows.reshape(own); });
  }
  if (name == "aten::clone" || name == "aten::contiguous") return move_of(self, 1, as_it_is);
  if (name == "aten::permute") {
    const std::vector<int64_t> axes = call.axes("dims", rank);
    if (axes.empty() || axes.back() != rank - 1) return std::nullopt;
    return move_of(self, 0, [axes](const at::Tensor& rows) { return rows.permute(axes); });
  }
  if (name == "aten::constant_pad_nd") {
    const auto pads = call.optional_sym_ints("pad");
    const auto is_zero = [](const c10::SymInt& pad) { return pad.maybe_as_int() == 0; };
    if (!pads || !std::ranges::all_of(*pads, is_zero)) return std::nullopt;
    return move_of(self, 1, as_it_is);
  }
  if (name == "aten::slice.Tensor") {
    const auto start = call.has("start") ? call.sym_int("start").maybe_as_int() : 0;
    const auto end = call.has("end") ? call.sym_int("end").maybe_as_int() : std::numeric_limits<int64_t>::max();
    const auto stride = call.sym_int("step").maybe_as_int();
    const int64_t axis = call.axis("dim", rank);
    if (!start || !end || !stride || axis == rank - 1) return std::nullopt;
    return move_of(self, 0, [=](const at::Tensor& rows) { return rows.slice(axis, *start, *end, *stride); });
  }
  return std::nullopt;
}

class RowMoves {
 public:
  Moved of(const Value& value) {
    if (const auto found = known_.find(&value); found != known_.end()) return found->second;
    const Moved moved = followed(value).value_or(Moved{&value, 0});
    known_.emplace(&value, moved);
    return moved;
  }

  /// Those of the source, by number: sizes as the value's, with 1 for the last.
  at::Tensor rows(const Value& value, const Value& source) {
    if (const auto found = rows_.find(&value); found != rows_.end()) return found->second;
    at::Tensor own;
    if (&value == &source) {
      std::vector<int64_t> sizes = *known_sizes(value);
      sizes.back() = 1;
      own = at::arange(c10::multiply_integers(sizes), at::kInt).view(sizes);
    } else {
      const Move move = *move_to(value);
      std::vector<at::Tensor> from;
      for (const Value* part : move.from) from.push_back(rows(*part, source));
      own = move.run(from);
    }
    rows_.emplace(&value, own);
    return own;
  }

 private:
  std::optional<Moved> followed(const Value& value) {
    const auto move = move_to(value);
    if (!move || move->from.empty()) return std::nullopt;
    Moved whole = of(*move->from.front());
    for (const Value* part : move->from) {
      const Moved moved = of(*part);
      if (moved.source != whole.source) return std::nullopt;
      whole.copies = std::max(whole.copies, moved.copies);
    }
    whole.copies += move->copies;
    return whole;
  }

  std::unordered_map<const Value*, Moved> known_;
  std::unordered_map<const Value*, at::Tensor> rows_;
};

bool gives_new_memory(const Node& node) {
  const std::string name = Call(node).name();
  const auto is_alias = [](const c10::Argument& result) { return result.alias_info() != nullptr; };
  return node.subgraphs().empty() && name != "aten::reshape" && name != "aten::contiguous" &&
         name != "aten::_to_copy" && std::ranges::none_of(node.op().schema().returns(), is_alias);
}

/// Whether calls read it that aren't followed, and nobody can see what it shares memory with.
bool ends_here(const Graph& graph, const Value& value, RowMoves& moves, const Value& source) {
  if (graph.is_output(value) || !is_contiguous(value.tensor())) return false;
  std::vector<const Node*> others;
  for (const Node* user : value.users()) {
    const auto is_followed = [&](const Value* output) {
      return output != nullptr && output->is_tensor() && moves.of(*output).source == &source;
    };
    if (!std::ranges::any_of(user->outputs(), is_followed)) others.push_back(user);
  }
  return !others.empty() && std::ranges::all_of(others, [](const Node* user) { return gives_new_memory(*user); });
}

struct Gathered {
  const Value* value;
  const Value* source;
  at::Tensor rows;
};

class Gatherer {
 public:
  explicit Gatherer(Graph& graph) : graph_(graph), weights_(graph) {}

  void gather(const Value& value, const Value& source, const at::Tensor& rows) {
    const Node& node = *value.producer();
    const Sizes all{source.tensor().numel() / source.tensor().sizes.back(), source.tensor().sizes.back()};
    const Value& table = table_of(rows.reshape({-1}).contiguous(), source.tensor().device, value.id());
    const Value& flat =
        insert_contiguous(graph_, node, find_op("aten::reshape"), {&source, sizes_argument(all)}, value.tensor(), all);
    const Sizes taken{table.tensor().sizes.front(), all.back()};
    const Value& gathered = insert_contiguous(graph_, node, find_op("aten::index_select"), {&flat, int64_t{0}, &table},
                                              value.tensor(), taken);
    replace_node(graph_, node, find_op("aten::reshape"), {&gathered, sizes_argument(value.tensor().sizes)});
  }

 private:
  const Value& table_of(const at::Tensor& rows, c10::Device device, int64_t id) {
    for (const auto& [table, value] : tables_) {
      if (value->tensor().device == device && at::equal(table, rows)) return *value;
    }
    const Value& added = weights_.add(rows.to(device), "rows_" + std::to_string(id));
    tables_.emplace_back(rows, &added);
    return added;
  }

  Graph& graph_;
  Weights weights_;
  std::vector<std::pair<at::Tensor, const Value*>> tables_;
};

bool has_many_rows(const Value& value) {
  const std::vector<int64_t> sizes = *known_sizes(value);
  return c10::multiply_integers(sizes) / sizes.back() > kMostRows;
}

bool is_there(c10::Device device) { return device.is_cpu() || (device.is_cuda() && at::hasCUDA()); }

}  // namespace

void gather_rows(Graph& graph) {
  const at::NoGradGuard no_grad;
  RowMoves moves;
  std::vector<Gathered> found;
  for (const Node& node : graph.nodes()) {
    if (node.outputs().size() != 1 || node.outputs().front() == nullptr || !node.outputs().front()->is_tensor())
      continue;
    const Value& value = *node.outputs().front();
    if (!is_there(value.tensor().device)) continue;
    const Moved moved = moves.of(value);
    if (moved.copies < 2 || moved.source == &value || !ends_here(graph, value, moves, *moved.source) ||
        has_many_rows(*moved.source) || has_many_rows(value))
      continue;
    found.push_back({&value, moved.source, moves.rows(value, *moved.source)});
  }
  if (found.empty()) return;
  Gatherer gatherer(graph);
  for (const Gathered& gathered : found) gatherer.gather(*gathered.value, *gathered.source, gathered.rows);
}

}  // namespace tracejet::aten
