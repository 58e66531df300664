#include "ops/operator_names.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/error.h"

namespace tracejet {

namespace {

/// The overloads of an operator that write to nothing, as "aten::add.Scalar, aten::add.Tensor".
std::string overloads_of(const std::string& operator_name) {
  std::vector<std::string> names;
  for (const c10::OperatorName& name : c10::Dispatcher::singleton().getAllOpNames()) {
    if (name.name != operator_name) continue;
    const auto op = c10::Dispatcher::singleton().findSchema(name);
    if (op && !op->schema().is_mutable()) names.push_back(c10::toString(name));
  }
  std::ranges::sort(names);
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

c10::OperatorName parse_operator_name(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return {std::string(name), ""};
  return {std::string(name.substr(0, dot)), std::string(name.substr(dot + 1))};
}

c10::OperatorHandle operator_named(std::string_view name) {
  const c10::OperatorName parsed = parse_operator_name(name);
  if (const auto op = c10::Dispatcher::singleton().findSchema(parsed)) return *op;
  const std::string overloads = overloads_of(parsed.name);
  throw InvalidInput("decompositions: PyTorch has no operator " + std::string(name) +
                         (overloads.empty() ? "; expected a name such as aten::gelu or aten::add.Tensor"
                                            : "; its overloads are " + overloads),
                     ErrorCode::kDecompositionTable);
}

bool is_composite(const c10::OperatorHandle& op) {
  // Leaves of the dispatcher that have to be expanded above functionalization, by decompositions of our own. ATen
  // undoes writes to the parts of an unbind with plain sizes; its decomposition is views again. Those of batch norm
  // write to the running statistics, and their schemas don't say so.
  static const std::array early{c10::OperatorName("aten::unbind", "int"),
                                c10::OperatorName("aten::native_batch_norm", ""),
                                c10::OperatorName("aten::cudnn_batch_norm", "")};
  return op.hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd) ||
         std::ranges::find(early, op.operator_name()) != early.end();
}

}  // namespace tracejet
