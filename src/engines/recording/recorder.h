#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace tracejet::recording {

/// Calls on a device that were recorded once, to be repeated on the same memory.
class Recording {
 public:
  virtual ~Recording() = default;
  /// On the current stream, without waiting for it.
  virtual void replay() = 0;
};

/// Records calls on one device, all of them in one pool of memory: two recordings may use the same memory, so each
/// replay stands between wait() and mark(). Not safe from several threads at once.
class Recorder {
 public:
  virtual ~Recorder() = default;

  /// Whether somebody else records what this thread calls. Then nothing can be recorded or replayed.
  virtual bool is_recorded_by_others() const = 0;
  /// Records what `work` calls, which isn't run; replays leave its results where they lie now. Throws what `work`
  /// throws, and c10::Error where it called something that can't be recorded; the device is as usable as before then.
  /// `is_random`: whether it draws random numbers. Older versions of PyTorch give none to other threads meanwhile.
  virtual std::unique_ptr<Recording> record(const std::function<std::vector<at::Tensor>()>& work, bool is_random) = 0;

  /// Calls `work` on the current stream. The workspaces that libraries of kernels keep for it since then are given
  /// back.
  virtual void run(const std::function<void()>& work) = 0;

  /// The current stream waits until what was marked last is done.
  virtual void wait() = 0;
  /// What the current stream was given so far is what the next one waits for.
  virtual void mark() = 0;
  /// This thread waits for it.
  virtual void synchronize() = 0;
};

/// Whether there are recorders for GPUs: tracejet was built with a PyTorch for them.
bool has_recorders();
/// For a GPU that is there.
std::unique_ptr<Recorder> make_recorder(c10::Device device);

}  // namespace tracejet::recording
