// Files and folders that are written whole or not at all.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace braid::io {

// Writes a temporary sibling, syncs it, renames it over `file`: a kill leaves the old or the new
// content, and a sibling that the next call for the same file on the same machine clears. Throws
// IoError with the system's reason (disk full, read-only, ...).
void write_file_atomic(const std::filesystem::path& file, std::string_view content);
// The same from several parts, written one after the other.
void write_file_atomic(const std::filesystem::path& file,
                       const std::vector<std::span<const std::byte>>& parts);

// Replaces folder `target` by what `fill` writes into an empty sibling. A kill leaves the old or
// the new folder under its name; leftovers (`.<name>.new`) are cleared by the next call. File
// systems that cannot exchange two names in one step, such as NFS, take two, between which a kill
// leaves the old folder as `.<name>.old`.
void replace_folder(const std::filesystem::path& target,
                    const std::function<void(const std::filesystem::path& empty)>& fill);
// Gives it its name back after such a kill; does nothing where a folder of that name is.
void restore_folder(const std::filesystem::path& target);

// Creates `folder` and proves that a file of `bytes` can be written into it. Throws IoError
// otherwise.
void check_writable(const std::filesystem::path& folder, uint64_t bytes);

// Throws IoError where there is no folder to write `file` into: before what takes long, not after.
void check_folder_of(const std::filesystem::path& file);

// The whole file. Throws IoError (UnreadableFileError where it may not be read), or DataError when
// it is larger than max_bytes.
std::vector<uint8_t> read_file(const std::filesystem::path& file, uint64_t max_bytes = UINT64_MAX);

}  // namespace braid::io
