#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "compile/partition/plan.h"
#include "engines/engine.h"

namespace tracejet {

/// Runs the parts of a program one after the other. Tensors go from part to part as they are, and are freed after the
/// last part that needs them. Where an engine refuses what it is given in one run (integers beyond its bits), PyTorch's
/// kernels run that part.
class SplitExecutable final : public Executable {
 public:
  /// `executables`: of the plan's parts. `inputs`: those of the program that exist when it runs.
  SplitExecutable(const PartitionPlan& plan, const RuntimeInputs& inputs,
                  std::vector<std::shared_ptr<const Executable>> executables);
  ~SplitExecutable() override;

  std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const override;

  /// Looks at what a part takes, what is known of sizes then, and what it gives.
  using Observe = std::function<void(size_t part, const std::vector<at::Tensor>& taken, const RuntimeSizes& sizes,
                                     const std::vector<c10::IValue>& given)>;
  std::vector<c10::IValue> run_observed(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes,
                                        const Observe& observe) const;
  bool takes_ranks_from_data() const override;

 private:
  using Slot = size_t;
  class Substitute;
  /// A tensor that a part takes.
  struct Taken {
    Slot slot;
    bool is_last_use;
    /// Where the part takes elements by their place in memory (as_strided): as the tensor was traced.
    const TensorMeta* layout;
  };
  struct Given {
    Slot slot;
    const Value* value;
    bool is_needed;
  };
  struct Step {
    std::string name;  ///< that profilers show: "tracejet part 3 (openvino)"
    std::shared_ptr<const Executable> executable;
    std::unique_ptr<Substitute> substitute;  ///< null where nobody else takes it
    std::vector<Taken> takes;
    std::vector<Given> gives;
  };
  struct Result {
    std::optional<Slot> slot;  ///< otherwise it follows from sizes
    c10::IValue literal;
  };

  Slot slot_of(const Value& value);
  void add_step(std::string name, std::shared_ptr<const Executable> executable, const Part& part);
  void add_number_reads(const Graph& graph);
  void add_results(const Graph& graph);
  void find_last_uses();
  static std::vector<c10::IValue> run(const Step& step, std::vector<at::Tensor> inputs, const RuntimeSizes& sizes);
  static at::Tensor handed_over(c10::IValue value, const Taken& taken, const RuntimeSizes& sizes);
  static void bind_symbols(const Value& value, const c10::IValue& given, RuntimeSizes& sizes);

  std::shared_ptr<const Graph> graph_;
  std::vector<std::shared_ptr<const Graph>> part_graphs_;
  std::unordered_map<const Value*, Slot> slots_;
  std::unordered_map<const Value*, at::Tensor> weights_;
  std::vector<c10::IValue> first_;  ///< what is in the slots before a run: weights that the program gives as they are
  std::vector<Slot> inputs_;
  std::vector<Step> steps_;
  std::vector<Result> results_;
};

}  // namespace tracejet
