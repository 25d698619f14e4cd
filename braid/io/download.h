// Files from the network.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/core/progress.h"

namespace braid::io {

// The content of an http, https or file URL; redirects are followed, encryption is verified.
// max_bytes: a longer answer is refused. Throws TryAgainError when the host cannot be reached or
// the transfer breaks off, IoError when the server refuses or the file is not there.
std::vector<uint8_t> download(const std::string& url, uint64_t max_bytes, Progress& progress);

}  // namespace braid::io
