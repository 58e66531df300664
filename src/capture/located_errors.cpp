#include "capture/located_errors.h"

#include "base/error.h"
#include "capture/refusal.h"
#include "ir/schema.h"

namespace tracejet {

namespace {

/// Calls `visit(error)` with the exception being handled, as the most derived type of ours.
template <typename Visitor>
void visit_current_error(Visitor&& visit) {
  try {
    throw;
  } catch (const ShapeError& error) {
    visit(error);
  } catch (const DataDependent& error) {
    visit(error);
  } catch (const ConstraintViolation& error) {
    visit(error);
  } catch (const UnsupportedOperator& error) {
    visit(error);
  } catch (const InvalidInput& error) {
    visit(error);
  } catch (const Error& error) {
    visit(error);
  }
}

}  // namespace

void LocatedErrors::rethrow(const c10::OperatorHandle& op, const std::function<std::string()>& where) {
  visit_current_error([&]<typename OwnError>(const OwnError& error) {
    if (last_message_ == error.what()) throw;  // an inner call has said where
    std::string text = error.what();
    if (!text.starts_with('[')) text = "[" + full_name(op) + "] " + text;
    if (const std::string line = where(); !line.empty()) text += "\n" + line;
    const OwnError located(text);
    last_ = std::make_exception_ptr(located);
    last_message_ = text;
    throw located;
  });
  __builtin_unreachable();
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
