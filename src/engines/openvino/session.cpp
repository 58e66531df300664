#include "engines/openvino/session.h"

#include <openvino/runtime/properties.hpp>

namespace tracejet::openvino {

Session::Request Session::take_request() {
  const auto give_back = [self = shared_from_this()](ov::InferRequest* request) {
    const std::scoped_lock lock(self->mutex_);
    self->idle_.emplace_back(request);
  };
  {
    const std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      Request request(idle_.back().release(), give_back);
      idle_.pop_back();
      return request;
    }
  }
  return {new ov::InferRequest(compiled_.create_infer_request()), give_back};
}

std::shared_ptr<Session> Sessions::get() const {
  const std::scoped_lock lock(mutex_);
  if (session_->is_spoilt()) session_ = std::make_shared<Session>(make_({}));
  return session_;
}

std::shared_ptr<Session> Sessions::get_measuring() const {
  const std::scoped_lock lock(mutex_);
  if (measuring_ == nullptr || measuring_->is_spoilt()) {
    measuring_ = std::make_shared<Session>(make_({ov::enable_profiling(true)}));
  }
  return measuring_;
}

}  // namespace tracejet::openvino
