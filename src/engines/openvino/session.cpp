#include "engines/openvino/session.h"

#include "engines/openvino/model.h"

namespace tracejet::openvino {

Session::Session(const std::shared_ptr<const ov::Model>& model, const ov::AnyMap& properties)
    : compiled_(core().compile_model(model, "CPU", properties)) {}

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

Sessions::Sessions(std::shared_ptr<const ov::Model> model, ov::AnyMap properties)
    : model_(std::move(model)),
      properties_(std::move(properties)),
      session_(std::make_shared<Session>(model_, properties_)) {}

std::shared_ptr<Session> Sessions::get() const {
  const std::scoped_lock lock(mutex_);
  if (session_->is_spoilt()) session_ = std::make_shared<Session>(model_, properties_);
  return session_;
}

}  // namespace tracejet::openvino
