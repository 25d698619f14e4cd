// Labels of data to the outputs of a checkpoint, by the classes' names.
#pragma once
#include <string>
#include <vector>

#include "braid/torch.h"

namespace braid::tasks {

// For each class of the data, its index in the checkpoint, [K] int64. A checkpoint without names,
// as timm writes them, has the data's classes in their order. Throws DataError for a class that the
// checkpoint does not know, or another number of them without names. where: the data, for errors.
torch::Tensor class_map(const std::vector<std::string>& of_data,
                        const std::vector<std::string>& of_checkpoint, int64_t num_classes,
                        const std::string& where);

}  // namespace braid::tasks
