#include "braid/serve/people_input.h"

#include <algorithm>
#include <string_view>

#include "braid/core/error.h"
#include "braid/core/utf8.h"
#include "braid/serve/protocol/content_coding.h"

namespace braid::serve {

namespace {

// read(bytes, size, where) of element i.
template <class Read>
auto read_element(const Tensor& input, size_t i, const Read& read) {
  const auto element = input.elements[i];
  // JSON has no bytes.
  const auto decoded = input.written_as_json ? decode_base64(element) : std::string();
  const std::string_view bytes = input.written_as_json ? decoded : element;
  return read(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
              "image[" + std::to_string(i) + "]");
}

}  // namespace

io::Image image_of(const Tensor& input, size_t i, int64_t max_pixels) {
  return read_element(input, i, [&](const uint8_t* bytes, size_t size, const std::string& where) {
    return io::decode_image(bytes, size, where, {.max_pixels = max_pixels});
  });
}

int64_t decoding_bytes(const Tensor& input, int64_t max_pixels) {
  constexpr int64_t kBytesOfPixel = 10;  // progressive JPEG: all coefficients, and the pixels
  int64_t most = 0;
  for (size_t i = 0; i < input.elements.size(); ++i) {
    const auto info =
        read_element(input, i, [&](const uint8_t* bytes, size_t size, const std::string& where) {
          return io::image_info(bytes, size, where, {.max_pixels = max_pixels});
        });
    const auto size = static_cast<int64_t>(input.written_as_json ? input.elements[i].size() : 0);
    most = std::max(most, info.height * info.width * kBytesOfPixel + size);
  }
  return most;
}

std::string text_of(const Tensor& input, size_t i) {
  constexpr size_t kMostBytes = 1 << 20;  // tokenized before it is cut to the model's length
  const auto text = input.elements[i];
  if (text.size() > kMostBytes)
    throw DataError("request", "expected texts of at most 1 MiB", input.name);
  return replace_invalid_utf8(text);
}

}  // namespace braid::serve
