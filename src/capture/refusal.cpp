// What PyTorch's own code says of tensors without data and of symbolic sizes, in words that help. PyTorch gives texts
// alone: nearly all of its errors are plain c10::Error, and NotImplementedError is one without a kernel as well as one
// that asks for data. This is the only file that reads them.
#include "capture/refusal.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/error.h"
#include "symbolic/advice.h"

namespace tracejet {

namespace {

/// Somebody asks for data that a traced tensor, or a symbol, doesn't have.
constexpr std::array kAsksForData = {
    std::string_view("Cannot access data pointer"),
    std::string_view("access the data pointer"),
    std::string_view("Cannot access storage"),
    std::string_view("data is not allocated"),
    std::string_view("on a tensor with unallocated storage"),
    std::string_view("storage of a tensor on device \"meta\""),
    std::string_view("Cannot copy out of meta tensor"),
    std::string_view("cannot be called on meta tensors"),
    std::string_view("can't convert meta device type tensor"),
};

/// Somebody asks for symbolic sizes as plain numbers, or wants to change them.
constexpr std::array kAsksForPlainSizes = {
    std::string_view("directly modify sizes for customized tensor"),
    std::string_view("on tensor with symbolic sizes"),
    std::string_view("size_bytes_is_heap_allocated_"),
    std::string_view("SymInt"),
    std::string_view("SymFloat"),
    std::string_view("SymBool"),
};

/// A check of PyTorch's own insides has failed.
constexpr std::string_view kInternalAssertion = "INTERNAL ASSERT FAILED";

/// There is no kernel that works without data.
constexpr std::array kHasNoKernel = {
    std::string_view("'Meta' backend"),
    std::string_view("implemented for Meta"),
    std::string_view("implemented for 'Meta'"),
    std::string_view("meta Long tensor"),
    kInternalAssertion,
};

bool says_one_of(std::string_view message, std::span<const std::string_view> signs) {
  return std::ranges::any_of(signs, [&](std::string_view sign) { return message.find(sign) != message.npos; });
}

/// Sources of torch::nn, as the place is written that an error comes from.
constexpr std::array kModuleSources = {
    std::string_view("torch/nn/"),
    std::string_view("torch/csrc/api/src/nn/"),
};

/// PyTorch's words alone: no C++ stack, nobody to report to.
std::string quoted(std::string_view message) {
  for (const std::string_view end : {"\nException raised from", "\nC++ CapturedTraceback", "\nframe #0", "\n\n"}) {
    message = message.substr(0, message.find(end));
  }
  return "PyTorch says: " + std::string(message.substr(0, message.find_last_not_of(" \n") + 1));
}

}  // namespace

bool asks_for_data(std::string_view message) { return says_one_of(message, kAsksForData); }

bool is_internal_assertion(std::string_view message) { return message.find(kInternalAssertion) != message.npos; }

bool is_raised_by_module(const c10::Error& error) { return says_one_of(error.what(), kModuleSources); }

std::optional<std::string> size_taken_for_number(std::string_view message) {
  static constexpr std::string_view kGot = "expected int but got ";
  const size_t got = message.find(kGot);
  if (got == message.npos) return std::nullopt;
  message = message.substr(got + kGot.size());
  return std::string(message.substr(0, message.find_first_of(" \n")));
}

void throw_refusal(std::string_view message, std::string_view op, std::string_view where) {
  const std::string subject = op.empty() ? "PyTorch" : "[" + std::string(op) + "]";
  const std::string detail = (where.empty() ? "" : "\n" + std::string(where)) + "\n  " + quoted(message);
  if (asks_for_data(message)) {
    throw DataDependent(subject + " reads data, which only exists when the program runs; " +
                            std::string(symbolic::advice_on_reading()) + detail,
                        ErrorCode::kDataAccess);
  }
  if (says_one_of(message, kAsksForPlainSizes)) {
    throw UnsupportedOperator(subject +
                                  " takes plain numbers, and is given one that is dynamic or comes from data; make it "
                                  "static in its Input, or use an operator that takes symbolic sizes" +
                                  detail,
                              ErrorCode::kPlainNumber);
  }
  if (says_one_of(message, kHasNoKernel)) {
    throw UnsupportedOperator(
        subject +
            " has no kernel for tensors without data; use other operators, or make one of your own: "
            "torch.library.custom_op with register_fake" +
            detail,
        ErrorCode::kFakeImplementation);
  }
  throw Error(
      subject + " refuses what it is given; call the model itself, to see whether eager PyTorch takes it" + detail,
      ErrorCode::kPyTorchRefusal);
}

}  // namespace tracejet
