"""Speaks to a server of tests/serve/browser/serve_fake_models with NVIDIA's own client: triton_client.py HOST:PORT."""
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException


def fails(action, *words) -> None:
    try:
        action()
    except InferenceServerException as error:
        assert all(word in str(error) for word in words), error
        return
    raise AssertionError(f"expected an error with {words}")


client = triton.InferenceServerClient(sys.argv[1])
assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready("texts") and client.is_model_ready("texts", "1") and not client.is_model_ready("none")
assert client.get_server_metadata()["name"] == "braid"
metadata = client.get_model_metadata("texts")
assert [one["name"] for one in metadata["outputs"]] == ["logits", "probabilities"], metadata
assert client.get_model_config("texts")["max_batch_size"] == 32
index = {one["name"]: one["state"] for one in client.get_model_repository_index()}
assert index == {name: "READY" for name in ("pictures", "texts", "twos")}, index

rows = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32)
logits = np.stack([rows[:, 0], rows[:, 1], rows.sum(1)], axis=1)
for binary_in in (True, False):
    x = triton.InferInput("x", list(rows.shape), "FP32")
    x.set_data_from_numpy(rows, binary_data=binary_in)
    for binary_out in (True, False):
        outputs = [triton.InferRequestedOutput("logits", binary_data=binary_out),
                   triton.InferRequestedOutput("probabilities", binary_data=binary_out)]
        result = client.infer("texts", [x], outputs=outputs, request_id="seven")
        assert result.get_response()["id"] == "seven"
        assert np.array_equal(result.as_numpy("logits"), logits)
        assert np.allclose(result.as_numpy("probabilities").sum(1), 1)
    assert np.array_equal(client.infer("texts", [x]).as_numpy("logits"), logits)  # all outputs
    for coding in ("gzip", "deflate"):
        zipped = client.infer("texts", [x], request_compression_algorithm=coding, response_compression_algorithm=coding)
        assert np.array_equal(zipped.as_numpy("logits"), logits)
    best = triton.InferRequestedOutput("logits", binary_data=binary_in, class_count=2)
    classes = client.infer("texts", [x], outputs=[best]).as_numpy("logits")
    first = classes[0][0]
    assert classes.shape == (3, 2) and (first if isinstance(first, str) else first.decode()) == "3.000000:2:cat", classes

texts = np.array(["abc", "hello"], dtype=object)
for binary_in in (True, False):
    text = triton.InferInput("text", [2], "BYTES")
    text.set_data_from_numpy(texts, binary_data=binary_in)
    lengths = client.infer("texts", [text], model_version="1", timeout=5_000_000).as_numpy("logits")[:, 0]
    assert lengths.tolist() == [3, 5], lengths
future = client.async_infer("texts", [text])
assert future.get_result().as_numpy("logits").shape == (2, 3)

image = triton.InferInput("image", [1], "BYTES")
image.set_data_from_numpy(np.array([b"\x89PNG\x00\xff"], dtype=object))
assert client.infer("pictures", [image]).as_numpy("logits").tolist() == [[1, 2, 3]]
image.set_data_from_numpy(np.array([b"GIF"], dtype=object))
fails(lambda: client.infer("pictures", [image]), "expected a picture")
fails(lambda: client.infer("none", [image]), "unknown model")
fails(lambda: client.infer("texts", [image]), "inputs")
narrow = triton.InferInput("x", [1, 3], "FP32")
narrow.set_data_from_numpy(np.zeros((1, 3), np.float32))
fails(lambda: client.infer("texts", [narrow]), "[-1,2]")

client.load_model("texts")
client.unload_model("texts")
assert not client.is_model_ready("texts")
fails(lambda: client.infer("texts", [text]), "unknown model")
client.load_model("texts")
assert client.infer("texts", [text]).as_numpy("logits").shape == (2, 3)
fails(lambda: client.load_model("other"), "other")
statistics = client.get_inference_statistics("texts")["model_stats"][0]
assert statistics["inference_count"] >= 20 and statistics["inference_stats"]["success"]["count"] >= 10
assert len(client.get_inference_statistics()["model_stats"]) == 3
print("ok: tritonclient", __import__("importlib.metadata").metadata.version("tritonclient"))
