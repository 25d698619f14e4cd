// What the files of a translator are asked for when they are opened.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/runner/session.h"

namespace braid::runner {

// The names of what both decoders read.
inline constexpr const char* kWrittenIds = "input_ids";
inline constexpr const char* kSourceMask = "encoder_attention_mask";
inline constexpr const char* kNextLogits = "logits";
inline constexpr const char* kExportAllParts =
    "write all its files again: `braid export --checkpoint CHECKPOINT --output FOLDER/`";

// Throws DataError with the file's name. what: the key or value in the file, may be empty.
[[noreturn]] void refuse_part(const Session& session, const std::string& expected,
                              const std::string& got, const std::string& what = "");
// Throws DataError where the metadata have no such key.
const std::string& needed_metadata(const Session& session, const char* key);
// Throws DataError where the file is another part of a translator.
void expect_part(const Session& session, const char* part);
// Files of one export say the same of everything but which part they are; throws DataError naming
// the key where `other` does not.
void expect_one_model(const Session& encoder, const Session& other);
// The place of a name among a file's inputs or outputs. Throws DataError where it is none of them.
size_t place_of(const Session& session, const std::vector<FileValue>& values,
                const std::string& name);
// The value of this name. Throws DataError where there is none, or one of another type or rank.
const FileValue& needed_value(const Session& session, const std::vector<FileValue>& values,
                              const std::string& name, DType dtype, size_t rank);
// The last size of a value, which the file fixes. Throws DataError where it is free or below 1.
int64_t fixed_size(const Session& session, const FileValue& value);
// A mask of texts without padding, int64 [rows,length].
Tensor all_tokens(const Session& session, int64_t rows, int64_t length);

}  // namespace braid::runner
