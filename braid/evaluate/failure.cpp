#include "braid/evaluate/failure.h"

#include <c10/util/Exception.h>

#include <filesystem>
#include <new>

namespace braid::evaluate {
namespace {

constexpr const char* kOutOfMemory =
    "[memory] out of memory; try a smaller batch_size, or fewer models at once";

bool ran_out_of_memory(const c10::Error& e) {
  return dynamic_cast<const c10::OutOfMemoryError*>(&e) != nullptr ||
         std::string(e.what_without_backtrace()).find("allocate memory") != std::string::npos;
}

}  // namespace

std::optional<Failure> failure_of(const std::string& what, const std::function<void()>& work) {
  const auto failure = [&](ExitCode code, const std::string& message) {
    return Failure{what, code, message, std::current_exception()};
  };
  try {
    work();
    return std::nullopt;
  } catch (const Error& e) {
    return failure(e.code(), e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    return failure(ExitCode::kIo, "[files] " + std::string(e.what()));
  } catch (const std::bad_alloc&) {
    return failure(ExitCode::kTryAgain, kOutOfMemory);
  } catch (const c10::Error& e) {
    if (ran_out_of_memory(e)) return failure(ExitCode::kTryAgain, kOutOfMemory);
    return failure(ExitCode::kInternal, e.what_without_backtrace());
  } catch (const std::exception& e) {
    return failure(ExitCode::kInternal, e.what());
  }
}

}  // namespace braid::evaluate
