#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/MemoryFormat.h>

#include "base/error.h"
#include "ir/tensor_meta.h"

/// What shape rules share. Where a question about symbolic sizes has to be answered, each function says how:
/// "guards" means that the answer may become a condition of the trace, "never guards" that an unknown answer is
/// treated as the general case.
namespace tracejet::shape {

// Questions about sizes ----------------------------------------------------------------------------------------------

/// Guards, unless ranges or equal expressions decide.
bool equal(const c10::SymInt& a, const c10::SymInt& b);
/// Never guards: false means "not known to be equal".
bool known_equal(const c10::SymInt& a, const c10::SymInt& b);
bool known_equal(c10::SymIntArrayRef a, c10::SymIntArrayRef b);
/// Never guard: a symbolic number counts as neither, whatever its example is.
bool is_zero(const c10::SymInt& value);
bool is_one(const c10::SymInt& size);
/// a < b, by the example where the ranges don't decide; never guards. Only for the choice of a layout.
bool layout_less(const c10::SymInt& a, const c10::SymInt& b);
/// "[s0, 8, 4]", for messages.
std::string text(c10::SymIntArrayRef sizes);

/// Throws ShapeError unless the sizes are equal; guards. `what` reads like "the inner axes".
void require_equal(const c10::SymInt& a, const c10::SymInt& b, std::string_view what);

/// A negative axis counts from the end; throws ShapeError outside [-rank, rank). A 0-dim tensor has axis 0, too.
int64_t wrap_axis(int64_t axis, int64_t rank);
/// (a + b - 1) / b, for b > 0.
c10::SymInt ceil_div(const c10::SymInt& a, const c10::SymInt& b);

/// What is known of a tensor, traced or real.
TensorMeta describe(const at::Tensor& tensor);

// Layouts ------------------------------------------------------------------------------------------------------------

/// A dense row-major tensor.
TensorMeta contiguous(Sizes sizes, at::ScalarType dtype, c10::Device device);
TensorMeta strided(Sizes sizes, Sizes strides, at::ScalarType dtype, c10::Device device);
/// A view of `base`: its dtype and device, other sizes and strides.
TensorMeta view_of(const TensorMeta& base, Sizes sizes, Sizes strides);
/// Like at::empty(sizes, memory_format). ChannelsLast needs rank 4, ChannelsLast3d rank 5.
TensorMeta in_format(Sizes sizes, c10::MemoryFormat format, at::ScalarType dtype, c10::Device device);
/// Like at::empty_like(self, memory_format): Preserve keeps the strides of a dense tensor, and the order of the axes
/// of one that isn't.
TensorMeta like(const TensorMeta& self, at::ScalarType dtype, c10::MemoryFormat format = c10::MemoryFormat::Preserve);

Sizes channels_last_strides(c10::SymIntArrayRef sizes);
/// Whether the strides are the ones of the format at all declared sizes, size-1 axes aside. Never guards.
bool is_contiguous(const TensorMeta& self, c10::MemoryFormat format = c10::MemoryFormat::Contiguous);
/// Whether the tensor covers its memory exactly once, in any order of the axes. Never guards.
bool is_dense(const TensorMeta& self);
/// What at::Tensor::suggest_memory_format() says.
struct SuggestedFormat {
  c10::MemoryFormat format;  ///< ChannelsLast(3d) or Contiguous
  bool may_differ;           ///< It may be another one at some of the declared sizes.
};
/// Never guards.
SuggestedFormat suggested_format(const TensorMeta& self);
/// Like at::empty(sizes, memory_format), of a format that another tensor suggests.
TensorMeta in_format(Sizes sizes, const SuggestedFormat& format, at::ScalarType dtype, c10::Device device);
/// In the layout that `input` suggests, if it is a batch of images or volumes: [N, C] and `spatial` axes.
TensorMeta like_batch(const TensorMeta& input, Sizes sizes, size_t spatial);

// Pointwise operators ------------------------------------------------------------------------------------------------

/// The common sizes of operands that are broadcast together; guards where two sizes must be equal to fit.
Sizes broadcast(c10::SymIntArrayRef a, c10::SymIntArrayRef b);
/// The output of TensorIterator: sizes are broadcast, and dense operands pass the order of their axes on.
/// A plain number takes part as a null pointer. The device is that of the first operand that isn't a 0-dim CPU tensor.
TensorMeta pointwise(std::span<const TensorMeta* const> operands, at::ScalarType dtype);
TensorMeta pointwise(std::initializer_list<const TensorMeta*> operands, at::ScalarType dtype);

// Views --------------------------------------------------------------------------------------------------------------

/// `shape` with its -1 (at most one) filled in, to view a tensor of sizes `from`; guards that the number of elements
/// fits.
Sizes infer_size(c10::SymIntArrayRef shape, c10::SymIntArrayRef from);
/// The strides that show `self` as `sizes` without a copy, or nullopt. `sizes` has the same number of elements.
/// Guards only where it depends on a symbolic size whether axes can be merged or split.
std::optional<Sizes> view_strides(const TensorMeta& self, c10::SymIntArrayRef sizes);
/// Whether there are such strides whatever the symbolic sizes are. Never guards: reshape copies where it isn't known.
bool is_known_view(const TensorMeta& self, c10::SymIntArrayRef sizes);
/// Sizes and strides of self.expand(sizes); -1 keeps an axis. Guards where sizes must be equal.
TensorMeta expanded(const TensorMeta& self, c10::SymIntArrayRef sizes);

/// Which end of an axis a position counts from.
enum class CountedFrom {
  kStart,
  kEnd,    ///< it is negative
  kEither  ///< data, or sizes of 0 and 1, decide
};
/// Guards, where data and sizes of 0 and 1 don't decide.
CountedFrom counted_from(const c10::SymInt& position);
/// The position, counted from the start: an expression that holds whichever end it was counted from. It may lie outside
/// of the axis.
c10::SymInt from_start(const c10::SymInt& position, const c10::SymInt& size);

/// The part of an axis that a slice shows: 0 <= start <= end <= size.
struct Range {
  c10::SymInt start;
  c10::SymInt end;
};
/// Clamps like Python's slices do, with min and max of symbolic sizes; guards as counted_from() does.
Range slice_range(const std::optional<c10::SymInt>& start, const std::optional<c10::SymInt>& end,
                  const c10::SymInt& size);

// Reductions ---------------------------------------------------------------------------------------------------------

/// `self` without `axes` (with them as 1 if `keep`), dense. No axes means all of them.
TensorMeta reduced(const TensorMeta& self, std::span<const int64_t> axes, bool keep, at::ScalarType dtype);

}  // namespace tracejet::shape
