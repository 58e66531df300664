#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "engines/recording/recorder.h"

namespace tracejet::testing {

/// What fake recorders have seen, and are to do.
struct RecorderLog {
  int recordings = 0;  ///< that are kept
  int recorded = 0;
  int replays = 0;
  int waits = 0;
  int marks = 0;
  int synchronizations = 0;
  bool is_recorded_by_others = false;
  std::string failure;  ///< of the next recording
};

/// A recorder for the CPU. It runs what it records, and replays by running it again: the results are then copied to
/// where they lay first.
class FakeRecorder final : public recording::Recorder {
 public:
  explicit FakeRecorder(std::shared_ptr<RecorderLog> log) : log_(std::move(log)) {}

  bool is_recorded_by_others() const override { return log_->is_recorded_by_others; }

  std::unique_ptr<recording::Recording> record(const std::function<std::vector<at::Tensor>()>& work, bool) override {
    if (!log_->failure.empty()) throw Error(log_->failure);
    ++log_->recorded;
    return std::make_unique<FakeRecording>(work, log_);
  }

  void run(const std::function<void()>& work) override { work(); }
  void wait() override { ++log_->waits; }
  void mark() override { ++log_->marks; }
  void synchronize() override { ++log_->synchronizations; }

 private:
  class FakeRecording final : public recording::Recording {
   public:
    FakeRecording(std::function<std::vector<at::Tensor>()> work, std::shared_ptr<RecorderLog> log)
        : work_(std::move(work)), log_(std::move(log)), memory_(work_()) {
      ++log_->recordings;
    }
    FakeRecording(const FakeRecording&) = delete;
    FakeRecording& operator=(const FakeRecording&) = delete;
    ~FakeRecording() override { --log_->recordings; }

    void replay() override {
      ++log_->replays;
      const std::vector<at::Tensor> fresh = work_();
      for (size_t i = 0; i < memory_.size(); ++i) memory_[i].copy_(fresh[i]);
    }

   private:
    std::function<std::vector<at::Tensor>()> work_;
    std::shared_ptr<RecorderLog> log_;
    std::vector<at::Tensor> memory_;
  };

  std::shared_ptr<RecorderLog> log_;
};

}  // namespace tracejet::testing
