#pragma once

#include <string>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <gtest/gtest.h>

#include "ops/operator.h"

/// The entries of the operator table as parameters of tests.
namespace tracejet::testing {

/// Those that PyTorch has without libraries for Python.
std::vector<const Operator*> all_operators();
/// Those with a decomposition and samples.
std::vector<const Operator*> decomposed_operators();

bool has_samples(const Operator& entry);

c10::OperatorName name_of(const Operator& entry);
c10::OperatorHandle handle_of(const Operator& entry);
/// The name of an entry as part of a test's.
std::string entry_name(const ::testing::TestParamInfo<const Operator*>& info);
/// The arguments of a sample, for messages.
std::string describe(const torch::jit::Stack& arguments);

/// Random numbers, or whatever lies in memory: no two calls agree.
bool has_arbitrary_values(const c10::OperatorHandle& op);
/// Values (if any are meant) within rounding, dtype and sizes exactly.
void expect_same_values(const std::vector<at::Tensor>& actual, const std::vector<at::Tensor>& eager, bool arbitrary);

}  // namespace tracejet::testing
