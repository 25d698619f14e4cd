// What people send: images as files, texts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "braid/io/image.h"
#include "braid/serve/tensor.h"

namespace braid::serve {

// Element i of BYTES [N], an image's file; in JSON as Base64. Throws DataError for what is no
// image, or one of more pixels.
io::Image image_of(const Tensor& input, size_t i, int64_t max_pixels);
// What decoding these files takes at most, in bytes, by their headers: one is decoded at a time.
// Throws what image_of() throws.
int64_t decoding_bytes(const Tensor& input, int64_t max_pixels);
// Element i of BYTES [N], UTF-8; what is invalid in it is U+FFFD. Throws DataError beyond 1 MiB.
std::string text_of(const Tensor& input, size_t i);

}  // namespace braid::serve
