// The tokenizer that an exported file of texts carries.
#pragma once
#include "braid/runner/session.h"
#include "braid/text/tokenizer.h"

namespace braid::runner {

// Throws DataError where the file carries none, or one that cannot be read.
text::TokenizerPtr tokenizer_in(const Session& session);

}  // namespace braid::runner
