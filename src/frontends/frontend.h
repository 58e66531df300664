#pragma once

#include <exception>

#include "capture/tracer.h"

namespace tracejet {

class ModelTrace;

/// What a run of a model gave that no graph holds: the structure of its results, and literals among them.
class Results {
 public:
  Results() = default;
  Results(const Results&) = delete;
  Results& operator=(const Results&) = delete;
  virtual ~Results() = default;

  virtual bool is_like(const Results& other) const = 0;
};

/// What ended a trace.
enum class Failure {
  kDataDependent,  ///< it reads data, which only a run has
  kUnsupported,    ///< a call that can't be captured
  kShape,          ///< operands don't fit together: eager PyTorch refuses them, too
  kOurs,           ///< another error of tracejet's
  kOfPyTorch,      ///< PyTorch says so, nobody knows for what reason
  kOfModel,        ///< the model itself gives up
  kInterrupted,    ///< nothing to do with the trace: it ends everything
};

/// A model as one language has it: what a session needs to trace it, any number of times.
class Frontend {
 public:
  Frontend() = default;
  Frontend(const Frontend&) = delete;
  Frontend& operator=(const Frontend&) = delete;
  virtual ~Frontend() = default;

  virtual FrontendHooks hooks() const { return {}; }
  /// Runs the model once: announces its parameters and buffers to `trace.tracer()`, calls `trace.add_inputs()`, and
  /// then `trace.record()` with a function that runs forward and hands its results to the tracer. Whatever the language
  /// needs around this (patches, state to be restored), it does here.
  virtual void run(ModelTrace& trace) = 0;

  /// What an exception means that run() has thrown.
  virtual Failure kind_of(const std::exception_ptr& error) const;

  /// Whether the model's code may leave something behind that no trace shows, in variables of its own: then it runs a
  /// second time behind the first (Variation::is_second_call), and has to compute the same.
  virtual bool has_memory() const { return false; }

  // Of languages whose own functions take no symbolic numbers (`len`, `range`).

  /// From the next trace on, calls that the last one met are replaced by what takes symbolic numbers. False where it
  /// met none.
  virtual bool rewrite_calls() { return false; }
  /// Takes the last rewrite_calls() back.
  virtual void undo_rewrite() {}

  // Of languages in which sizes have a text (`f"{x.shape[0]}"`), which a trace takes from the traced size.

  /// Whether the model may compute with such a text.
  virtual bool asks_for_texts() const { return false; }
  /// The next trace sees other texts. False where there are no more.
  virtual bool vary_texts() { return false; }
  /// From the next trace on, asking for the text of a size fixes it.
  virtual void fix_texts() {}
};

}  // namespace tracejet
