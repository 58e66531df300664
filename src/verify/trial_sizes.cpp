#include "verify/trial_sizes.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "base/error.h"
#include "ir/assertion.h"
#include "ir/size_expression.h"
#include "symbolic/context.h"

namespace tracejet {

namespace {

using symbolic::Expression;
using symbolic::Symbol;

/// From here on a bound is none: what programs of torch.export have as one.
constexpr int64_t kUnbounded = (int64_t{1} << 31) - 1;
constexpr int64_t kMostAttempts = 20'000;

class DeclaredSizes {
 public:
  explicit DeclaredSizes(const Graph& graph) {
    for (const GraphInput& input : graph.inputs()) {
      if (input.kind != GraphInput::Kind::kUser || input.value == nullptr) continue;
      for (const c10::SymInt& size : input.value->tensor().sizes) {
        sizes_.push_back(size);
        for (Symbol& symbol : symbolic::symbols_of(expression_of(size))) {
          if (std::ranges::find(symbols_, symbol.id, &Symbol::id) != symbols_.end()) continue;
          symbol.range = graph.shapes().range(Expression::of(symbol));
          symbols_.push_back(std::move(symbol));
        }
      }
    }
    for (const Node& node : graph.nodes()) {
      const auto assertion = assertion_of(node);
      if (assertion && !symbolic::is_data_dependent(assertion->condition)) asserted_.push_back(assertion->condition);
    }
  }

  bool are_static() const { return symbols_.empty(); }

  std::optional<Trial> find(const std::string& name) const {
    std::vector<int64_t> target;
    for (const Symbol& symbol : symbols_) target.push_back(target_of(symbol, name));
    if (auto trial = try_with(target, name)) return trial;
    const int64_t step = name == "max" ? -1 : 1;
    int64_t attempts = 0;
    for (int64_t radius = 1; attempts < kMostAttempts; ++radius) {
      std::vector<int64_t> offsets(symbols_.size(), 0);
      if (auto trial = try_around(target, offsets, 0, radius, step, name, attempts)) return trial;
    }
    return std::nullopt;
  }

 private:
  static int64_t target_of(const Symbol& symbol, const std::string& name) {
    if (name == "min") return std::max<int64_t>(symbol.range.min, 0);
    if (name == "opt") return symbol.hint;
    return symbol.range.max < kUnbounded ? symbol.range.max : std::max(2 * symbol.hint, symbol.range.min);
  }

  /// All offsets up to `radius` of which one is just that.
  std::optional<Trial> try_around(const std::vector<int64_t>& target, std::vector<int64_t>& offsets, size_t next,
                                  int64_t radius, int64_t step, const std::string& name, int64_t& attempts) const {
    if (attempts >= kMostAttempts) return std::nullopt;
    if (next == offsets.size()) {
      if (std::ranges::max(offsets) != radius) return std::nullopt;
      ++attempts;
      std::vector<int64_t> values = target;
      for (size_t i = 0; i < values.size(); ++i) values[i] += step * offsets[i];
      return try_with(values, name);
    }
    for (int64_t offset = 0; offset <= radius; ++offset) {
      offsets[next] = offset;
      if (auto trial = try_around(target, offsets, next + 1, radius, step, name, attempts)) return trial;
    }
    return std::nullopt;
  }

  std::optional<Trial> try_with(const std::vector<int64_t>& values, const std::string& name) const {
    Trial trial{name, {}, {}};
    for (size_t i = 0; i < symbols_.size(); ++i) {
      if (!symbols_[i].range.contains(values[i])) return std::nullopt;
      trial.sizes.bind(symbols_[i].id, values[i]);
      trial.dimensions.emplace_back(symbols_[i].name, values[i]);
    }
    try {
      for (const c10::SymInt& size : sizes_) {
        const int64_t value = trial.sizes.evaluate(size);
        const auto declared = symbolic::symbol_behind(size);
        if (value < 0 || !expression_of(size).range().contains(value)) return std::nullopt;
        if (declared && !declared->range.contains(value)) return std::nullopt;
        if (declared) trial.sizes.bind(declared->id, value);
      }
      const auto holds = [&](const symbolic::Condition& condition) { return trial.sizes.holds(condition); };
      if (!std::ranges::all_of(asserted_, holds)) return std::nullopt;
    } catch (const InvalidInput&) {  // a division by zero
      return std::nullopt;
    }
    return trial;
  }

  std::vector<c10::SymInt> sizes_;
  std::vector<Symbol> symbols_;
  std::vector<symbolic::Condition> asserted_;
};

}  // namespace

std::vector<Trial> trials_of(const Graph& graph, const std::vector<std::string>& names) {
  const DeclaredSizes sizes(graph);
  std::vector<Trial> trials;
  if (sizes.are_static()) {
    if (auto trial = sizes.find("static"); trial && !names.empty()) trials.push_back(*std::move(trial));
    return trials;
  }
  for (const std::string& name : names) {
    if (name != "min" && name != "opt" && name != "max") {
      throw InvalidInput("sizes are \"min\", \"opt\" and \"max\", got \"" + name + "\"", ErrorCode::kVerifyInputs);
    }
    auto trial = sizes.find(name);
    if (!trial) continue;
    const auto is_same = [&](const Trial& other) { return other.dimensions == trial->dimensions; };
    if (std::ranges::none_of(trials, is_same)) trials.push_back(*std::move(trial));
  }
  return trials;
}

}  // namespace tracejet
