#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

/// Shapes as trtexec writes them, `x:1x3x224x224,y:1x10`, and as torchtrtc does, `[(1,3);(2,3);(4,3)]@f16%NHWC`. All of
/// these throw InvalidInput, which quotes what was read and says what was expected.
namespace tracejet::command_line {

using Shape = std::vector<int64_t>;
/// By name; the name is empty where there is none.
using NamedShapes = std::vector<std::pair<std::string, Shape>>;

/// What the command line says of one input.
struct InputSpec {
  std::string name;           ///< empty: by position
  std::vector<Shape> shapes;  ///< one, or the least, the usual and the greatest
  std::optional<at::ScalarType> dtype;
  c10::MemoryFormat format = c10::MemoryFormat::Contiguous;
  std::map<int64_t, std::string> shared_dims;
};

/// `x:1x3x224x224,y:1x10`, or a shape alone. `x:scalar` has no axes.
NamedShapes read_shapes(const std::string& text);
/// `(1,3,224,224)` or `[(1,3);(8,3);(16,3)]`, with `name:` before it and `@dtype%format` behind it where needed.
InputSpec read_spec(const std::string& text);
/// `f16`, or PyTorch's name, `float16`.
at::ScalarType read_dtype(const std::string& text);
/// `x:int64,mask:bool`; `example` is quoted where it is something else.
std::vector<std::pair<std::string, std::string>> read_pairs(const std::string& text, const std::string& example);

/// At a separator; one empty part where the text is empty.
std::vector<std::string> split(const std::string& text, char separator);
/// The shape of that name; null where there is none.
const Shape* find(const NamedShapes& shapes, const std::string& name);

}  // namespace tracejet::command_line
