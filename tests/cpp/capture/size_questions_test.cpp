// What C++ code may ask of a dynamic size, and what becomes of it: right at every size, or refused with the axis.
#include <ATen/Functions.h>
#include <ATen/TensorIndexing.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <tracejet/compile.h>
#include <tracejet/error.h>
#include <tracejet/trace.h>

namespace tracejet {
namespace {

using Tensors = std::vector<at::Tensor>;
using Function = std::function<at::Tensor(const at::Tensor&)>;

struct Question {
  const char* name;
  Function function;
  /// What the refusal says; empty where the program is right at every size.
  const char* refusal = "";
};

void PrintTo(const Question& question, std::ostream* out) { *out << question.name; }

bool is_row(c10::SymIntArrayRef sizes) { return sizes.size() == 2 && sizes[0] == 1; }

at::Tensor sum_of_rows(const at::Tensor& x) {
  at::Tensor total = at::zeros({4});
  for (int64_t row = 0; row < x.sym_size(0); ++row) total = total + x[0] * row;
  return total;
}

const Question kQuestions[] = {
    {"is it 1", [](const auto& x) { return x.sym_size(0) == 1 ? x * 100 : x * 2; }, "x[0]"},
    {"is it 1, for nothing", [](const auto& x) { return x.sym_size(0) == 1 ? x * 2 : 2 * x; }},
    {"is it not 1", [](const auto& x) { return x.sym_size(0) != 1 ? x : x.sum(0); }, "x[0]"},
    {"is it 0", [](const auto& x) { return x.sym_size(0) == 0 ? x * 100 : x * 2; }},
    {"is it large", [](const auto& x) { return x.sym_size(0) > 8 ? x * 100 : x * 2; }, "x[0]"},
    {"is it large, for nothing", [](const auto& x) { return x.sym_size(0) > 8 ? x.abs() : at::abs(x); }},
    {"is it even, for nothing",
     [](const auto& x) {
       const auto padding = (2 - x.sym_size(0) % 2) % 2;
       if (padding == 0) return x * 2;
       return at::constant_pad_nd_symint(x * 2, {0, 0, 0, padding}).slice_symint(0, 0, x.sym_size(0));
     }},
    {"bound of a loop", sum_of_rows, "x[0]"},
    {"a plain number", [](const auto& x) { return x * x.sym_size(0).guard_int(__FILE__, __LINE__); }, "x[0]"},
    {"expect_int", [](const auto& x) { return x * x.sym_size(0).expect_int(); }, "x[0], a dynamic size"},
    {"size", [](const auto& x) { return x * x.size(0); }, "x_0 is x[0]"},
    {"sizes", [](const auto& x) { return at::zeros(x.sizes()); }, "x_0 is x[0]"},
    {"numel", [](const auto& x) { return x * x.numel(); }, "x_0 is x[0]"},
    {"as a number of the program", [](const auto& x) { return x * at::full_symint({}, x.sym_size(0), at::kFloat); }},
    {"a remainder of a negative number",
     [](const auto& x) { return x * at::full_symint({}, -x.sym_size(0) % 8, at::kFloat); }},
    {"a quotient of a negative number",
     [](const auto& x) { return x * at::full_symint({}, (x.sym_size(0) - 5) / 2, at::kFloat); }},
    {"a negative divisor", [](const auto& x) { return x * at::full_symint({}, 7 / -x.sym_size(0), at::kFloat); }},
    {"is_contiguous", [](const auto& x) { return x.t().is_contiguous() ? x.t() * 100 : x.t(); }, "x[0]"},
    {"is_contiguous, for nothing", [](const auto& x) { return x.t().is_contiguous() ? x.t() : x.t().contiguous(); }},
    {"is_contiguous of a contiguous one", [](const auto& x) { return x.is_contiguous() ? x * 3 : x; }},
    {"is_non_overlapping_and_dense",
     [](const auto& x) { return x.slice(1, 0, 3).is_non_overlapping_and_dense() ? x * 100 : x; }, "x[0]"},
    {"suggest_memory_format",
     [](const auto& x) {
       const bool is_last = x.view_symint({x.sym_size(0), 2, 2, 1}).permute({0, 2, 3, 1}).suggest_memory_format() ==
                            at::MemoryFormat::ChannelsLast;
       return is_last ? x * 100 : x;
     }},
    {"a stride with a meaning", [](const auto& x) { return x * x.t().contiguous().stride(0); }, "x_0 is x[0]"},
    {"a symbolic stride",
     [](const auto& x) { return x * at::full_symint({}, x.t().contiguous().sym_stride(1), at::kFloat); }, "x[0]"},
    {"is_same_size", [](const auto& x) { return x.is_same_size(at::ones({1, 4})) ? x * 100 : x; }, "x[0]"},
    {"squeeze", [](const auto& x) { return x.squeeze().sum(0); }},
    {"squeeze and a size", [](const auto& x) { return x.squeeze() * x.squeeze().sym_size(0).guard_int("", 0); },
     "x[0]"},
    {"numel as a symbol", [](const auto& x) { return x.sym_numel() == 4 ? x * 100 : x; }, "x[0]"},
    {"least of two", [](const auto& x) { return x * at::full_symint({}, x.sym_size(0).min(3), at::kFloat); }},
    {"std::min", [](const auto& x) { return x.slice_symint(0, 0, std::min(x.sym_size(0), c10::SymInt(3))); }},
    {"a list of sizes", [](const auto& x) { return is_row(x.sym_sizes()) ? x * 100 : x; }, "x[0]"},
    {"strides", [](const auto& x) { return x.t().sym_strides()[1] == 4 ? x.t() * 2 : x.t(); }},
    {"is_contiguous in a format",
     [](const auto& x) {
       const bool is_last = x.view_symint({2, x.sym_size(0), 2, 1}).is_contiguous(at::MemoryFormat::ChannelsLast);
       return is_last ? x * 100 : x;
     },
     "x[0]"},
    {"contiguous, which asks as well", [](const auto& x) { return x.t().contiguous() * 2; }},
    {"item", [](const auto& x) { return x * x.sum().item(); }},
    {"item as a plain number", [](const auto& x) { return x * x.sum().template item<float>(); },
     "when the program runs"},
    {"equal", [](const auto& x) { return x.equal(at::ones({1, 4})) ? x * 100 : x; },
     "only exists when the program runs"},
    {"data_ptr", [](const auto& x) { return x.data_ptr() == nullptr ? x * 100 : x; },
     "only exists when the program runs"},
    {"const_data_ptr", [](const auto& x) { return x.const_data_ptr() == nullptr ? x * 100 : x; }, "x_0 is x[0]"},
    {"nbytes", [](const auto& x) { return x * static_cast<int64_t>(x.nbytes()); }, "x_0 is x[0]"},
    {"an index", [](const auto& x) { return x.index({at::indexing::Slice(0, -1)}) * 2; }},
    {"dim", [](const auto& x) { return x * x.dim(); }},
    {"a factory", [](const auto& x) { return at::arange(x.sym_size(0)).unsqueeze(1) * x; }},
};

class SizeQuestion : public ::testing::TestWithParam<Question> {};

TEST_P(SizeQuestion, IsRightAtEverySizeOrRefusedWithTheAxis) {
  const Question& question = GetParam();
  const Forward forward = [&](const Tensors& inputs) { return Tensors{question.function(inputs[0])}; };
  const std::vector<Input> inputs{Input::dynamic({1, 4}, {4, 4}, {16, 4}, at::kFloat, "x")};
  if (std::string(question.refusal).empty()) {
    const CompiledProgram compiled = compile(trace(forward, inputs), {.engine = "aten"});
    for (const int64_t size : {1, 2, 4, 9, 16}) {
      const at::Tensor x = at::randn({size, 4});
      const at::Tensor expected = question.function(x), got = compiled.run({x}).front();
      EXPECT_EQ(got.sizes(), expected.sizes()) << size;
      EXPECT_TRUE(at::allclose(got, expected)) << size;
    }
    return;
  }
  try {
    trace(forward, inputs);
    FAIL() << "it was traced";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(question.refusal), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(OfCode, SizeQuestion, ::testing::ValuesIn(kQuestions),
                         [](const auto& info) { return "Question" + std::to_string(info.index); });

TEST(SizeQuestions, ATensorThatIsWrittenToLiesAsBefore) {
  const auto forward = [](const Tensors& in) {
    const at::Tensor turned = in[0].t().contiguous().t(), straight = in[0].clone();
    turned.copy_(in[0] + 1);
    straight.copy_(at::ones({4, 3}).t());
    const int64_t layout = turned.stride(1) + 10 * turned.slice(0, 1).storage_offset() + 100 * turned.is_contiguous();
    return Tensors{turned * layout, straight * straight.slice(0, 1).storage_offset()};
  };
  const at::Tensor x = at::randn({3, 4});
  const auto compiled =
      compile(trace(forward, {Input::dynamic({3, 4}, {3, 4}, {3, 4}, at::kFloat, "x")}), {.engine = "aten"});
  const Tensors expected = forward({x}), got = compiled.run({x});
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(at::equal(got[i], expected[i])) << i;
}

TEST(SizeQuestions, MaySayThatEveryDeclaredSizeGoesOneWay) {
  const auto forward = [](const Tensors& in) { return Tensors{in[0].sym_size(0) == 1 ? in[0] * 100 : in[0] * 2}; };
  const CompiledProgram compiled =
      compile(trace(forward, {Input::dynamic({2, 4}, {4, 4}, {16, 4}, at::kFloat, "x")}), {.engine = "aten"});
  const at::Tensor x = at::randn({16, 4});
  EXPECT_TRUE(at::equal(compiled.run({x}).front(), x * 2));
}

TEST(SizeQuestions, OfTwoInputsAreLookedAtTogether) {
  const auto forward = [](const Tensors& in) {
    return Tensors{in[0].sym_size(0) == in[1].sym_size(0) ? in[0] * 100 : in[0] * 2};
  };
  const Program program = trace(
      forward, {Input::dynamic({2}, {4}, {16}, at::kFloat, "x"), Input::dynamic({2}, {5}, {16}, at::kFloat, "y")});
  const CompiledProgram compiled = compile(program, {.engine = "aten"});
  EXPECT_TRUE(at::equal(compiled.run({at::ones(3), at::ones(6)}).front(), at::full(3, 2.0)));
  EXPECT_THROW(compiled.run({at::ones(6), at::ones(6)}), InvalidInput);
}

}  // namespace
}  // namespace tracejet
