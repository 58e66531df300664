#include "operator_entries.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <unordered_set>

#include <ATen/ops/allclose.h>

#include "helpers.h"
#include "testing/samples/table.h"

namespace tracejet::testing {

std::vector<const Operator*> all_operators() {
  std::vector<const Operator*> entries;
  for (const auto table : operator_tables()) {
    for (const Operator& entry : table) {
      // Libraries for Python register theirs when they are imported: test_quantized.py walks those.
      if (c10::Dispatcher::singleton().findSchema(name_of(entry))) entries.push_back(&entry);
    }
  }
  return entries;
}

std::vector<const Operator*> decomposed_operators() {
  std::vector<const Operator*> entries;
  for (const Operator* entry : all_operators()) {
    if (entry->decompose != nullptr && has_samples(*entry)) entries.push_back(entry);
  }
  return entries;
}

bool has_samples(const Operator& entry) {
  static const auto names = [] {
    std::unordered_set<std::string_view> names;
    for (const auto table : samples::sample_tables()) {
      for (const auto& samples : table) names.insert(samples.op);
    }
    return names;
  }();
  return names.contains(entry.name);
}

c10::OperatorName name_of(const Operator& entry) {
  const std::string name(entry.name);
  const auto dot = name.find('.');
  return dot == std::string::npos ? c10::OperatorName(name, "")
                                  : c10::OperatorName(name.substr(0, dot), name.substr(dot + 1));
}

c10::OperatorHandle handle_of(const Operator& entry) {
  return c10::Dispatcher::singleton().findSchema(name_of(entry)).value();
}

std::string entry_name(const ::testing::TestParamInfo<const Operator*>& info) {
  std::string name(info.param->name.substr(std::string_view("aten::").size()));
  std::replace_if(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

std::string describe(const torch::jit::Stack& arguments) {
  std::string text;
  for (const c10::IValue& argument : arguments) {
    if (!text.empty()) text += ", ";
    if (argument.isTensor() && argument.toTensor().defined()) {
      text += meta_of(argument.toTensor()).str();
    } else {
      std::ostringstream out;
      out << argument;
      text += out.str().substr(0, 80);
    }
  }
  return "(" + text + ")";
}

bool has_arbitrary_values(const c10::OperatorHandle& op) {
  return op.hasTag(at::Tag::nondeterministic_seeded) || op.operator_name().name.find("empty") != std::string::npos;
}

void expect_same_values(const std::vector<at::Tensor>& actual, const std::vector<at::Tensor>& eager, bool arbitrary) {
  ASSERT_EQ(actual.size(), eager.size());
  for (size_t i = 0; i < eager.size(); ++i) {
    ASSERT_EQ(actual[i].defined(), eager[i].defined()) << "output " << i;
    if (!eager[i].defined()) continue;
    ASSERT_EQ(actual[i].sizes(), eager[i].sizes()) << "sizes of output " << i;
    ASSERT_EQ(actual[i].scalar_type(), eager[i].scalar_type()) << "dtype of output " << i;
    if (arbitrary) continue;
    const bool exact = !eager[i].is_floating_point() && !eager[i].is_complex();
    const bool half = eager[i].scalar_type() == at::kHalf || eager[i].scalar_type() == at::kBFloat16;
    const double tolerance = exact ? 0 : half ? 1e-2 : 1e-5;
    EXPECT_TRUE(at::allclose(actual[i], eager[i], tolerance, tolerance, /*equal_nan=*/true))
        << "output " << i << " is\n"
        << actual[i] << "\nand must be\n"
        << eager[i];
  }
}

}  // namespace tracejet::testing
