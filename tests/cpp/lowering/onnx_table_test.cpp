// Walks the table of operators: every conversion to ONNX must give OpenVINO what eager PyTorch gives, on the samples of
// the operator.
#include <algorithm>
#include <set>
#include <string>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "compile/program_runner.h"
#include "lowering/onnx/conversion.h"
#include "one_call.h"
#include "operator_entries.h"
#include "ops/operator.h"
#include "testing/samples/table.h"

namespace tracejet {
namespace {

std::vector<const Operator*> converted_operators() {
  std::vector<const Operator*> entries;
  for (const Operator* entry : testing::all_operators()) {
    const bool is_converted = onnx::find_conversion(testing::name_of(*entry)) != nullptr;
    if (is_converted && testing::has_samples(*entry)) entries.push_back(entry);
  }
  return entries;
}

/// OpenVINO computes float64 as float32 and int64 as int32.
double tolerance_of_readers(at::ScalarType dtype) {
  if (dtype == at::kHalf || dtype == at::kBFloat16) return 2e-2;
  return at::isFloatingType(dtype) ? 1e-4 : 0;
}

void expect_near_eager(const std::vector<at::Tensor>& results, const std::vector<at::Tensor>& eager) {
  ASSERT_EQ(results.size(), eager.size());
  for (size_t i = 0; i < eager.size(); ++i) {
    ASSERT_EQ(results[i].sizes(), eager[i].sizes()) << "sizes of output " << i;
    ASSERT_EQ(results[i].scalar_type(), eager[i].scalar_type()) << "dtype of output " << i;
    const double tolerance = tolerance_of_readers(eager[i].scalar_type());
    EXPECT_TRUE(at::allclose(results[i], eager[i], tolerance, tolerance, /*equal_nan=*/true))
        << "output " << i << " is\n"
        << results[i] << "\nand must be\n"
        << eager[i];
  }
}

class Conversion : public ::testing::TestWithParam<const Operator*> {
 protected:
  /// Why OpenVINO refuses the program; empty where it ran, and gave what eager gives.
  static std::string run(const testing::OneCall& program, bool has_arbitrary_values) {
    SCOPED_TRACE(program.graph->str());
    try {
      const ProgramRunner compiled(program.graph, {.engine = "openvino"});
      const auto results = compiled.run(program.inputs);
      if (!has_arbitrary_values) expect_near_eager(results, program.eager);
    } catch (const UnsupportedOperator& error) {
      return std::string(error.message());
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
    return {};
  }
};

TEST_P(Conversion, GivesOpenVinoWhatEagerGives) {
  const at::NoGradGuard no_grad;
  const Operator& entry = *GetParam();
  const auto op = testing::handle_of(entry);
  const bool has_arbitrary_values = testing::has_arbitrary_values(op);
  bool ran = false;
  std::set<std::string> refused;
  for (const torch::jit::Stack& sample : samples::samples_of(entry.name)) {
    std::string refusal = run(testing::one_call(op, sample), has_arbitrary_values);
    // Results that only training reads may be missing.
    if (!refusal.empty()) refusal = run(testing::one_call(op, sample, 1), has_arbitrary_values);
    ran |= refusal.empty();
    refused.insert(refusal);
  }
  std::string reasons;
  for (const std::string& reason : refused) reasons += "\n" + reason;
  EXPECT_TRUE(ran) << "every sample is refused:" << reasons;
}

INSTANTIATE_TEST_SUITE_P(Every, Conversion, ::testing::ValuesIn(converted_operators()), testing::entry_name);

}  // namespace
}  // namespace tracejet
