// What `braid data` says of texts.
#pragma once
#include <string>

namespace braid::cli {

// format: text, json.
void describe_texts(const std::string& spec, const std::string& format);
void describe_plain_text(const std::string& spec, const std::string& format);
// strict: throws DataError after it where a question cannot be used.
void describe_questions(const std::string& spec, const std::string& format, bool strict);
// Throws DataError after the report where a text cannot be used.
void check_labelled_texts(const std::string& spec, const std::string& format, int64_t threads);

}  // namespace braid::cli
