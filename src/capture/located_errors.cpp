#include "capture/located_errors.h"

#include "base/error.h"
#include "capture/refusal.h"
#include "ir/schema.h"

namespace tracejet {

void LocatedErrors::rethrow(const Error& error, const c10::OperatorHandle& op,
                            const std::function<std::string()>& where) {
  if (last_message_ == error.message()) throw;  // an inner call has said where
  std::string text(error.message());
  if (!text.starts_with('[')) text = "[" + full_name(op) + "] " + text;
  if (const std::string line = where(); !line.empty()) text += "\n" + line;
  last_message_ = text;
  try {
    error.rethrow_as(text);
  } catch (const Error&) {
    last_ = std::current_exception();
  }
  std::rethrow_exception(last_);
}

void LocatedErrors::note_refusal(const c10::OperatorHandle& op, const c10::Error& error,
                                 const std::function<std::string()>& where) {
  const std::string message = error.what_without_backtrace();
  if (message == last_message_) return;  // an inner call has said where
  try {
    throw_refusal(message, full_name(op), where());
  } catch (const Error&) {
    last_ = std::current_exception();
  }
  last_message_ = message;
}

std::exception_ptr LocatedErrors::find(std::string_view message) const {
  return message.find(last_message_) != std::string_view::npos && !last_message_.empty() ? last_ : nullptr;
}

}  // namespace tracejet
