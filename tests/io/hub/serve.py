#!/usr/bin/env python3
"""A Hugging Face hub on 127.0.0.1, with the faults that a real one may have.

serve.py LOG: writes "HUB_PORT STORAGE_PORT" to standard output and a line per request to LOG ("hub HEAD /path token=...
range=..."), until standard input ends. Small files come from the hub, large ones by a redirect to the storage, another
origin. What a repository does wrong is said by its name; see FAULTS and LIMITED.
"""
import hashlib
import json
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT, OLD_COMMIT = "c" * 39 + "1", "c" * 39 + "0"
REVISIONS = {"main": COMMIT, "v1.0": OLD_COMMIT, "feature/x": COMMIT, COMMIT: COMMIT, OLD_COMMIT: OLD_COMMIT}
TOKEN = "hf_secret"
TOKENIZERS = {"team/fast": ["tokenizer.json", "tokenizer_config.json", "vocab.txt"],
              "team/words": ["vocab.txt", "added_tokens.json"],
              "team/marian": ["vocab.json", "source.spm", "target.spm", "generation_config.json"], "team/vision": []}
SIZE = 3_000_000  # of the data of a large file, in bytes


def safetensors(name, seed, size):
    header = json.dumps({name: {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    header += b" " * (-len(header) % 8)
    block = hashlib.sha256(str(seed).encode()).digest()
    return struct.pack("<Q", len(header)) + header + (block * (size // 32 + 1))[:size]


def files_of(repository, commit):
    config = json.dumps({"architecture": "resnet20", "commit": commit}).encode()
    if repository in ("sharded", "team/sharded"):
        parts = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
        index = {"metadata": {}, "weight_map": {"a": parts[0], "b": parts[1]}}
        return {"config.json": config, "model.safetensors.index.json": json.dumps(index).encode(),
                parts[0]: safetensors("a", 1, 1000), parts[1]: safetensors("b", 2, 1000)}
    if repository == "team/evil-index":
        return {"config.json": config,
                "model.safetensors.index.json": b'{"weight_map": {"a": "../../../evil.safetensors"}}'}
    if repository == "team/lost-shard":
        return {"config.json": config,
                "model.safetensors.index.json": b'{"weight_map": {"a": "model-1.safetensors"}}'}
    if repository == "team/pickle":
        return {"config.json": config, "pytorch_model.bin": b"PK", "README.md": b"#"}
    if repository == "team/pth":
        return {"README.md": b"#", "net.pth": b"PK"}
    if repository == "team/bare":  # weights alone
        return {"model.safetensors": safetensors("a", 3, 1000)}
    if repository in TOKENIZERS:  # models of transformers
        marian = repository == "team/marian"
        config = json.dumps({"model_type": "marian", "is_encoder_decoder": True} if marian else {"model_type": "bert"}).encode()
        return {"config.json": config, "model.safetensors": safetensors("a", 4, 1000),
                **{name: b"{}" for name in TOKENIZERS[repository]}}
    return {"config.json": config, "model.safetensors": safetensors("a", repository + commit, SIZE)}


# Faults of the storage by repository: how often (None: always) and what.
FAULTS = {"team/cut": (2, "cut"), "team/cut-always": (None, "cut"), "team/no-range": (1, "cut"),
          "team/bad-range": (1, "cut"), "team/bad-size": (None, "short"), "team/too-long": (None, "long"),
          "team/bad-hash": (None, "flip"), "team/storage-down": (None, "503"), "team/slow": (None, "slow")}
LIMITED = {"team/limited": ("1", 1), "team/limited-long": ("3600", None), "team/down": (None, None)}
KNOWN = {"plain", "sharded", "team/sharded", "team/evil-index", "team/lost-shard", "team/pickle", "team/pth", "team/bare",
         "team/plain", *TOKENIZERS, "team/private", "team/gated", "team/no-hub", "team/evil-etag", *FAULTS, *LIMITED}

lock = threading.Lock()
counts = {}
log = open(sys.argv[1], "w", buffering=1)


def count(key):
    with lock:
        counts[key] = counts.get(key, 0) + 1
        return counts[key]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, role):
        token = (self.headers.get("Authorization") or "-").replace(" ", "_")
        with lock:
            log.write(f"{role} {self.command} {self.path} token={token} range={self.headers.get('Range', '-')}\n")

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if "Content-Length" not in dict(headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Hub(Handler):
    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.note("hub")
        parts = self.path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self.describe("/".join(parts[2:-2]), unquote(parts[-1]))
        if "resolve" not in parts:
            return self.answer(404)
        at = parts.index("resolve")
        repository, revision, name = "/".join(parts[:at]), unquote(parts[at + 1]), unquote("/".join(parts[at + 2:]))
        if repository == "renamed":
            return self.answer(307, {"Location": f"/team/plain/resolve/{parts[at + 1]}/{name}"})
        if repository in LIMITED:
            wait, times = LIMITED[repository]
            if times is None or count(repository) <= times:
                return self.answer(429 if wait else 503, {"Retry-After": wait} if wait else {})
        if repository not in KNOWN:
            return self.answer(401, {"X-Error-Code": "RepoNotFound"})
        if self.refuses(repository):
            return None
        if revision not in REVISIONS:
            return self.answer(404, {"X-Error-Code": "RevisionNotFound"})
        commit = REVISIONS[revision]
        files = files_of(repository, commit)
        if name not in files:
            return self.answer(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        return self.file(repository, commit, name, files[name])

    def refuses(self, repository):
        if repository in ("team/private", "team/gated") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            gated = repository == "team/gated"
            self.answer(403 if gated else 401, {"X-Error-Code": "GatedRepo"} if gated else {})
            return True
        if repository == "team/no-hub":
            self.answer(200, {"ETag": '"1"'}, b"<html>")
            return True
        if repository == "team/evil-etag":
            self.answer(200, {"ETag": '"../../evil"', "X-Repo-Commit": COMMIT}, b"{}")
            return True
        return False

    def file(self, repository, commit, name, content):
        if not name.endswith((".safetensors", ".bin", ".pth")):
            etag = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            return self.answer(200, {"X-Repo-Commit": commit, "ETag": f'W/"{etag}"'}, content)
        digest = hashlib.sha256(content).hexdigest()
        return self.answer(302, {
            "X-Repo-Commit": commit, "X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content)), "ETag": '"of-the-page"',
            "Location": f"http://127.0.0.1:{storage.server_port}/{repository}/{commit}/{name}?signature=1"}, b"moved")

    def describe(self, repository, revision):
        if repository not in KNOWN:
            return self.answer(404)
        names = files_of(repository, REVISIONS[revision])
        return self.answer(200, {}, json.dumps({"siblings": [{"rfilename": name} for name in names]}).encode())


class Storage(Handler):
    def do_GET(self):
        self.note("storage")
        parts = self.path.split("?")[0].strip("/").split("/")
        repository, commit, name = "/".join(parts[:-2]), parts[-2], parts[-1]
        content = files_of(repository, commit)[name]
        times, fault = FAULTS.get(repository, (0, ""))
        if times is not None and count(repository) > times:
            fault = ""
        if fault == "503":
            return self.answer(503)
        if fault == "short":
            content = content[:-10]
        elif fault == "long":
            content += b"0123456789"
        elif fault == "flip":
            content = content[:-1] + bytes([content[-1] ^ 1])
        begin, status, headers = 0, 200, {}
        wanted = self.headers.get("Range")
        if wanted and repository != "team/no-range":
            begin, status = int(wanted.split("=")[1].rstrip("-")), 206
            said = 0 if repository == "team/bad-range" else begin
            headers["Content-Range"] = f"bytes {said}-{len(content) - 1}/{len(content)}"
        body = content[begin:]
        headers["Content-Length"] = str(len(body))
        if fault == "slow":
            self.answer(status, headers)
            for at in range(0, len(body), 300_000):
                self.wfile.write(body[at:at + 300_000])
                time.sleep(0.05)
        elif fault == "cut":
            self.answer(status, headers, body[:len(body) // 3])
            self.close_connection = True
        else:
            self.answer(status, headers, body)


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a client that hangs up is part of the tests


hub = Server(("127.0.0.1", 0), Hub)
storage = Server(("127.0.0.1", 0), Storage)
for server in (hub, storage):
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(hub.server_port, storage.server_port, flush=True)
sys.stdin.read()
