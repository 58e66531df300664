#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <c10/core/Device.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

namespace tracejet {

/// The sizes from min to max, axis by axis, and the size that engines tune for.
struct ShapeRange {
  std::vector<int64_t> min_shape;
  std::vector<int64_t> opt_shape;
  std::vector<int64_t> max_shape;

  bool operator==(const ShapeRange&) const = default;
};

/// What a trace has to know of a tensor that it will only see when the program runs: one size per axis, from
/// `min_shape` to `max_shape`. An axis whose bounds differ is dynamic. The three shapes are those of
/// Torch-TensorRT's Input. Where members contradict each other, trace() throws InvalidInput.
struct Input {
  std::vector<int64_t> min_shape;
  std::vector<int64_t> opt_shape;  ///< the size that engines tune for
  std::vector<int64_t> max_shape;
  at::ScalarType dtype = at::kFloat;
  /// An identifier; "input_0", ... where it is empty. Inputs of the same name share their dynamic axes.
  std::string name;
  /// Axes of one dimension name always have the same size. Negative axes count from the last one.
  std::map<int64_t, std::string> shared_dims;
  c10::Device device = c10::Device(c10::kCPU);  ///< where the tensor will be; it needn't exist while tracing
  /// Contiguous, ChannelsLast (rank 4) or ChannelsLast3d (rank 5).
  c10::MemoryFormat format = c10::MemoryFormat::Contiguous;
  std::vector<ShapeRange> profiles;  ///< see with_profiles()

  static Input fixed(std::vector<int64_t> shape, at::ScalarType dtype = at::kFloat, std::string name = "");
  static Input dynamic(std::vector<int64_t> min_shape, std::vector<int64_t> opt_shape, std::vector<int64_t> max_shape,
                       at::ScalarType dtype = at::kFloat, std::string name = "");
  /// Several ranges, each of which engines tune for by itself (optimization profiles). The model is traced for the
  /// range that takes in all of them, with the first one's opt. All inputs of a model that have profiles have equally
  /// many. Throws InvalidInput where a profile contradicts itself, or their ranks differ.
  static Input with_profiles(std::vector<ShapeRange> profiles, at::ScalarType dtype = at::kFloat,
                             std::string name = "");
};

}  // namespace tracejet
