#include "braid/io/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "braid/core/error.h"

namespace braid::io {

std::string sha256(const std::vector<uint8_t>& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw InternalError("digest", "SHA-256 failed");
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace braid::io
