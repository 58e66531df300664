#include "io/pt2/file_symbols.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "io/pt2/schema.h"
#include "symbolic/sym_node.h"

namespace tracejet::pt2 {

namespace {

using symbolic::Expression;
using symbolic::kInfinity;

constexpr size_t kMaxAxes = 64;

/// PyTorch tells data-dependent symbols by their names.
bool is_unbacked(const std::string& name) {
  return (name.starts_with('u') && name.size() > 1 && std::isdigit(static_cast<unsigned char>(name[1])) != 0) ||
         name.starts_with("zuf");
}

int64_t bound(const Field& range, const char* key, int64_t none) {
  return range.has(key) ? range[key].integer() : none;
}

}  // namespace

FileSymbols::FileSymbols(const Field& program) : context_(symbolic::Context::create()) {
  program["range_constraints"].for_each_member([&](const std::string& name, const Field& range) {
    const symbolic::Range read{bound(range, "min_val", -kInfinity), bound(range, "max_val", kInfinity)};
    if (read.is_empty()) range.fail("its minimum is above its maximum");
    ranges_.emplace(name, read);
  });
  const Field graph = program["graph_module"]["graph"];
  graph["tensor_values"].for_each_member([&](const std::string&, const Field& meta) {
    meta["sizes"].for_each([&](const Field& size) { note_hint(size); });
  });
  graph["sym_int_values"].for_each_member([&](const std::string&, const Field& number) { note_hint(number); });
  derive_symbols(graph);
}

namespace {

/// factor * symbol + offset
struct Linear {
  std::string symbol;
  int64_t factor, offset;
};

std::optional<Linear> as_linear(const Expression& size) {
  const bool is_sum = size.kind() == Expression::Kind::kSum;
  if (is_sum && (size.operands().size() != 2 || !size.operands()[1].is_constant())) return std::nullopt;
  const Expression& term = is_sum ? size.operands()[0] : size;
  const bool is_product = term.kind() == Expression::Kind::kProduct;
  if (is_product && term.operands().size() != 1) return std::nullopt;
  const Expression& symbol = is_product ? term.operands()[0] : term;
  if (!symbol.is_symbol() || term.coefficient() < 1) return std::nullopt;
  return Linear{symbol.symbol().name, term.coefficient(), is_sum ? size.operands()[1].constant() : 0};
}

}  // namespace

void FileSymbols::derive_symbols(const Field& graph) {
  const auto scratch = symbolic::Context::create();
  std::unordered_map<std::string, Expression> symbols;
  const auto symbol = [&](const SympySymbol& met) {
    const auto known = symbols.find(met.name);
    if (known != symbols.end()) return known->second;
    return symbols.emplace(met.name, scratch->symbol(met.name, {0, kInfinity}, 2)).first->second;
  };
  std::unordered_map<std::string, Linear> linear;  // by text
  std::vector<std::string> order;
  std::unordered_set<std::string> told;
  graph["inputs"].for_each([&](const Field& input) {
    if (!input.has("as_tensor")) return;
    const std::string& name = input["as_tensor"]["name"].string();
    if (!graph["tensor_values"].has(name.c_str())) return;
    graph["tensor_values"][name.c_str()]["sizes"].for_each([&](const Field& size) {
      const auto [kind, value] = size.variant();
      if (kind != "as_expr") return;
      const std::string& text = value["expr_str"].string();
      const auto found = value["expr_str"].located([&] { return as_linear(parse_sympy(text, symbol)); });
      if (!found) return;
      if (found->factor == 1 && found->offset == 0) {
        told.insert(found->symbol);
      } else if (linear.emplace(text, *found).second) {
        order.push_back(text);
      }
    });
  });
  for (const std::string& text : order) {
    const auto& [name, factor, offset] = linear.at(text);
    if (is_unbacked(name) || !told.insert(name).second) continue;
    const symbolic::Range range = range_of(name);
    const auto at = [&, factor = factor, offset = offset](const symbolic::Range& of) {
      return symbolic::Range::of(factor) * of + symbolic::Range::of(offset);
    };
    const symbolic::Range sizes{std::max<int64_t>(at(range).min, 0), at(range).max};
    const int64_t example = at(symbolic::Range::of(symbolic::size_oblivious_hint(range.min, range.min, range.max))).min;
    const Expression axis = context_->symbol(name + "_axis", sizes, std::clamp(example, sizes.min, sizes.max));
    parsed_.emplace(text, axis);
    symbols_.emplace(name, symbolic::floor_div(axis - Expression(offset), Expression(factor)));
    if (factor > 1)
      conditions_.push_back(symbolic::equal(symbolic::mod(axis - Expression(offset), Expression(factor)), 0));
  }
}

void FileSymbols::note_hint(const Field& number) {
  const auto [kind, value] = number.variant();
  if (kind != "as_expr" || !value.has("hint")) return;
  const std::string& text = value["expr_str"].string();
  constexpr std::string_view kSymbol = "Symbol('";
  const size_t end = text.find('\'', kSymbol.size());
  if (!text.starts_with(kSymbol) || end == std::string::npos || text.find('(', end) != std::string::npos) return;
  hints_.emplace(text.substr(kSymbol.size(), end - kSymbol.size()), value["hint"]["as_int"].integer());
}

symbolic::Range FileSymbols::range_of(const std::string& name) const {
  const auto declared = ranges_.find(name);
  return declared == ranges_.end() ? symbolic::Range{0, kInfinity} : declared->second;
}

Expression FileSymbols::symbol(const SympySymbol& symbol) {
  const auto known = symbols_.find(symbol.name);
  if (known != symbols_.end()) return known->second;
  symbolic::Range range = range_of(symbol.name);
  Expression made;
  if (is_unbacked(symbol.name)) {
    made = symbol.is_integer ? context_->unbacked("u", range) : context_->unbacked_float();
  } else {
    range.min = std::max<int64_t>(range.min, 0);  // it is a size
    if (range.is_empty()) throw Error("the range of " + symbol.name + " holds no size", ErrorCode::kUnreadableFile);
    const auto hint = hints_.find(symbol.name);
    const int64_t example =
        hint == hints_.end() ? symbolic::size_oblivious_hint(range.min, range.min, range.max) : hint->second;
    made = context_->symbol(symbol.name, range, std::clamp(example, range.min, range.max));
  }
  return symbols_.emplace(symbol.name, made).first->second;
}

Expression FileSymbols::number(const Field& number) {
  const auto [kind, value] = number.variant();
  if (kind == "as_int") return Expression(value.integer());
  if (kind == "as_float") return Expression::real(value.real());
  if (kind == "as_bool") return Expression::truth(value.boolean());
  if (kind != "as_expr") number.fail("expected a number, got " + kind);
  const Field field = value["expr_str"];
  const std::string& text = field.string();
  const auto known = parsed_.find(text);
  if (known != parsed_.end()) return known->second;
  const Expression parsed = field.located(
      [&] { return parse_sympy(text, [this](const SympySymbol& symbol) { return this->symbol(symbol); }); });
  return parsed_.emplace(text, parsed).first->second;
}

c10::SymInt FileSymbols::size(const Field& size) {
  const Expression expression = number(size);
  if (!expression.is_int()) size.fail("expected an integer");
  return context_->sym_int(expression);
}

c10::IValue FileSymbols::scalar(const Expression& number) const {
  if (number.is_int()) return context_->sym_int(number);
  if (number.is_float()) return context_->sym_float(number);
  if (number.is_constant()) return number.truth();
  return c10::SymBool(symbolic::make_sym_node(number, *context_));
}

TensorMeta FileSymbols::tensor(const Field& meta) {
  TensorMeta tensor;
  if (meta["sizes"].size() > kMaxAxes || meta["strides"].size() != meta["sizes"].size()) {
    meta.fail("expected as many strides as sizes, and at most " + std::to_string(kMaxAxes));
  }
  meta["sizes"].for_each([&](const Field& each) {
    tensor.sizes.push_back(size(each));
    const auto known = tensor.sizes.back().maybe_as_int();
    if (known && *known < 0) each.fail("expected a size, got " + std::to_string(*known));
  });
  meta["strides"].for_each([&](const Field& each) { tensor.strides.push_back(size(each)); });
  tensor.dtype = meta["dtype"].located([&] { return dtype_of(meta["dtype"].integer()); });
  tensor.device = read_device(meta["device"]);
  const Field layout = meta["layout"];
  if (layout.located([&] { return layout_of(layout.integer()); }) != at::kStrided) {
    throw UnsupportedOperator("the program has a tensor of another layout than strided", ErrorCode::kFileContent);
  }
  return tensor;
}

c10::Device read_device(const Field& device) {
  std::string name = device["type"].string();
  if (device.has("index")) name += ":" + std::to_string(device["index"].integer());
  try {
    return c10::Device(name);
  } catch (const c10::Error&) {
    device.fail("there is no device " + name.substr(0, 60));
  }
}

}  // namespace tracejet::pt2
