#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <tracejet/compile.h>
#include <tracejet/error.h>
#include <tracejet/trace.h>

namespace tracejet {

/// A compiled program gives something else than eager's kernels.
class VerificationError : public Error {
 public:
  explicit VerificationError(std::string_view message, ErrorCode code = ErrorCode::kVerificationError)
      : Error(message, code) {}
  std::string_view kind() const noexcept override { return "VerificationError"; }
  [[noreturn]] void rethrow_as(std::string_view message) const override { throw VerificationError(message, code()); }
};

struct VerifyOptions {
  /// At which sizes random inputs are drawn: some of "min", "opt" and "max".
  std::vector<std::string> sizes = {"min", "opt", "max"};
  /// Which difference is rounding: relative to a number and to the mean of its tensor. By default 1e-4 for float32, or
  /// what suits the output's dtype and the precision that the program was compiled with.
  std::optional<double> tolerance;
  uint64_t seed = 0;
};

/// One tensor or number that a program gives, or a buffer or input that it writes.
struct VerifiedOutput {
  std::string name;           ///< "output 0", "buffer mean", "input cache"
  bool is_equal = true;       ///< up to rounding
  double absolute_error = 0;  ///< the largest difference of two elements
  double relative_error = 0;  ///< the same, relative to the largest element that was expected
  std::string problem;        ///< where it isn't equal: "at [0, 3]: expected 0.5, got 0.25"
};

/// The run of a program on one set of inputs.
struct VerifiedRun {
  std::string name;  ///< "min", "opt", "max", "static", or "inputs 0" for those that were given
  std::vector<std::pair<std::string, int64_t>> dimensions;
  std::vector<VerifiedOutput> outputs;
  std::string failure;  ///< what the compiled program or eager's kernels threw; empty where both gave something
  /// Outputs differ by more than rounding, but every call gives what eager's kernel gives of the same operands: the
  /// program itself makes much of small differences. It counts as right.
  bool amplifies_rounding = false;

  bool ok() const;
};

/// The first call of a program that differs from eager's kernel on the very same operands.
struct DifferingCall {
  std::string op;     ///< "aten::relu"; empty where no single call is at fault
  std::string value;  ///< "%17: float32[batch, 64]"
  std::string where;  ///< the line of the model and its module, in words; empty where nobody knows
  std::string file;   ///< of that line
  int64_t line = 0;
  std::string problem;  ///< "at [0, 3]: expected 0.5, got 0.25", or why the call can't be told

  /// For people.
  std::string str() const;
};

struct Verification {
  std::string engine;
  std::vector<VerifiedRun> runs;
  std::optional<DifferingCall> first;  ///< where a run isn't ok and the call at fault was looked for

  bool ok() const;
  /// For people: what differs first, then every run with its largest errors.
  std::string str() const;
};

/// Which random inputs are drawn.
struct RandomInputs {
  std::string size = "opt";                            ///< of dynamic axes: "min", "opt" or "max"
  std::map<std::string, std::vector<int64_t>> shapes;  ///< of inputs by name, in the place of these sizes
  uint64_t seed = 0;
};

/// Random inputs that suit a program, as verify() draws them: one tensor for each that it takes, of its dtype and on
/// its device. They are tried with eager's kernels; buffers are afterwards as they were before.
///
/// Throws InvalidInput where none could be found, or where the program doesn't take these shapes.
std::vector<at::Tensor> random_inputs(const Program& program, const RandomInputs& options = {});

/// Runs a compiled program and eager PyTorch's kernels side by side, on random inputs and on those given, and says what
/// differs, and in which call first. Random inputs suit the program: positions lie inside of what they index, sizes are
/// in range and fulfil what the program asserts. Buffers and the inputs given are afterwards as they were before.
///
/// Throws InvalidInput where inputs don't fit the program, or where no random ones could be found.
Verification verify(const Program& program, const CompiledProgram& compiled,
                    const std::vector<std::vector<at::Tensor>>& inputs = {}, const VerifyOptions& options = {});

}  // namespace tracejet
