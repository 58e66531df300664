// ONNX: onnx/onnx.proto (ModelProto, GraphProto, NodeProto, TensorProto).
#include "lowering/onnx/model.h"

#include <fstream>

#include "base/error.h"
#include "lowering/onnx/wire.h"

namespace tracejet::onnx {

std::optional<int64_t> element_type(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return 1;
    case at::kByte:
      return 2;
    case at::kChar:
      return 3;
    case at::kUInt16:
      return 4;
    case at::kShort:
      return 5;
    case at::kInt:
      return 6;
    case at::kLong:
      return 7;
    case at::kBool:
      return 9;
    case at::kHalf:
      return 10;
    case at::kDouble:
      return 11;
    case at::kUInt32:
      return 12;
    case at::kUInt64:
      return 13;
    case at::kComplexFloat:
      return 14;
    case at::kComplexDouble:
      return 15;
    case at::kBFloat16:
      return 16;
    default:
      return std::nullopt;
  }
}

namespace {

// Protobuf refuses messages of 2 GiB; the graph itself needs some of that.
constexpr int64_t kEmbeddedLimit = int64_t{1} << 30;
// ONNX Runtime maps weights from the file, which needs pages.
constexpr int64_t kAlignment = 4096;

int64_t aligned(int64_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

int64_t required_element_type(at::ScalarType dtype) {
  if (const auto type = element_type(dtype)) return *type;
  throw UnsupportedOperator(std::string("ONNX has no data type for ") + c10::toString(dtype),
                            ErrorCode::kEngineRefusal);
}

Message encode(const Attribute& attribute) {
  enum Field { kName = 1, kFloat = 2, kInt = 3, kString = 4, kFloats = 7, kInts = 8, kStrings = 9, kType = 20 };
  enum Type { kTypeFloat = 1, kTypeInt = 2, kTypeString = 3, kTypeFloats = 6, kTypeInts = 7, kTypeStrings = 8 };
  struct Encoder {
    Message& out;
    void operator()(int64_t value) const {
      out.integer(kInt, value);
      out.integer(kType, kTypeInt);
    }
    void operator()(float value) const {
      out.real(kFloat, value);
      out.integer(kType, kTypeFloat);
    }
    void operator()(const std::string& value) const {
      out.text(kString, value);
      out.integer(kType, kTypeString);
    }
    void operator()(const std::vector<int64_t>& values) const {
      for (const int64_t value : values) out.integer(kInts, value);
      out.integer(kType, kTypeInts);
    }
    void operator()(const std::vector<float>& values) const {
      for (const float value : values) out.real(kFloats, value);
      out.integer(kType, kTypeFloats);
    }
    void operator()(const std::vector<std::string>& values) const {
      for (const std::string& value : values) out.text(kStrings, value);
      out.integer(kType, kTypeStrings);
    }
  };
  Message message;
  message.text(kName, attribute.name);
  std::visit(Encoder{message}, attribute.value);
  return message;
}

Message encode(const OnnxNode& node) {
  enum Field { kInput = 1, kOutput = 2, kName = 3, kOperator = 4, kAttribute = 5 };
  Message message;
  for (const auto& input : node.inputs) message.text(kInput, input);
  for (const auto& output : node.outputs) message.text(kOutput, output);
  message.text(kName, node.name);
  message.text(kOperator, node.op);
  for (const auto& attribute : node.attributes) message.message(kAttribute, encode(attribute));
  return message;
}

Message encode(const TensorInfo& info) {
  Message shape;
  for (const auto& axis : info.shape) {
    Message dimension;
    if (const auto* size = std::get_if<int64_t>(&axis)) {
      dimension.integer(1, *size);
    } else {
      dimension.text(2, std::get<std::string>(axis));
    }
    shape.message(1, dimension);
  }
  Message tensor;
  tensor.integer(1, required_element_type(info.dtype));
  tensor.message(2, shape);
  Message type;
  type.message(1, tensor);
  Message message;
  message.text(1, info.name);
  message.message(2, type);
  return message;
}

std::string_view bytes_of(const at::Tensor& contiguous) {
  return {static_cast<const char*>(contiguous.const_data_ptr()), contiguous.nbytes()};
}

enum TensorField { kDims = 1, kDataType = 2, kTensorName = 8, kRawData = 9, kExternalData = 13, kDataLocation = 14 };

Message encode_header(const NamedTensor& tensor) {
  Message message;
  for (const int64_t size : tensor.data.sizes()) message.integer(kDims, size);
  message.integer(kDataType, required_element_type(tensor.data.scalar_type()));
  message.text(kTensorName, tensor.name);
  return message;
}

Message encode_with_data(const NamedTensor& tensor) {
  Message message = encode_header(tensor);
  message.text(kRawData, bytes_of(tensor.data.contiguous()));
  return message;
}

Message encode_reference(const NamedTensor& tensor, std::string_view file, int64_t offset) {
  Message message = encode_header(tensor);
  const auto entry = [&](std::string_view key, std::string_view value) {
    Message pair;
    pair.text(1, key);
    pair.text(2, value);
    message.message(kExternalData, pair);
  };
  entry("location", file);
  entry("offset", std::to_string(offset));
  entry("length", std::to_string(tensor.data.nbytes()));
  message.integer(kDataLocation, 1);
  return message;
}

TensorInfo describe(const NamedTensor& tensor) {
  TensorInfo info{tensor.name, tensor.data.scalar_type(), {}};
  for (const int64_t size : tensor.data.sizes()) info.shape.emplace_back(size);
  return info;
}

TensorInfo describe(const NumberInput& number) {
  if (number.is_shape) return {number.name, number.dtype, {number.name + ".size", int64_t{0}}};
  return {number.name, number.dtype, {int64_t{1}}};
}

std::ofstream open(const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  if (!file) throw Error("can't write " + path.string(), ErrorCode::kUnwritableFile);
  return file;
}

void write_weights(const std::vector<NamedTensor>& weights, const std::filesystem::path& path) {
  auto file = open(path);
  int64_t written = 0;
  for (const auto& weight : weights) {
    const std::string padding(static_cast<size_t>(aligned(written) - written), '\0');
    const at::Tensor data = weight.data.contiguous();
    file << padding << bytes_of(data);
    written = aligned(written) + static_cast<int64_t>(data.nbytes());
  }
  if (!file.flush()) throw Error("writing " + path.string() + " failed: is the disk full?", ErrorCode::kUnwritableFile);
}

}  // namespace

std::string Model::serialize(WeightForm form, std::string_view weights_file) const {
  enum GraphField { kNode = 1, kName = 2, kInitializer = 5, kInput = 11, kOutput = 12 };
  Message graph;
  for (const auto& node : nodes) graph.message(kNode, encode(node));
  graph.text(kName, "program");
  for (const auto& constant : constants) graph.message(kInitializer, encode_with_data(constant));
  int64_t offset = 0;
  for (const auto& weight : weights) {
    if (form == WeightForm::kEmbedded) graph.message(kInitializer, encode_with_data(weight));
    if (form == WeightForm::kReferences) graph.message(kInitializer, encode_reference(weight, weights_file, offset));
    offset = aligned(offset + static_cast<int64_t>(weight.data.nbytes()));
  }
  for (const auto& input : inputs) graph.message(kInput, encode(input));
  for (const auto& number : numbers) graph.message(kInput, encode(describe(number)));
  if (form == WeightForm::kInputs) {
    for (const auto& weight : weights) graph.message(kInput, encode(describe(weight)));
  }
  for (const auto& output : outputs) graph.message(kOutput, encode(output));

  enum ModelField { kIrVersion = 1, kProducer = 2, kGraph = 7, kOpsetImport = 8 };
  Message opset;
  opset.text(1, "");
  opset.integer(2, kOpset);
  Message model;
  model.integer(kIrVersion, 9);
  model.text(kProducer, "tracejet");
  model.message(kGraph, graph);
  model.message(kOpsetImport, opset);
  return std::move(model).bytes();
}

void Model::save(const std::filesystem::path& path) const {
  int64_t total = 0;
  for (const auto& weight : weights) total += static_cast<int64_t>(weight.data.nbytes());
  const bool embedded = total < kEmbeddedLimit;
  auto data_path = path;
  data_path += ".data";
  if (!embedded) write_weights(weights, data_path);
  auto file = open(path);
  file << (embedded ? serialize(WeightForm::kEmbedded)
                    : serialize(WeightForm::kReferences, data_path.filename().string()));
  if (!file.flush()) throw Error("writing " + path.string() + " failed: is the disk full?", ErrorCode::kUnwritableFile);
}

}  // namespace tracejet::onnx
