// OpenVINO's TBB opens a library with RTLD_DEEPBIND, which ends a process under ASan. Linked into the program, this
// goes before everybody's dlopen(), and leaves the flag out.
#include <dlfcn.h>

extern "C" void* dlopen(const char* path, int flags) noexcept {
  using Dlopen = void* (*)(const char*, int);
  static const auto next = reinterpret_cast<Dlopen>(dlsym(RTLD_NEXT, "dlopen"));
  return next(path, flags & ~RTLD_DEEPBIND);
}
