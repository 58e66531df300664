// Inputs of C++ programs: their ranges, names, dimensions, formats and profiles.
#include <limits>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include "ir/graph.h"
#include "message_of.h"
#include <tracejet/compile.h>
#include <tracejet/error.h>
#include <tracejet/trace.h>

namespace tracejet {
namespace {

using testing::message_of;

using Tensors = std::vector<at::Tensor>;

Tensors sum_of_all(const Tensors& in) {
  at::Tensor total = in[0].sum();
  for (size_t i = 1; i < in.size(); ++i) total = total + in[i].sum();
  return {total};
}

Tensors together(const Tensors& in) { return {in[0] + in[1]}; }

std::string refusal(const std::vector<Input>& inputs) {
  return message_of<InvalidInput>([&] { trace(sum_of_all, inputs); });
}

Input rows(std::string name = "", int64_t min = 1, int64_t opt = 4, int64_t max = 8) {
  return Input::dynamic({min, 3}, {opt, 3}, {max, 3}, at::kFloat, std::move(name));
}

Input sharing(Input input, std::map<int64_t, std::string> shared) {
  input.shared_dims = std::move(shared);
  return input;
}

TEST(Inputs, SayWhatIsWrongOfTheirRange) {
  EXPECT_EQ(refusal({rows("x", 9)}), "x: axis 0 has min 9 and max 8; expected min <= max");
  EXPECT_EQ(refusal({rows("x", 1, 9)}), "x: axis 0 has opt 9; expected 1 to 8");
  EXPECT_EQ(refusal({rows("", -1)}), "input_0: axis 0 of min_shape is -1; expected an integer >= 0");
  EXPECT_EQ(refusal({Input::dynamic({1}, {1, 2}, {1, 2})}),
            "input_0: min_shape, opt_shape and max_shape have ranks 1, 2 and 2; expected equal ranks");
}

TEST(Inputs, AreOfNumbersAndOfShapesThatMemoryCanHave) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const std::string refused = "is more than 64 bits count bytes of";
  EXPECT_EQ(refusal({Input::fixed({kMost, 4}, at::kFloat, "x")}), "x: [9223372036854775807, 4] " + refused);
  EXPECT_EQ(refusal({Input::fixed({kMost})}), "input_0: [9223372036854775807] " + refused);
  EXPECT_NE(refusal({Input::fixed({0, kMost, kMost})}).find(refused), std::string::npos);
  EXPECT_NE(refusal({Input::dynamic({1, 4}, {kMost, 4}, {kMost, 4})}).find(refused), std::string::npos);
  EXPECT_NO_THROW(trace(sum_of_all, {Input::dynamic({1, 4}, {8, 4}, {kMost, 4})}));
  EXPECT_NO_THROW(trace(sum_of_all, {Input::fixed({0, 4})}));
  for (const at::ScalarType dtype : {at::ScalarType::Undefined, at::kQInt8, at::kQUInt4x2, at::kBits8}) {
    EXPECT_NE(refusal({Input::fixed({2}, dtype)}).find("input_0: its dtype is "), std::string::npos);
  }
  const auto same = [](const Tensors& in) { return in; };
  for (const at::ScalarType dtype : {at::kBool, at::kUInt16, at::kComplexHalf, at::kFloat8_e5m2, at::kBFloat16}) {
    EXPECT_NO_THROW(trace(same, {Input::fixed({2}, dtype)}));
  }
}

TEST(Inputs, HaveIdentifiersForNames) {
  EXPECT_EQ(refusal({rows("a b")}), "Input: name must be an identifier like 'x', got 'a b'");
  EXPECT_EQ(refusal({sharing(rows("x"), {{0, "1"}})}), "x: shared_dims[0] must be an identifier like 'batch', got '1'");
}

TEST(Inputs, ShareDimensionsByName) {
  const auto graph = trace(together, {sharing(rows("x"), {{0, "n"}}), sharing(rows("y"), {{-2, "n"}})}).graph();
  EXPECT_EQ(graph->outputs()[0].value->tensor().str(), "float32[n, 3]");
  EXPECT_EQ(refusal({sharing(rows("x"), {{2, "n"}})}),
            "x: shared_dims names axis 2, but the shape has 2 axes (0 to 1)");
  EXPECT_EQ(refusal({sharing(rows("x"), {{0, "n"}, {-2, "m"}})}), "x: shared_dims gives axis 0 two names, 'm' and 'n'");
}

TEST(Inputs, ThatShareADimensionDeclareItAlike) {
  const Input x = sharing(rows("x"), {{0, "n"}});
  EXPECT_EQ(refusal({x, sharing(rows("y", 1, 5), {{0, "n"}})}),
            "dimension 'n' is declared twice with different ranges: (x, axis 0) has min 1, opt 4, max 8; (y, axis 0) "
            "has min 1, opt 5, max 8");
  EXPECT_EQ(refusal({x, sharing(rows("y", 4, 4, 4), {{0, "n"}})}),
            "dimension 'n' is declared twice with different ranges: (x, axis 0) has min 1, opt 4, max 8; (y, axis 0) "
            "has min 4, opt 4, max 4");
}

/// Runs the inputs' sums with different numbers of rows.
void expect_independent(const std::vector<Input>& inputs) {
  const CompiledProgram compiled = compile(trace(sum_of_all, inputs), {.engine = "aten"});
  const Tensors given{at::randn({3, 3}), at::randn({7, 3})};
  EXPECT_TRUE(at::allclose(compiled.run(given).at(0), sum_of_all(given).at(0)));
}

TEST(Inputs, AreIndependentUnlessTheySayOtherwise) {
  expect_independent({rows("x"), sharing(rows("y"), {{0, "x_0"}})});  // as x's own axis would be called
  expect_independent({rows("input_1"), rows()});
}

TEST(Inputs, OfOneNameShareTheirDynamicAxes) {
  const auto graph = trace(together, {rows("x"), rows("x")}).graph();
  EXPECT_EQ(graph->inputs()[0].name, "x");
  EXPECT_EQ(graph->inputs()[1].name, "x_1");
  EXPECT_EQ(graph->outputs()[0].value->tensor().str(), "float32[x_0, 3]");
}

// ---- formats ------------------------------------------------------------------------------------------------------

Input image(int64_t min_batch, int64_t max_batch) {
  return Input::dynamic({min_batch, 3, 4, 5}, {max_batch, 3, 4, 5}, {max_batch, 3, 4, 5}, at::kFloat, "x");
}

TEST(InputFormat, IsWhatCodeIsToldOfTheLayout) {
  const auto forward = [](const Tensors& in) {
    return Tensors{in[0].is_contiguous(at::MemoryFormat::ChannelsLast) ? in[0] * 2 : in[0] * 3};
  };
  Input x = image(2, 6);
  x.format = at::MemoryFormat::ChannelsLast;
  const Program program = trace(forward, {x});
  EXPECT_EQ(program.graph()->inputs()[0].value->tensor().strides[1], 1);
  const CompiledProgram compiled = compile(program, {.engine = "aten"});
  const at::Tensor given = at::randn({4, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(at::equal(compiled.run({given}).at(0), given * 2));
}

TEST(InputFormat, NeedsItsRank) {
  Input x = rows("x");
  x.format = at::MemoryFormat::ChannelsLast;
  EXPECT_EQ(refusal({x}), "x: format ChannelsLast needs rank 4, got rank 2");
  x.format = at::MemoryFormat::Preserve;
  EXPECT_EQ(refusal({x}), "x: format must be Contiguous, ChannelsLast or ChannelsLast3d");
}

// ---- profiles -----------------------------------------------------------------------------------------------------

const ShapeRange kDecode{{1, 1}, {1, 1}, {4, 1}}, kPrefill{{1, 16}, {1, 64}, {2, 128}};

TEST(InputProfiles, AreTracedForAllOfThemTogether) {
  const Input x = Input::with_profiles({kDecode, kPrefill}, at::kFloat, "x");
  EXPECT_EQ(x.min_shape, (std::vector<int64_t>{1, 1}));
  EXPECT_EQ(x.opt_shape, (std::vector<int64_t>{1, 1}));
  EXPECT_EQ(x.max_shape, (std::vector<int64_t>{4, 128}));
  const Program program = trace([](const Tensors& in) { return Tensors{in[0] * 2}; }, {x});
  EXPECT_EQ(program.inputs().at(0).profiles.at(1), kPrefill);
  const CompiledProgram compiled = compile(program, {.engine = "aten"});
  for (const auto& [batch, length] : {std::pair<int64_t, int64_t>{4, 1}, {2, 128}, {1, 16}}) {
    const at::Tensor given = at::randn({batch, length});
    EXPECT_TRUE(at::equal(compiled.run({given}).at(0), given * 2));
  }
}

TEST(InputProfiles, ThatContradictThemselvesOrEachOtherAreRefused) {
  EXPECT_EQ(message_of<InvalidInput>([] { Input::with_profiles({}); }), "Input: profiles must have at least one range");
  EXPECT_EQ(message_of<InvalidInput>([] { Input::with_profiles({kDecode, {{1}, {1}, {2}}}); }),
            "Input: the profiles have ranks 1, 2; expected equal ranks");
  EXPECT_EQ(message_of<InvalidInput>([] { Input::with_profiles({kDecode, {{1, 9}, {1, 3}, {1, 9}}}); }),
            "Input: profiles[1]: axis 1 has opt 3; expected 9");
  const Input two = Input::with_profiles({kDecode, kPrefill}, at::kFloat, "x");
  EXPECT_EQ(refusal({two, Input::with_profiles({kDecode}, at::kFloat, "y")}),
            "x has 2 optimization profiles, y has 1; expected equally many");
  Input wider = two;
  wider.max_shape = {9, 128};
  EXPECT_NE(refusal({wider}).find("make it by Input::with_profiles()"), std::string::npos);
}

TEST(InputProfiles, OfASharedDimensionAreTheSame) {
  const ShapeRange other{{1, 16}, {1, 32}, {2, 128}};
  const auto named = [](std::vector<ShapeRange> profiles, const char* name) {
    return sharing(Input::with_profiles(std::move(profiles), at::kFloat, name), {{1, "n"}});
  };
  EXPECT_NE(refusal({named({kDecode, kPrefill}, "x"), named({kDecode, other}, "y")})
                .find("dimension 'n' is declared twice with different ranges"),
            std::string::npos);
}

}  // namespace
}  // namespace tracejet
