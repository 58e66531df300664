#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include <tracejet/engine.h>
#include <tracejet/engine_cache.h>
#include <tracejet/trace.h>

namespace tracejet {

class ProgramRunner;

/// How a program is compiled. The defaults keep the program's own precision. Settings that Torch-TensorRT has, too,
/// have its names (`min_block_size`, `torch_executed_ops`, …).
struct CompileSettings {
  /// Which engines run it: one of engines() for all of it, or several that it is split between.
  EngineChoice engine;
  /// How long compiling may look for a faster program: "fast", "balanced" or "max". Beyond "fast", engines that compile
  /// for long are held against the others, part by part, and the faster one runs the part.
  std::string effort = "fast";
  /// What float32 arithmetic may be done in: float32, bfloat16 or float16. The weights given stay as they are.
  at::ScalarType precision = at::kFloat;
  /// 0: as many as PyTorch uses.
  int threads = 0;
  /// Where compiled kernels are kept between processes; empty: nowhere.
  std::string cache_dir;
  /// Where a program is split, an engine gets no part of fewer nodes; the next one runs them.
  int min_block_size = 5;
  /// Operators that PyTorch's kernels run: "aten.add" with all of its overloads, "aten.add.Tensor".
  std::vector<std::string> torch_executed_ops;
  /// Modules of which PyTorch's kernels run everything: by path ("encoder.layers.0") or class ("torch.nn.Linear").
  std::vector<std::string> torch_executed_modules;
  /// Whether it is an error where PyTorch's kernels would run a part of the program.
  bool require_full_compilation = false;
  /// Whether an engine's failure is an error. Otherwise the next engine takes its part, and the report says so.
  bool pass_through_build_failures = false;
  /// Only plans: nothing is compiled, and the program has a report but can't be run.
  bool dryrun = false;
  /// Whether what engines give is held against eager's kernels, part by part, before the program is used: "off", or
  /// "warn", "error" or "repair" for what becomes of a difference. Repaired, PyTorch's kernels run what is wrong.
  std::string verify = "off";
  /// Whether a process of its own builds and tries each part first, so that an engine's crash is such a difference.
  bool verify_in_child_process = false;
  /// Whether what engines compile is kept in the engine cache, and whether what is kept there is used.
  bool cache_built_engines = false;
  bool reuse_cached_engines = false;
  /// The folder of the engine cache; empty: default_engine_cache_dir().
  std::string engine_cache_dir;
  /// How many bytes it may hold. Beyond that, what was used longest ago goes.
  int64_t engine_cache_size = int64_t{5} << 30;
  /// Takes the place of that folder.
  CustomEngineCache custom_engine_cache;

  // Of PyTorch's kernels:
  /// Whether a program on a GPU records what it calls for inputs that are laid out alike, and replays it.
  bool cuda_graphs = true;
  /// Of how many layouts of its inputs a program keeps recordings: of those that were called last.
  int max_cuda_graphs = 16;
  /// Passes that aren't run on what goes to PyTorch's kernels: by name, or "all".
  std::vector<std::string> skipped_passes;

  // TensorRT's own: other engines take only the defaults.
  /// Which GPUs an engine is built for: "8.6", "8.9", "12.0"; empty: the one at hand, or all, where there is none.
  std::vector<std::string> compute_capabilities;
  /// The memory in bytes that a kernel may take while it runs; 0: as much as there is.
  int64_t workspace_size = 0;
  /// 0 to 5: how long TensorRT looks for faster kernels; -1: its own default.
  int optimization_level = -1;
  /// How many streams beside the main one an engine may use; -1: its own choice.
  int max_aux_streams = -1;
  /// How often a kernel is timed while building.
  int num_avg_timing_iters = 1;
  /// Whether float32 products are computed without TensorFloat-32.
  bool disable_tf32 = false;
  /// Whether kernels for sparse weights may be used.
  bool sparse_weights = false;
  /// Whether an engine also runs on later versions of TensorRT.
  bool version_compatible = false;
  /// Whether an engine also runs on other GPUs of its generation and later.
  bool hardware_compatible = false;
  /// Whether weights may stay in the memory of the CPU until they are needed.
  bool enable_weight_streaming = false;
  /// A file that keeps what was measured while building; empty: none.
  std::string timing_cache_path;
  /// A file that keeps kernels which TensorRT-RTX compiles when a program first runs; empty: none.
  std::string runtime_cache_path;
  /// Whether calls of equal shapes are recorded as a CUDA graph and replayed.
  bool use_cuda_graphs = false;

  bool operator==(const CompileSettings&) const = default;
};

/// A part of a compiled program, as one engine runs it.
struct CompiledPart {
  std::string engine;
  int64_t nodes = 0;
  std::vector<std::string> inputs;   ///< "x: float32[batch, 8]": what it takes from the caller and from other parts
  std::vector<std::string> outputs;  ///< "%7: float32[batch, 4]"
  int64_t weight_bytes = 0;
  bool is_cached = false;  ///< it was compiled before, and came from the engine cache
  /// What engines were held against each other: "inductor 1.25 ms, openvino 2.50 ms"; empty where none were.
  std::string measured;
  /// The call of control flow that runs it, with its line: "aten::cond ..."; empty for parts of the program itself.
  std::string inside;
};

/// A call that doesn't run on the engine that comes first.
struct FallbackCall {
  std::string op;      ///< "aten::fft_rfft"
  std::string engine;  ///< where it runs
  std::string reason;  ///< "computes in complex numbers"
  std::string where;   ///< the line of the model and its module; empty where nobody knows
  std::string file;    ///< of that line
  int64_t line = 0;
};

/// Which engine runs what of a program.
struct CompileReport {
  std::string preferred;            ///< the engine that comes first
  std::string engines;              ///< those that run parts, each once: "openvino, aten"
  std::vector<CompiledPart> parts;  ///< those of bodies of control flow come last
  std::vector<FallbackCall> fallbacks;
  /// Engines that failed and left their part to the next one, settings that had no effect.
  std::vector<std::string> notes;

  int64_t nodes() const;
  /// How many nodes run on the engine that comes first.
  int64_t nodes_on_preferred() const;
  /// For people.
  std::string str() const;
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

  /// Runs on the tensors that the traced function takes, in their order, and gives those that it gives, with the sizes
  /// and dtypes of eager PyTorch. Buffers and inputs that the program changes are changed afterwards.
  /// Throws InvalidInput, naming input and axis, where an input isn't what was traced, and where a weight was written to
  /// since it was compiled.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) const;

  /// Which engine runs what, and why not the one that comes first.
  CompileReport report() const;

  /// Writes it as a .pt2 file: the program with its weights, as `tracejet::save` does, and what the engines made of it
  /// beside it. load_compiled() reads it; torch.export.load finds the program in it.
  /// Throws UnsupportedOperator where the program has what the file can't hold, and Error where it can't be written;
  /// what was there before is left alone then.
  void save(const std::string& path) const;

  const std::shared_ptr<const ProgramRunner>& runner() const { return runner_; }

 private:
  std::shared_ptr<const ProgramRunner> runner_;
};

/// Makes a program ready to run. Its weights are fixed from here on.
///
/// By default the program is split where the engine that comes first can't run all of it: report() says how and why.
/// Throws UnsupportedOperator, listing every operator with its source lines, where one engine is chosen that can't run
/// all of them, InvalidInput where a setting is invalid or no engine can do what it asks for, VerificationError where
/// `verify` is "error" and an engine gives something else than eager's kernels, and Error where an engine fails and
/// leaves its part to no other.
CompiledProgram compile(const Program& program, const CompileSettings& settings = {});

/// Reads a compiled program that CompiledProgram::save wrote, without compiling it again. What this machine can't take
/// from the file (another version of an engine, another processor, a damaged part) is compiled again, and the notes of
/// report() say so. So is, with `otherwise`, the program of a file that only has a program.
///
/// Throws as tracejet::load does, and as compile().
CompiledProgram load_compiled(const std::string& path, const CompileSettings& otherwise = {});

/// What `compile` would refuse, all of it, without compiling; empty where the engine takes the whole program.
/// `engine`: one of engines(), or "onnx" for what can be written as an ONNX file.
///
/// Throws InvalidInput where there is no such engine, or where it doesn't run on the program's device.
std::vector<UnsupportedCall> find_unsupported(const Program& program, const std::string& engine = default_engine());

/// The calls that the engine takes, but may compute otherwise than PyTorch: integers that can become larger than what
/// it computes them in, where only the data says whether they do. The reason has the range in which it is right.
/// Throws as find_unsupported() does.
std::vector<UnsupportedCall> find_warnings(const Program& program, const std::string& engine = default_engine());

}  // namespace tracejet
