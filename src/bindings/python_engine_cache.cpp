#include "bindings/python_engine_cache.h"

#include "base/error.h"
#include "bindings/held_object.h"

namespace tracejet::python {

namespace {

template <typename Call>
auto or_error(const Call& call) {
  try {
    return call();
  } catch (py::error_already_set& raised) {
    if (!raised.matches(PyExc_Exception)) throw;
    throw Error("custom_engine_cache: " + py::str(raised.value()).cast<std::string>(), ErrorCode::kEngineCache);
  }
}

class PythonEngineCache final : public EngineCache {
 public:
  explicit PythonEngineCache(py::object cache) : cache_(held(std::move(cache))) {}

  void insert(const std::string& key, std::string_view entry) override {
    const py::gil_scoped_acquire gil;
    or_error([&] { return cache_->attr("insert")(key, py::bytes(entry.data(), entry.size())); });
  }

  std::optional<std::string> check(const std::string& key) override {
    const py::gil_scoped_acquire gil;
    const py::object entry = or_error([&] { return py::object(cache_->attr("check")(key)); });
    if (entry.is_none()) return std::nullopt;
    if (py::isinstance<py::bytes>(entry)) return entry.cast<std::string>();
    throw Error("custom_engine_cache: expected bytes or None, got " + py::str(py::type::of(entry)).cast<std::string>(),
                ErrorCode::kEngineCache);
  }

  const void* identity() const override { return cache_->ptr(); }
  const py::object& object() const { return *cache_; }

 private:
  std::shared_ptr<const py::object> cache_;
};

}  // namespace

std::shared_ptr<EngineCache> make_engine_cache(py::object cache) {
  return std::make_shared<PythonEngineCache>(std::move(cache));
}

py::object object_of(const EngineCache* cache) {
  const auto* own = dynamic_cast<const PythonEngineCache*>(cache);
  return own == nullptr ? py::none() : own->object();
}

}  // namespace tracejet::python
