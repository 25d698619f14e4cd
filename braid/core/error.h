// Typed errors. Every message reads `[component] expected X, got Y (where)`, with a remedy where
// one exists.
#pragma once
#include <stdexcept>
#include <string>

namespace braid {

// Exit codes of the program (sysexits.h).
enum class ExitCode {
  kOk = 0,
  kUsage = 64,      // a flag or argument is wrong
  kBadData = 65,    // a file's content is wrong
  kInternal = 70,   // a bug in braid
  kIo = 74,         // reading or writing failed
  kTryAgain = 75,   // a temporary failure
  kBadConfig = 78,  // a config file or a combination of settings is wrong
};

class Error : public std::runtime_error {
 public:
  // message: "expected X, got Y"; where: file, field or flag; remedy: what the user can do. The
  // last two may be empty.
  Error(ExitCode code, const std::string& component, const std::string& message,
        const std::string& where = "", const std::string& remedy = "");
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// One type per exit code, so that callers can catch what they can cure.
#define BRAID_DEFINE_ERROR(Name, kind)                                                            \
  class Name : public Error {                                                                     \
   public:                                                                                        \
    Name(const std::string& component, const std::string& message, const std::string& where = "", \
         const std::string& remedy = "")                                                          \
        : Error(ExitCode::kind, component, message, where, remedy) {}                             \
  }
BRAID_DEFINE_ERROR(UsageError, kUsage);
BRAID_DEFINE_ERROR(DataError, kBadData);
BRAID_DEFINE_ERROR(InternalError, kInternal);
BRAID_DEFINE_ERROR(IoError, kIo);
BRAID_DEFINE_ERROR(TryAgainError, kTryAgain);
BRAID_DEFINE_ERROR(ConfigError, kBadConfig);
#undef BRAID_DEFINE_ERROR

// A model's outputs hold NaN or infinity: its training diverged, and no data is to blame.
class NonFiniteOutputError : public DataError {
 public:
  using DataError::DataError;
};

// One file that may not be read, or whose medium fails, where others beside it may do.
class UnreadableFileError : public IoError {
 public:
  using IoError::IoError;
};

}  // namespace braid
