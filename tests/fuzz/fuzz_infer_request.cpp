// Any bytes as requests for inference: with their JSON's length in the first two bytes, and
// without.
#include <cstdlib>
#include <memory>

#include "braid/core/error.h"
#include "braid/serve/http/target.h"
#include "braid/serve/protocol/content_coding.h"
#include "braid/serve/protocol/infer_request.h"
#include "braid/serve/protocol/infer_response.h"

namespace {

void read_request(std::string_view bytes, std::optional<uint64_t> json_bytes) {
  using namespace braid::serve;
  const auto body = std::make_shared<const std::string>(bytes);
  try {
    const auto request = parse_infer_request(body, json_bytes);
    InferResponse response{
        .model_name = "m", .model_version = "1", .id = request.id, .outputs = {}};
    for (const auto& input : request.inputs) {
      // What was read is as large as it says.
      const auto count = static_cast<uint64_t>(count_of(input.shape).value());
      const bool bytes_type = input.type == DataType::kBytes;
      if (bytes_type ? input.elements.size() != count
                     : input.data.size() != count * size_of(input.type))
        std::abort();
      response.outputs.push_back(input);
    }
    const auto encoded = encode_response(response, request, {"a", "b"});
    if (encoded.json_bytes.value_or(0) > encoded.body.size()) std::abort();
  } catch (const braid::DataError&) {  // the only error that foreign bytes may bring about
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_request(bytes, std::nullopt);
  read_request(bytes, 0);
  if (size >= 2) read_request(bytes.substr(2), data[0] | data[1] << 8);
  const auto attempt = [](const auto& parse) {
    try {
      parse();
    } catch (const braid::DataError&) {
    }
  };
  attempt([&] { braid::serve::inflate_body(bytes, 1 << 16); });
  attempt([&] { braid::serve::decode_base64(bytes); });
  braid::serve::split_target(bytes);
  return 0;
}
