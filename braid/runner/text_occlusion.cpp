#include "braid/runner/text_occlusion.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "braid/runner/labels.h"

namespace braid::runner {
namespace {

// The inputs of texts that have this one's length and types.
std::map<std::string, Tensor> inputs_of(const Session& session, const text::Encoding& like,
                                        const text::TokenIds& rows) {
  const auto count = static_cast<int64_t>(rows.size());
  const auto length = static_cast<int64_t>(like.ids.size());
  std::map<std::string, Tensor> inputs;
  for (const auto& input : session.inputs()) {
    Tensor tensor = session.make(DType::kInt64, {count, length});
    for (int64_t row = 0; row < count; ++row) {
      auto* to = tensor.as<int64_t>() + row * length;
      const auto& ids = rows[static_cast<size_t>(row)];
      if (input.name == "input_ids")
        std::copy(ids.begin(), ids.end(), to);
      else if (input.name == "token_type_ids")
        std::copy(like.type_ids.begin(), like.type_ids.end(), to);
      else
        std::fill_n(to, length, int64_t{1});
    }
    inputs[input.name] = tensor;
  }
  return inputs;
}

}  // namespace

text::TokenOcclusion occlude_tokens(Session& session, const TextInput& input,
                                    const text::Encoding& encoding, int64_t batch) {
  return text::occlude_tokens(
      encoding, input.tokenizer().special(), batch, [&](const text::TokenIds& rows) {
        const auto outputs = session.run(inputs_of(session, encoding, rows));
        const auto count = static_cast<int64_t>(rows.size());
        const auto& given = logits_among(session, outputs, count, "texts");
        std::vector<std::vector<float>> logits;
        const int64_t classes = given.dim(1);
        for (int64_t row = 0; row < count; ++row) {
          const float* begin = given.as<float>() + row * classes;
          logits.emplace_back(begin, begin + classes);
        }
        return logits;
      });
}

}  // namespace braid::runner
