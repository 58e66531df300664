// CUDA graphs. Only part of a build whose PyTorch has CUDA.
#include <algorithm>
#include <array>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <tuple>

#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/Event.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#if __has_include(<cublasLt.h>) && __has_include(<cusparse.h>) && __has_include(<cusolverDn.h>)
#define TRACEJET_KNOWS_CUBLAS 1
#include <ATen/cuda/CUDAContextLight.h>
#endif

#include "engines/recording/recorder.h"

namespace tracejet::recording {

namespace {

#if TRACEJET_KNOWS_CUBLAS
/// What cuBLAS keeps from the first product on: workspaces, of 32 MiB and more on some GPUs.
class Workspaces {
 public:
  using Place = std::tuple<void*, void*>;  ///< a thread's handle, and a stream

  static std::set<Place> of(cudaStream_t stream) {
    std::set<Place> found;
    for (auto* kept : all()) {
      const std::shared_lock lock(kept->mutex);
      for (const auto& [place, memory] : kept->map) {
        if (std::get<1>(place) == stream) found.insert(place);
      }
    }
    return found;
  }
  static void give_back(const std::set<Place>& places) {
    for (auto* kept : all()) {
      const std::unique_lock lock(kept->mutex);
      std::erase_if(kept->map, [&](const auto& entry) { return places.contains(entry.first); });
    }
  }

 private:
  static std::array<at::cuda::WorkspaceMapWithMutex*, 2> all() {
    return {&at::cuda::cublas_handle_stream_to_workspace(), &at::cuda::cublaslt_handle_stream_to_workspace()};
  }
};
#endif

/// A stream that nobody else is given. cuBLAS has a workspace for each stream, which the kernels of a graph keep using:
/// it lies in the graph's own pool, and no call outside of it may write there.
class OwnStream {
 public:
  explicit OwnStream(c10::DeviceIndex device) {
    const c10::cuda::CUDAGuard guard(device);
    C10_CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;
  ~OwnStream() {
#if TRACEJET_KNOWS_CUBLAS
    Workspaces::give_back(Workspaces::of(stream_));
#endif
    C10_CUDA_CHECK_WARN(cudaStreamDestroy(stream_));
  }

  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// Whether a generator of random numbers has one state for all recordings, in which a failed one leaves its mark.
template <typename State>
constexpr bool kIsMarkedByRecording = requires(State state) { state.capturing_; };

/// Lives as long as a recording that has memory of it.
struct Pool {
  at::cuda::MempoolId_t id = at::cuda::graph_pool_handle();
};

class CudaRecording final : public Recording {
 public:
  CudaRecording(std::unique_ptr<at::cuda::CUDAGraph> graph, std::shared_ptr<const Pool> pool)
      : pool_(std::move(pool)), graph_(std::move(graph)) {}

  void replay() override { graph_->replay(); }

 private:
  std::shared_ptr<const Pool> pool_;
  std::unique_ptr<at::cuda::CUDAGraph> graph_;
};

class CudaRecorder final : public Recorder {
 public:
  explicit CudaRecorder(c10::Device device) : device_(device), stream_(device.index()), last_(device.type()) {}

  bool is_recorded_by_others() const override {
    return c10::cuda::currentStreamCaptureStatusMayInitCtx() != c10::cuda::CaptureStatus::None;
  }

  std::unique_ptr<Recording> record(const std::function<std::vector<at::Tensor>()>& work, bool is_random) override {
    // PyTorch's allocator knows one recording at a time.
    static std::mutex one_at_a_time;
    const std::scoped_lock lock(one_at_a_time);
    const c10::cuda::CUDAStreamGuard on_own_stream(c10::cuda::getStreamFromExternal(stream_.get(), device_.index()));
    std::shared_ptr<const Pool> pool = pool_.lock();
    if (pool == nullptr) pool_ = pool = std::make_shared<const Pool>();
    auto graph = std::make_unique<at::cuda::CUDAGraph>();
    begin(*graph, pool->id, is_random);
    try {
      work();
    } catch (...) {
      abandon(std::move(graph), *pool);
      throw;
    }
    try {
      graph->capture_end();
    } catch (...) {
      repair(std::move(graph), *pool);
      throw;
    }
    return std::make_unique<CudaRecording>(std::move(graph), std::move(pool));
  }

  void run(const std::function<void()>& work) override {
#if TRACEJET_KNOWS_CUBLAS
    const cudaStream_t stream = c10::cuda::getCurrentCUDAStream(device_.index()).stream();
    const auto known = Workspaces::of(stream);
    work();
    if (std::ranges::includes(known, Workspaces::of(stream))) return;
    const Workspaces::Place own(at::cuda::getCurrentCUDABlasHandle(), stream);  // those of other threads are in use
    if (!known.contains(own)) Workspaces::give_back({own});
#else
    work();
#endif
  }

  void wait() override { last_.block(current_stream()); }
  void mark() override { last_.record(current_stream()); }
  void synchronize() override {
    if (last_.was_marked_for_recording()) last_.synchronize();
  }

 private:
  void begin(at::cuda::CUDAGraph& graph, at::cuda::MempoolId_t pool, bool is_random) const {
    if (is_random || !kIsMarkedByRecording<at::CUDAGeneratorState>) {
      graph.capture_begin(pool, cudaStreamCaptureModeThreadLocal);
      return;
    }
    // The mark goes to a state that nobody draws from.
    at::Generator generator = at::cuda::detail::getDefaultCUDAGenerator(device_.index());
    const std::scoped_lock lock(generator.mutex());
    const at::Generator own = generator.graphsafe_get_state();
    generator.graphsafe_set_state(generator.clone());
    try {
      graph.capture_begin(pool, cudaStreamCaptureModeThreadLocal);
    } catch (...) {
      generator.graphsafe_set_state(own);
      throw;
    }
    generator.graphsafe_set_state(own);
  }

  c10::Stream current_stream() const { return c10::cuda::getCurrentCUDAStream(device_.index()).unwrap(); }

  /// Ends a recording in which something failed. CUDA says so once more where that made the recording invalid.
  void abandon(std::unique_ptr<at::cuda::CUDAGraph> graph, const Pool& pool) const {
    try {
      graph->capture_end();
    } catch (const c10::Error&) {
      repair(std::move(graph), pool);
    }
  }

  /// PyTorch leaves an invalid recording half open: the allocator goes on serving it, and in older versions the
  /// generator of random numbers refuses to count outside of it.
  void repair(std::unique_ptr<at::cuda::CUDAGraph> graph, const Pool& pool) const {
    c10::cuda::CUDACachingAllocator::endAllocateToPool(device_.index(), pool.id);
    c10::cuda::CUDACachingAllocator::releasePool(device_.index(), pool.id);
    if constexpr (kIsMarkedByRecording<at::CUDAGeneratorState>) {
      at::Generator generator = at::cuda::detail::getDefaultCUDAGenerator(device_.index());
      const std::scoped_lock lock(generator.mutex());
      generator.graphsafe_set_state(generator.clone());
    }
    // The allocator of pinned memory has no end for it, and keeps asking this object, which stays for that.
    static_cast<void>(graph.release());
  }

  c10::Device device_;
  OwnStream stream_;
  std::weak_ptr<const Pool> pool_;
  c10::Event last_;
};

}  // namespace

bool has_recorders() { return true; }

std::unique_ptr<Recorder> make_recorder(c10::Device device) { return std::make_unique<CudaRecorder>(device); }

}  // namespace tracejet::recording
