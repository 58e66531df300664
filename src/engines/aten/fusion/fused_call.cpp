#include "engines/aten/fusion/fused_call.h"

#include <algorithm>
#include <mutex>

#include <ATen/ops/empty_strided.h>

#include "base/recent.h"
#include "engines/recording/watched.h"

namespace tracejet::aten {

namespace {

constexpr size_t kMostLayouts = 64;

class FusedCall final : public Executable {
 public:
  FusedCall(std::shared_ptr<const Graph> body, std::shared_ptr<const Executable> operators,
            std::shared_ptr<KernelCache> kernels)
      : body_(std::move(body)), operators_(std::move(operators)), kernels_(std::move(kernels)) {
    if (kernels_ != nullptr) steps_ = steps_of(*body_);
    const auto is_symbolic = [](const GraphInput& input) { return input.value->tensor().is_symbolic(); };
    is_for_any_size_ = std::ranges::any_of(body_->inputs(), is_symbolic);
  }

  std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const override {
    const c10::Device device = inputs.front().device();
    if (kernels_ == nullptr || recording::is_watched(device)) return operators_->run(std::move(inputs), sizes);
    const Key key = key_of(inputs);
    if (const auto plan = find(key)) {
      const auto kernel = plan->source ? ready(*plan) : nullptr;
      return kernel == nullptr ? operators_->run(std::move(inputs), sizes) : call(*plan, *kernel, inputs);
    }
    std::vector<c10::IValue> results = operators_->run(inputs, sizes);
    const std::scoped_lock lock(mutex_);
    plans_.add(key, plan_for(inputs, results, sizes));
    return results;
  }

 private:
  using Key = std::vector<int64_t>;

  struct Result {
    std::vector<int64_t> sizes, strides;
    at::TensorOptions options;
  };

  /// How inputs of one layout are computed with.
  struct Plan {
    std::optional<KernelSource> source;  ///< none where no kernel takes them
    FutureKernel kernel;
    std::vector<Result> results;
  };

  static Key key_of(const std::vector<at::Tensor>& inputs) {
    Key key;
    for (const at::Tensor& input : inputs) {
      key.push_back(input.dim());
      key.insert(key.end(), input.sizes().begin(), input.sizes().end());
      key.insert(key.end(), input.strides().begin(), input.strides().end());
      key.push_back(static_cast<int64_t>(reinterpret_cast<uintptr_t>(input.const_data_ptr()) % 16));
      key.push_back(input.device().index() * 2 + static_cast<int64_t>(input.is_neg()));
    }
    return key;
  }

  std::shared_ptr<const Plan> find(const Key& key) const {
    const std::scoped_lock lock(mutex_);
    const auto* plan = plans_.find(key);
    return plan == nullptr ? nullptr : *plan;
  }

  std::shared_ptr<const Plan> plan_for(const std::vector<at::Tensor>& inputs, const std::vector<c10::IValue>& results,
                                       const RuntimeSizes& sizes) const {
    auto plan = std::make_shared<Plan>();
    std::vector<at::Tensor> outputs;
    for (const c10::IValue& result : results) outputs.push_back(result.toTensor());
    const c10::Device device = outputs.front().device();
    const auto is_elsewhere = [&](const at::Tensor& tensor) { return tensor.device() != device; };
    if (std::ranges::any_of(inputs, is_elsewhere)) return plan;
    const auto layout = KernelLayout::of(sizes.evaluate(space_of(*body_)), steps_.has_rows, inputs, outputs);
    if (!layout) return plan;
    plan->source = kernel_source(steps_, *layout, kernels_->compiler().device(device), is_for_any_size_);
    plan->kernel = kernels_->compiled(plan->source->text, device);
    for (const at::Tensor& output : outputs)
      plan->results.push_back({output.sizes().vec(), output.strides().vec(), output.options()});
    return plan;
  }

  /// Waits for it. Null where it couldn't be compiled, which is said once.
  std::shared_ptr<const Kernel> ready(const Plan& plan) const {
    try {
      return plan.kernel.get();
    } catch (const std::exception& error) {
      std::call_once(has_warned_, [&] {
        TORCH_WARN("a chain of operators is run one by one, since its kernel can't be compiled: ", error.what());
      });
      return nullptr;
    }
  }

  static std::vector<c10::IValue> call(const Plan& plan, const Kernel& kernel, const std::vector<at::Tensor>& inputs) {
    std::vector<c10::IValue> results;
    std::vector<void*> places;
    for (const at::Tensor& input : inputs) places.push_back(const_cast<void*>(input.const_data_ptr()));
    for (const Result& result : plan.results) {
      at::Tensor tensor = at::empty_strided(result.sizes, result.strides, result.options);
      places.push_back(tensor.mutable_data_ptr());
      results.emplace_back(std::move(tensor));
    }
    std::vector<unsigned> numbers = plan.source->numbers;
    std::vector<void*> arguments;
    for (void*& place : places) arguments.push_back(static_cast<void*>(&place));
    for (unsigned& number : numbers) arguments.push_back(&number);
    kernel.launch(plan.source->grid, plan.source->block, arguments.data());
    return results;
  }

  std::shared_ptr<const Graph> body_;
  std::shared_ptr<const Executable> operators_;
  std::shared_ptr<KernelCache> kernels_;
  KernelSteps steps_;
  bool is_for_any_size_;
  mutable std::mutex mutex_;
  mutable Recent<Key, std::shared_ptr<const Plan>> plans_{kMostLayouts};
  mutable std::once_flag has_warned_;
};

}  // namespace

std::unique_ptr<Executable> make_fused_call(std::shared_ptr<const Graph> body,
                                            std::shared_ptr<const Executable> operators,
                                            std::shared_ptr<KernelCache> kernels) {
  return std::make_unique<FusedCall>(std::move(body), std::move(operators), std::move(kernels));
}

}  // namespace tracejet::aten
