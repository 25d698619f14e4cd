#include "cli/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace braid::cli {

void open_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) == -1 && errno == EBADF && ::open("/dev/null", O_RDWR) != fd)
      return;  // open(2) gives the lowest free number: only without /dev/null is it another
}

}  // namespace braid::cli
