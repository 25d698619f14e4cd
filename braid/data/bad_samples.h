// Examples that cannot be read: one place says what becomes of them.
#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/error.h"

namespace braid::data {

// What a DataError or UnreadableFileError says that `read` threw; nothing where it threw none.
template <class Read>
std::optional<std::string> fault_of(const Read& read) {
  try {
    read();
    return std::nullopt;
  } catch (const DataError& e) {
    return e.what();
  } catch (const UnreadableFileError& e) {
    return e.what();
  }
}

// For what looks through examples that a loader reads as well: it meets the bad one and says so.
template <class Read>
bool can_read(const Read& read) {
  return !fault_of(read);
}

class BadSamples {
 public:
  // policy: error, what reading throws is thrown; skip, the example is left out and counted. Throws
  // ConfigError for any other word.
  explicit BadSamples(const std::string& policy) : skip_(policy == "skip") {
    if (!skip_ && policy != "error")
      throw ConfigError("data", "expected error or skip, got '" + policy + "'", "--on-bad-sample");
  }
  // Calls `read`; false: it threw a DataError or UnreadableFileError and the example is to be left
  // out. From any thread.
  template <class Read>
  bool guard(const Read& read) {
    if (!skip_) {
      read();
      return true;
    }
    const auto fault = fault_of(read);
    if (fault) count(*fault);
    return !fault;
  }
  int64_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  // The first ones.
  std::vector<std::string> messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }
  std::string last_message() const {
    const std::lock_guard lock(mutex_);
    return last_message_;
  }
  // "Left out 3 questions that could not be read, such as: ..." for items of that name; of none
  // nothing.
  std::optional<std::string> remark(const std::string& item) const {
    const std::lock_guard lock(mutex_);
    if (count_ == 0) return std::nullopt;
    return "Left out " + std::to_string(count_) + " " + item + (count_ == 1 ? "" : "s") +
           " that could not be read" + (count_ == 1 ? ": " : ", such as: ") + messages_.front();
  }

 private:
  static constexpr size_t kKeptMessages = 100;
  void count(const std::string& message) {
    const std::lock_guard lock(mutex_);
    ++count_;
    last_message_ = message;
    if (messages_.size() < kKeptMessages) messages_.push_back(message);
  }
  bool skip_;
  mutable std::mutex mutex_;
  int64_t count_ = 0;
  std::string last_message_;
  std::vector<std::string> messages_;
};

}  // namespace braid::data
