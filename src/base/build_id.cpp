#include "base/build_id.h"

#include <cstdint>
#include <cstring>
#include <elf.h>
#include <link.h>
#include <string_view>

namespace tracejet {

namespace {

size_t aligned(size_t size) { return (size + 3) & ~size_t{3}; }

/// The build id among the notes of a library.
std::string build_id_in(const char* notes, size_t size) {
  for (size_t place = 0; place + sizeof(ElfW(Nhdr)) <= size;) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes + place, sizeof note);
    const char* name = notes + place + sizeof note;
    const char* content = name + aligned(note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID && std::string_view(name, note.n_namesz) == std::string_view("GNU", 4)) {
      return {content, note.n_descsz};
    }
    place += sizeof note + aligned(note.n_namesz) + aligned(note.n_descsz);
  }
  return {};
}

struct Search {
  uintptr_t inside;
  std::string found;
};

/// Looks into the library that has the address inside.
int look(dl_phdr_info* library, size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  bool is_there = false;
  std::string found;
  for (size_t i = 0; i < library->dlpi_phnum; ++i) {
    const ElfW(Phdr) & header = library->dlpi_phdr[i];
    const uintptr_t begin = library->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD) is_there = is_there || search.inside - begin < header.p_memsz;
    if (header.p_type == PT_NOTE && found.empty()) {
      found = build_id_in(reinterpret_cast<const char*>(begin), header.p_memsz);
    }
  }
  if (is_there) search.found = std::move(found);
  return is_there ? 1 : 0;
}

}  // namespace

std::string build_id() {
  Search search{reinterpret_cast<uintptr_t>(&look), {}};
  dl_iterate_phdr(&look, &search);
  return search.found;
}

}  // namespace tracejet
