#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include <tracejet/engine.h>
#include <tracejet/trace.h>

namespace tracejet {

class ProgramRunner;

/// How a program is compiled. The defaults keep the program's own precision.
struct CompileSettings {
  /// The name of an engine: see engines().
  std::string engine = default_engine();
  /// What float32 arithmetic may be done in: float32, bfloat16 or float16. The weights given stay as they are.
  at::ScalarType precision = at::kFloat;
  /// 0: as many as PyTorch uses.
  int threads = 0;
  /// Where compiled kernels are kept between processes; empty: nowhere.
  std::string cache_dir;
};

/// A call of a program that an engine can't run.
struct UnsupportedCall {
  std::string op;      ///< "aten::fft_rfft"
  std::string reason;  ///< "computes in complex numbers"
  std::string where;   ///< the line of the model and its module; empty where nobody knows
};

/// A program made ready to run: a handle, cheap to copy. Calls are safe from several threads at once.
class CompiledProgram {
 public:
  explicit CompiledProgram(std::shared_ptr<const ProgramRunner> runner) : runner_(std::move(runner)) {}

  /// Runs on the tensors that the traced function takes, in their order, and gives those that it gives. Buffers and
  /// inputs that the program changes are changed afterwards.
  /// Throws InvalidInput, naming input and axis, where an input isn't what was traced.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) const;

  const std::shared_ptr<const ProgramRunner>& runner() const { return runner_; }

 private:
  std::shared_ptr<const ProgramRunner> runner_;
};

/// Makes a program ready for an engine. Its weights are fixed from here on.
///
/// Throws UnsupportedOperator, listing every operator that the engine can't run with its source lines, and InvalidInput
/// where a setting makes no sense or the engine can't do what it asks for.
CompiledProgram compile(const Program& program, const CompileSettings& settings = {});

/// What `compile` would refuse, all of it, without compiling; empty where the engine takes the whole program.
/// `engine`: one of engines(), or "onnx" for what can be written as an ONNX file.
///
/// Throws InvalidInput where there is no such engine, or where it doesn't run on the program's device.
std::vector<UnsupportedCall> find_unsupported(const Program& program, const std::string& engine = default_engine());

/// The calls that the engine takes, but may compute otherwise than PyTorch: integers that can become larger than what
/// it computes them in, where only the data says whether they do. The reason has the range in which it is right.
std::vector<UnsupportedCall> find_warnings(const Program& program, const std::string& engine = default_engine());

}  // namespace tracejet
