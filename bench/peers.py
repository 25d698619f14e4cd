"""What the scripts that time braid against others have in common: the other side's process, and the machine."""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
JEMALLOC_OPTIONS = "thp:always,metadata_thp:auto,dirty_decay_ms:-1,muzzy_decay_ms:-1,background_thread:false"


class Worker:
    """A process that stays alive and works only when asked: it says "ready", reads a count, answers with seconds."""

    def __init__(self, command: list[str], env: dict[str, str]):
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: {' '.join(command)} did not start")

    def answer(self, count: int) -> str:
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def seconds(self, count: int) -> float:
        return float(self.answer(count))

    def peak_mib(self) -> float:
        """The most memory that it had until now."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def jemalloc() -> str:
    listing = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    paths = [line.split()[-1] for line in listing.splitlines() if "libjemalloc.so.2" in line]
    if not paths:
        sys.exit("libjemalloc.so.2 not found; run scripts/bootstrap.sh")
    return paths[0]


def cpu() -> str:
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    flags = next(line for line in open("/proc/cpuinfo") if line.startswith("flags")).split()
    matrix = [flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if flag in flags]
    return f"{names[0]}, {len(names)} cores, {matrix[0] if matrix else 'no AVX2'}"


def peak_gflops(dtype: str) -> float:
    """What LibTorch's matrix product reaches on all cores: 2048 x 2048 x 2048, the best of 20."""
    program = f"""
import time, torch
a, b = (torch.randn(2048, 2048, dtype=torch.{dtype}) for _ in range(2))
def seconds():
    start = time.perf_counter()
    a @ b
    return time.perf_counter() - start
print(2 * 2048 ** 3 / min(seconds() for _ in range(20)) / 1e9)
"""
    return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)


def architecture(model: str) -> dict:
    """What braid lists of it: `family`, `macs` of one example of its own size, and that, `input_size` [C,H,W] or [tokens]."""
    listed = subprocess.run([ROOT / "build/bin/braid", "models", model, "--format", "json"], check=True, capture_output=True,
                            text=True)
    row = next((row for row in json.loads(listed.stdout) if row["name"] == model), None)
    if row is None:
        sys.exit(f"{model}: no such architecture; `braid models` lists them")
    return row
