// Texts that every Debian has: the descriptions of its packages, through apt.
#pragma once
#include <filesystem>
#include <string>

#include "braid/core/progress.h"

namespace braid::data {

// debian-packages        {train,val,test}.jsonl: descriptions, labelled with the package's section
// debian-packages-en-de  {train,val,test}.{en,de}: paragraphs and their translations, a line each
// debian-packages-text   {train,val}.txt: descriptions as plain text, blank lines between them
// Packages of one source, whose descriptions are alike, are in one split; val and test, a twentieth
// and a tenth of the sources, are the same for all three. The lists are those of the release that
// apt is set up for, without its updates; apt fetches them into a private folder.
// Writes into `folder`, whole or not at all. Throws IoError where there is no apt, TryAgainError
// where it cannot fetch its lists, DataError where these hold no descriptions.
void make_debian_packages(const std::string& name, const std::filesystem::path& folder,
                          Progress& progress);

}  // namespace braid::data
