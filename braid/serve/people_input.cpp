#include "braid/serve/people_input.h"

#include <string_view>

#include "braid/core/error.h"
#include "braid/core/utf8.h"
#include "braid/serve/protocol/content_coding.h"

namespace braid::serve {

io::Image image_of(const Tensor& input, size_t i, int64_t max_pixels) {
  const auto element = input.elements[i];
  // JSON has no bytes.
  const auto decoded = input.written_as_json ? decode_base64(element) : std::string();
  const std::string_view bytes = input.written_as_json ? decoded : element;
  return io::decode_image(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
                          "image[" + std::to_string(i) + "]", {.max_pixels = max_pixels});
}

std::string text_of(const Tensor& input, size_t i) {
  constexpr size_t kMostBytes = 1 << 20;  // tokenized before it is cut to the model's length
  const auto text = input.elements[i];
  if (text.size() > kMostBytes)
    throw DataError("request", "expected texts of at most 1 MiB", input.name);
  return replace_invalid_utf8(text);
}

}  // namespace braid::serve
