#pragma once

namespace tracejet::symbolic {

/// Whose code asks for the truth of a condition on sizes, on this thread. PyTorch asks to choose among ways that come
/// to the same; the model's own code may do something else at another answer.
enum class Asker { kPyTorch, kModel };

Asker current_asker();

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
