#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace tracejet {

/// What went wrong, one of a closed set. Each has a section in docs/errors.md, with cause and fix.
enum class ErrorCode : uint8_t {
  // Error
  kError,
  kInternalError,
  kUnreadableFile,
  kUnwritableFile,
  kMissingPackage,
  kEngineFailure,
  kPyTorchRefusal,
  kForeignTrace,
  kSizeArithmetic,
  kEngineCache,
  // InvalidInput
  kInvalidInput,
  kInputDeclaration,
  kDynamicShapes,
  kModelArguments,
  kNotAModule,
  kUnsupportedArgument,
  kProgramResult,
  kCallArguments,
  kInputMismatch,
  kGuardViolation,
  kRuntimeAssertion,
  kSharedMemory,
  kInvalidSetting,
  kEngineSetting,
  kUnknownEngine,
  kEngineDefinition,
  kDecompositionTable,
  kVerifyInputs,
  kOtherProgram,
  kWeightsChanged,
  kDivisionByZero,
  kCommandLine,
  kModelRepository,
  // UnsupportedOperator
  kUnsupportedOperator,
  kEngineRefusal,
  kPlainNumber,
  kFakeImplementation,
  kTensorLayout,
  kInPlaceWrite,
  kModelState,
  kControlFlow,
  kSizeLoop,
  kTorchScript,
  kFileContent,
  kCollective,
  kTraining,
  kReplacement,
  kTritonKernel,
  kRandomGenerator,
  kReturnedView,
  // ShapeError
  kShapeError,
  kDeviceMismatch,
  // ConstraintViolation
  kConstraintViolation,
  // DataDependent
  kDataDependent,
  kDataAccess,
  // VerificationError
  kVerificationError,
};

/// A code as docs/errors.md and Python have it.
struct ErrorSection {
  ErrorCode code;
  std::string_view kind;    ///< the class of errors that have it
  std::string_view anchor;  ///< of its section
};

inline constexpr auto kErrorSections = std::to_array<ErrorSection>({
    {ErrorCode::kError, "Error", "error"},
    {ErrorCode::kInternalError, "Error", "internal-error"},
    {ErrorCode::kUnreadableFile, "Error", "unreadable-file"},
    {ErrorCode::kUnwritableFile, "Error", "unwritable-file"},
    {ErrorCode::kMissingPackage, "Error", "missing-package"},
    {ErrorCode::kEngineFailure, "Error", "engine-failure"},
    {ErrorCode::kPyTorchRefusal, "Error", "pytorch-refusal"},
    {ErrorCode::kForeignTrace, "Error", "foreign-trace"},
    {ErrorCode::kSizeArithmetic, "Error", "size-arithmetic"},
    {ErrorCode::kEngineCache, "Error", "engine-cache"},
    {ErrorCode::kInvalidInput, "InvalidInput", "invalidinput"},
    {ErrorCode::kInputDeclaration, "InvalidInput", "input-declaration"},
    {ErrorCode::kDynamicShapes, "InvalidInput", "dynamic-shapes"},
    {ErrorCode::kModelArguments, "InvalidInput", "model-arguments"},
    {ErrorCode::kNotAModule, "InvalidInput", "not-a-module"},
    {ErrorCode::kUnsupportedArgument, "InvalidInput", "unsupported-argument"},
    {ErrorCode::kProgramResult, "InvalidInput", "program-result"},
    {ErrorCode::kCallArguments, "InvalidInput", "call-arguments"},
    {ErrorCode::kInputMismatch, "InvalidInput", "input-mismatch"},
    {ErrorCode::kGuardViolation, "InvalidInput", "guard-violation"},
    {ErrorCode::kRuntimeAssertion, "InvalidInput", "runtime-assertion"},
    {ErrorCode::kSharedMemory, "InvalidInput", "shared-memory"},
    {ErrorCode::kInvalidSetting, "InvalidInput", "invalid-setting"},
    {ErrorCode::kEngineSetting, "InvalidInput", "engine-setting"},
    {ErrorCode::kUnknownEngine, "InvalidInput", "unknown-engine"},
    {ErrorCode::kEngineDefinition, "InvalidInput", "engine-definition"},
    {ErrorCode::kDecompositionTable, "InvalidInput", "decomposition-table"},
    {ErrorCode::kVerifyInputs, "InvalidInput", "verify-inputs"},
    {ErrorCode::kOtherProgram, "InvalidInput", "other-program"},
    {ErrorCode::kWeightsChanged, "InvalidInput", "weights-changed"},
    {ErrorCode::kDivisionByZero, "InvalidInput", "division-by-zero"},
    {ErrorCode::kCommandLine, "InvalidInput", "command-line"},
    {ErrorCode::kModelRepository, "InvalidInput", "model-repository"},
    {ErrorCode::kUnsupportedOperator, "UnsupportedOperator", "unsupportedoperator"},
    {ErrorCode::kEngineRefusal, "UnsupportedOperator", "engine-refusal"},
    {ErrorCode::kPlainNumber, "UnsupportedOperator", "plain-number"},
    {ErrorCode::kFakeImplementation, "UnsupportedOperator", "fake-implementation"},
    {ErrorCode::kTensorLayout, "UnsupportedOperator", "tensor-layout"},
    {ErrorCode::kInPlaceWrite, "UnsupportedOperator", "in-place-write"},
    {ErrorCode::kModelState, "UnsupportedOperator", "model-state"},
    {ErrorCode::kControlFlow, "UnsupportedOperator", "control-flow"},
    {ErrorCode::kSizeLoop, "UnsupportedOperator", "size-loop"},
    {ErrorCode::kTorchScript, "UnsupportedOperator", "torchscript"},
    {ErrorCode::kFileContent, "UnsupportedOperator", "file-content"},
    {ErrorCode::kCollective, "UnsupportedOperator", "collective"},
    {ErrorCode::kTraining, "UnsupportedOperator", "training"},
    {ErrorCode::kReplacement, "UnsupportedOperator", "replacement"},
    {ErrorCode::kTritonKernel, "UnsupportedOperator", "triton-kernel"},
    {ErrorCode::kRandomGenerator, "UnsupportedOperator", "random-generator"},
    {ErrorCode::kReturnedView, "UnsupportedOperator", "returned-view"},
    {ErrorCode::kShapeError, "ShapeError", "shapeerror"},
    {ErrorCode::kDeviceMismatch, "ShapeError", "device-mismatch"},
    {ErrorCode::kConstraintViolation, "ConstraintViolation", "constraintviolation"},
    {ErrorCode::kDataDependent, "DataDependent", "datadependent"},
    {ErrorCode::kDataAccess, "DataDependent", "data-access"},
    {ErrorCode::kVerificationError, "VerificationError", "verificationerror"},
});
static_assert(std::ranges::is_sorted(kErrorSections, {}, &ErrorSection::code) &&
                  kErrorSections.size() == static_cast<size_t>(ErrorCode::kVerificationError) + 1,
              "each code has one section, in the order of the codes");

constexpr const ErrorSection& section_of(ErrorCode code) { return kErrorSections[static_cast<size_t>(code)]; }

/// What the last line of a message starts with. The code's anchor follows.
inline constexpr std::string_view kSeeErrors = "See docs/errors.md#";

/// The code whose section a text names, as what() of an Error does. Whoever hands an error on as a text keeps that.
inline std::optional<ErrorCode> code_named_in(std::string_view text) {
  const size_t line = text.rfind(kSeeErrors);
  if (line == std::string_view::npos) return std::nullopt;
  std::string_view anchor = text.substr(line + kSeeErrors.size());
  anchor = anchor.substr(0, anchor.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"));
  const auto found = std::ranges::find(kErrorSections, anchor, &ErrorSection::anchor);
  return found == kErrorSections.end() ? std::nullopt : std::make_optional(found->code);
}

}  // namespace tracejet
