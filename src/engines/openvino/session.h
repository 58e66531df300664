#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/infer_request.hpp>

namespace tracejet::openvino {

/// Compiles a model, or loads it: the same each time, but for these properties besides.
using MakeModel = std::function<ov::CompiledModel(const ov::AnyMap& besides)>;

/// A compiled model and the requests that run it, used again and again. Safe to use from several threads at once.
class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(ov::CompiledModel compiled) : compiled_(std::move(compiled)) {}

  /// Gives itself back.
  using Request = std::unique_ptr<ov::InferRequest, std::function<void(ov::InferRequest*)>>;
  Request take_request();

  const ov::CompiledModel& compiled() const { return compiled_; }
  /// Whether a run has failed: what it left behind, OpenVINO may take for what later runs have computed.
  bool is_spoilt() const { return is_spoilt_; }
  void spoil() { is_spoilt_ = true; }

 private:
  ov::CompiledModel compiled_;
  std::atomic<bool> is_spoilt_ = false;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ov::InferRequest>> idle_;
};

/// The session of a model, and a new one as soon as it is spoilt. Programs that are the same share one.
class Sessions {
 public:
  explicit Sessions(MakeModel make) : make_(std::move(make)), session_(std::make_shared<Session>(make_({}))) {}

  std::shared_ptr<Session> get() const;
  /// One that measures its kernels, compiled when it is asked for first.
  std::shared_ptr<Session> get_measuring() const;

 private:
  MakeModel make_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<Session> session_, measuring_;
};

}  // namespace tracejet::openvino
