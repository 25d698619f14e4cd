#include "braid/runner/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "braid/io/posix_file.h"

namespace braid::runner {

MappedFile::MappedFile(const std::filesystem::path& file) {
  const io::FileDescriptor fd(file, O_RDONLY | O_CLOEXEC);
  if (!fd.ok()) io::fail_io("open", file, errno);
  size_ = static_cast<size_t>(io::size_of_file(fd, file));
  if (size_ == 0) return;
  void* place = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (place == MAP_FAILED) io::fail_io("map", file, errno);
  data_ = static_cast<const uint8_t*>(place);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<uint8_t*>(data_), size_);
}

}  // namespace braid::runner
