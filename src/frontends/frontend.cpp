#include "frontends/frontend.h"

#include <c10/util/Exception.h>

#include "base/error.h"

namespace tracejet {

Failure Frontend::kind_of(const std::exception_ptr& error) const {
  try {
    std::rethrow_exception(error);
  } catch (const DataDependent&) {
    return Failure::kDataDependent;
  } catch (const UnsupportedOperator&) {
    return Failure::kUnsupported;
  } catch (const ShapeError&) {
    return Failure::kShape;
  } catch (const Error&) {
    return Failure::kOurs;
  } catch (const c10::Error&) {
    return Failure::kOfPyTorch;
  } catch (const std::exception&) {
    return Failure::kOfModel;
  } catch (...) {
    return Failure::kInterrupted;
  }
}

}  // namespace tracejet
