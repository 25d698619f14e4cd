// Why an exported classifier of texts decides as it does: by running it, without gradients.
#pragma once
#include <cstdint>

#include "braid/runner/session.h"
#include "braid/runner/text_input.h"
#include "braid/text/token_occlusion.h"

namespace braid::runner {

// encoding: input.encode()'s. batch: texts that the model sees at once, at most. Throws DataError
// as text::occlude_tokens() does, and where the first output is not float32 [N,K].
text::TokenOcclusion occlude_tokens(Session& session, const TextInput& input,
                                    const text::Encoding& encoding, int64_t batch);

}  // namespace braid::runner
