#pragma once

namespace tracejet::symbolic {

/// Whose code asks for the truth of a condition on sizes, on this thread. PyTorch asks to choose among ways that come
/// to the same; the model's own code may do something else at another answer.
enum class Asker {
  kPyTorch,
  kModel,
  kCaller,  ///< no operator is at work: the model, unless PyTorch's bindings for Python ask on their own account
};

/// kPyTorch or kModel: who kCaller is, the stack tells.
Asker current_asker();

/// Whether it may be the model's code that asks. Cheaper, and enough for what only Python code asks (the text of a
/// size).
bool may_be_asked_by_model();

/// While it lives, questions on this thread are this one's.
class AskedBy {
 public:
  explicit AskedBy(Asker asker);
  AskedBy(const AskedBy&) = delete;
  AskedBy& operator=(const AskedBy&) = delete;
  ~AskedBy();

 private:
  Asker before_;
};

}  // namespace tracejet::symbolic
