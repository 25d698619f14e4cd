// Occlusion of a text's tokens as an explanation.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/explain/explanation.h"
#include "braid/text/token_occlusion.h"
#include "braid/text/tokenizer.h"

namespace braid::explain {

inline constexpr const char* kOcclusion = "occlusion";

// A text, or two that are judged together, as the tokenizer reads them.
struct ReadText {
  const std::string& text;
  const std::optional<std::string>& pair;
  const text::Encoding& encoding;
};

// The tokens of an explanation with their names and places, without attributions.
std::vector<TokenAttribution> tokens_of(const ReadText& read, const text::Tokenizer& tokenizer);

// target: a class's name or number; unset: the likeliest. Throws UsageError for a class that the
// model does not have.
TextExplanation explain_by_occlusion(const ReadText& read, const text::TokenOcclusion& occlusion,
                                     const text::Tokenizer& tokenizer,
                                     const std::vector<std::string>& classes,
                                     const std::optional<std::string>& target);

}  // namespace braid::explain
