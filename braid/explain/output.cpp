#include "braid/explain/output.h"

#include <string_view>

#include "braid/core/base64.h"
#include "braid/core/html.h"
#include "braid/io/atomic_file.h"

// page/ with the report's style: cmake/BraidReport.cmake.
extern "C" const char braid_explain_page[];
extern "C" const char braid_explain_page_end[];

namespace braid::explain {
namespace {

std::string page_of(const Explanations& explanations,
                    const std::map<std::string, std::vector<uint8_t>>& pictures) {
  Json results = to_json(explanations);
  results["pictures"] = Json::object();
  for (const auto& [name, png] : pictures) results["pictures"][name] = to_base64(png);
  const auto title = "braid explain: " + explanations.model;
  return fill_page(
      {braid_explain_page, static_cast<size_t>(braid_explain_page_end - braid_explain_page)},
      {{"{{title}}", embed_text(title)},
       {"{{summary}}", embed_text(title)},
       {"{{results}}", embed_json(results)}});
}

}  // namespace

Output::Output(std::filesystem::path folder) : folder_(std::move(folder)) {
  io::check_writable(folder_, 1 << 20);
}

std::string Output::add_picture(const std::string& name, const io::Image& image) {
  auto png = io::encode_png(image);
  io::write_file_atomic(folder_ / name,
                        std::string_view(reinterpret_cast<const char*>(png.data()), png.size()));
  pictures_[name] = std::move(png);
  return name;
}

std::string Output::add_tensor(const std::string& name, const torch::Tensor& tensor) {
  tensors_[name] = tensor.detach().to(torch::kCPU, torch::kFloat).contiguous();
  return name;
}

void Output::finish(const Explanations& explanations) {
  if (!tensors_.empty()) runtime::save_tensors(tensors_, folder_ / "maps.safetensors");
  io::write_file_atomic(folder_ / "explain.json", dump_json(to_json(explanations), 2) + "\n");
  io::write_file_atomic(folder_ / "index.html", page_of(explanations, pictures_));
}

}  // namespace braid::explain
