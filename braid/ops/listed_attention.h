// Attention of single queries over keys that lie anywhere: each query has a list of rows. A decoder
// that writes word by word keeps the keys of all words where they were made, and moves lists.
//
// Reads q, and of each listed row keys and values once; writes y. Computed in float32, whatever the
// type. Multiply-accumulates: (key_dim + value_dim) * heads for each listed row.
#pragma once
#include "braid/torch.h"

namespace braid::ops {

// What queries see: q of row r sees the rows places[r * lists / queries][*] of keys and values, but
// for those whose `visible` is false.
struct ListedKeys {
  torch::Tensor keys;          // [rows, heads*d]
  torch::Tensor values;        // [rows, heads*e]
  torch::Tensor places;        // [lists, M] int64, row numbers
  torch::Tensor visible = {};  // [lists, M] bool; undefined: all are
};

// softmax(scale q k^T) v per head: q [queries, heads*d], as many queries one after another for each
// list -> [queries, heads*e] of q's type. A query that sees nothing gives zeros.
//
// Ours where is_listed_attention_fused() says so: on the CPU, without recorded gradients, all of
// float32 or all of bfloat16, shapes as above. Else LibTorch's operators compute it. Places must be
// row numbers of the keys: LibTorch's operators throw c10::Error for others, ours does not look.
torch::Tensor listed_attention(const torch::Tensor& q, const ListedKeys& listed, int64_t heads,
                               double scale);
bool is_listed_attention_fused(const torch::Tensor& q, const ListedKeys& listed, int64_t heads);
// The same by LibTorch's operators.
torch::Tensor composed_listed_attention(const torch::Tensor& q, const ListedKeys& listed,
                                        int64_t heads, double scale);

}  // namespace braid::ops
