#!/usr/bin/env python3
"""How fast `braid serve` answers: throughput, p50 and p99 with batches of one and with dynamic batches, each at several
numbers of clients that ask again as soon as they are answered; and whether the server's histogram tells the same p99.

    bench/serve_load.py --checkpoint runs/fashion                     # the same two servers, by turns
    bench/serve_load.py --checkpoint runs/fashion --engines libtorch openvino    # two of each
    bench/serve_load.py --url http://127.0.0.1:8000 --model shirts    # a server that runs
    bench/serve_load.py --checkpoint runs/fashion --overload 60       # three times what it can do, 1,000 idle connections
    bench/serve_load.py --checkpoint runs/fashion --memory 100000     # resident memory over requests of 1 to 8 rows

Needs no package. Clients and server share the machine, which is printed with the figures.
"""
import argparse
import asyncio
import json
import os
import platform
import re
import resource
import struct
import subprocess
import sys
import time
import urllib.request


def request_bytes(host: str, model: str, spec: dict, rows: int = 1) -> bytes:
    """Rows of zeros, or short texts, as binary data."""
    shape = [rows] + spec["shape"][1:]
    if spec["datatype"] == "BYTES":
        text = b"a film that stays with you long after it has ended"
        data = rows * (struct.pack("<I", len(text)) + text)
    else:
        count = rows
        for size in shape[1:]:
            count *= size
        data = bytes(4 * count)
    head = json.dumps({"inputs": [{"name": spec["name"], "datatype": spec["datatype"], "shape": shape,
                                   "parameters": {"binary_data_size": len(data)}}],
                       "outputs": [{"name": "logits", "parameters": {"binary_data": True}}]}).encode()
    return (f"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: {host}\r\nInference-Header-Content-Length: {len(head)}\r\n"
            f"Content-Length: {len(head) + len(data)}\r\n\r\n").encode() + head + data


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """The status."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", head)[1]))
    return int(head[9:12])


async def client(host: str, port: int, request: bytes, end: float, times: list, statuses: dict) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while time.perf_counter() < end:
        begin = time.perf_counter()
        status = await ask(reader, writer, request)
        statuses[status] = statuses.get(status, 0) + 1
        if status == 200:
            times.append(time.perf_counter() - begin)
        else:
            await asyncio.sleep(0.01)
    writer.close()


async def load(host: str, port: int, request: bytes, clients: int, seconds: float) -> tuple:
    times, statuses = [], {}
    end = time.perf_counter() + seconds
    await asyncio.gather(*(client(host, port, request, end, times, statuses) for _ in range(clients)))
    return sorted(times), statuses


async def overload(host: str, port: int, request: bytes, per_second: float, seconds: float, idle: int) -> dict:
    """Requests at a fixed rate, whether the ones before are answered or not, beside idle connections; health is asked ten
    times a second. Connections that are free are used again."""
    quiet = [await asyncio.open_connection(host, port) for _ in range(idle)]
    free, times, statuses, tasks = [], [], {}, set()

    async def one() -> None:
        begin = time.perf_counter()
        try:
            connection = free.pop() if free else await asyncio.open_connection(host, port)
            status = await ask(*connection, request)
            free.append(connection)
        except (OSError, asyncio.IncompleteReadError) as error:
            status = type(error).__name__
        statuses[status] = statuses.get(status, 0) + 1
        if status == 200:
            times.append(time.perf_counter() - begin)

    health, failed = [], 0
    begin = time.perf_counter()
    sent, next_health = 0, 0.0
    reader, writer = await asyncio.open_connection(host, port)
    while (now := time.perf_counter() - begin) < seconds:
        while sent < now * per_second:
            task = asyncio.create_task(one())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            sent += 1
        if now >= next_health:
            next_health += 0.1
            asked = time.perf_counter()
            failed += await ask(reader, writer, f"GET /v2/health/ready HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) != 200
            health.append(time.perf_counter() - asked)
        await asyncio.sleep(0.001)
    await asyncio.gather(*tasks)
    for _, writer in quiet:
        writer.close()
    if not times:
        sys.exit(f"no request was answered: {statuses}")
    times.sort(), health.sort()
    return {"sent": sent, "statuses": statuses, "accepted_p50_ms": 1e3 * times[len(times) // 2],
            "accepted_p99_ms": 1e3 * times[int(0.99 * (len(times) - 1))], "health_checks": len(health),
            "health_failed": failed, "health_p99_ms": 1e3 * health[int(0.99 * (len(health) - 1))]}


async def ask_sizes(host: str, port: int, requests: list, count: int) -> None:
    """So many requests over eight connections, of all the sizes in turns."""
    async def some(first: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for i in range(first, count, 8):
            status = await ask(reader, writer, requests[(i + i // 8) % len(requests)])
            if status != 200:
                sys.exit(f"expected 200, got {status}")
        writer.close()

    await asyncio.gather(*(some(first) for first in range(8)))


def resident_mib(url: str) -> float:
    text = urllib.request.urlopen(url + "/metrics").read().decode()
    return float(re.search(r"^process_resident_memory_bytes (\S+)", text, re.M)[1]) / 2**20


def buckets(url: str, model: str) -> list:
    """[(upper bound in seconds, requests up to it)] of the server's histogram."""
    text = urllib.request.urlopen(url + "/metrics").read().decode()
    pattern = rf'braid_request_duration_seconds_bucket{{model="{re.escape(model)}",le="([^"]+)"}} (\d+)'
    return [(float(bound), int(count)) for bound, count in re.findall(pattern, text)]


def histogram_quantile(before: list, after: list, share: float) -> float:
    """As Prometheus computes it, of what came between."""
    counts = [(bound, count - old) for (bound, count), (_, old) in zip(after, before)]
    rank, lower, below = share * counts[-1][1], 0.0, 0
    for bound, count in counts:
        if count >= rank:
            return lower + (bound - lower) * (rank - below) / max(1, count - below)
        lower, below = bound, count
    return lower


def address_of(url: str) -> tuple:
    host, port = url.removeprefix("http://").rsplit(":", 1)
    return host, int(port)


def request_to(url: str, model: str, rows: int = 1) -> bytes:
    inputs = json.load(urllib.request.urlopen(f"{url}/v2/models/{model}"))["inputs"]
    spec = next((one for one in inputs if one["datatype"] == "FP32"), inputs[0])
    return request_bytes(url.removeprefix("http://"), model, spec, rows)


def measure(url: str, model: str, name: str, clients: int, seconds: float) -> dict:
    host, port = address_of(url)
    request = request_to(url, model)
    asyncio.run(load(host, port, request, clients, min(1.0, seconds)))
    before = buckets(url, model)
    begin = time.perf_counter()
    times, statuses = asyncio.run(load(host, port, request, clients, seconds))
    took = time.perf_counter() - begin
    result = {"server": name, "clients": clients, "per_second": len(times) / took,
              "p50_ms": 1e3 * times[len(times) // 2], "p99_ms": 1e3 * times[int(0.99 * (len(times) - 1))],
              "metrics_p99_ms": 1e3 * histogram_quantile(before, buckets(url, model), 0.99), "statuses": statuses}
    print(f"{name:>18}  {clients:>7}  {result['per_second']:>10.1f}  {result['p50_ms']:>8.2f}  {result['p99_ms']:>8.2f}  "
          f"{result['metrics_p99_ms']:>14.2f}  {statuses}", flush=True)
    return result


def measure_overload(url: str, model: str, seconds: float, idle: int) -> dict:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    host, port = address_of(url)
    request = request_to(url, model)
    times, _ = asyncio.run(load(host, port, request, 32, 3.0))
    per_second = len(times) / 3.0
    print(f"{per_second:.0f} requests/s with 32 clients; {3 * per_second:.0f} asked for {seconds:.0f} s beside {idle} idle connections")
    before = buckets(url, model)
    result = asyncio.run(overload(host, port, request, 3 * per_second, seconds, idle))
    result["metrics_p99_ms"] = 1e3 * histogram_quantile(before, buckets(url, model), 0.99)
    for name, value in result.items():
        print(f"{name:>18}  {value:.2f}" if isinstance(value, float) else f"{name:>18}  {value}")
    return result


def measure_memory(url: str, model: str, requests: int) -> list:
    host, port = address_of(url)
    sizes = [request_to(url, model, rows) for rows in range(1, 9)]
    result = []
    for tenth in range(11):
        if tenth > 0:
            asyncio.run(ask_sizes(host, port, sizes, requests // 10))
        result.append({"requests": tenth * (requests // 10), "resident_mib": resident_mib(url)})
        print(f"{result[-1]['requests']:>9} requests  {result[-1]['resident_mib']:8.1f} MiB", flush=True)
    return result


class Server:
    def __init__(self, args: argparse.Namespace, *flags: str):
        self.process = subprocess.Popen([args.braid, "serve", "--model", f"m={args.checkpoint}", "--port", "0", *flags],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if "http" not in line:
            sys.exit(f"the server did not start: {line}")
        self.url = line.split()[-1]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", help="folder of a run or a checkpoint: two servers of it are compared")
    parser.add_argument("--url", help="a server that runs, in place of --checkpoint")
    parser.add_argument("--model", default="m", help="the model's name at --url")
    parser.add_argument("--braid", default="build/bin/braid")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--max-batch-size", default="32")
    parser.add_argument("--engines", nargs="+", default=["auto"], choices=["auto", "libtorch", "openvino", "braid-run"])
    parser.add_argument("--threads", default="0", help="that compute, of each server")
    parser.add_argument("--overload", type=float, metavar="SECONDS", help="ask for three times what the server can do")
    parser.add_argument("--idle", type=int, default=1000, help="connections that ask for nothing meanwhile")
    parser.add_argument("--memory", type=int, metavar="REQUESTS", help="watch the server's memory over so many requests")
    parser.add_argument("--output", help="JSON file of the figures")
    args = parser.parse_args()
    if bool(args.checkpoint) == bool(args.url):
        parser.error("give --checkpoint or --url")
    if args.overload and args.memory or (args.overload or args.memory) and len(args.engines) > 1:
        parser.error("--overload and --memory: one of them, with one of --engines")
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; clients on the same machine")
    if args.overload or args.memory:
        server = None if args.url else Server(args, "--max-batch-size", args.max_batch_size, "--engine", args.engines[0],
                                              "--threads", args.threads)
        url, model = (args.url.rstrip("/"), args.model) if args.url else (server.url, "m")
        try:
            results = measure_overload(url, model, args.overload, args.idle) if args.overload else \
                measure_memory(url, model, args.memory)
        finally:
            if server:
                server.stop()
        return write(results, args.output)
    print(f"{'server':>18}  {'clients':>7}  {'requests/s':>10}  {'p50 ms':>8}  {'p99 ms':>8}  {'metrics p99 ms':>14}  statuses")
    results = []
    if args.url:
        for clients in args.clients:
            results.append(measure(args.url.rstrip("/"), args.model, "given", clients, args.seconds))
    else:
        sizes = {"batch 1": "1", "dynamic": args.max_batch_size}
        servers = {f"{engine} {kind}": Server(args, "--max-batch-size", size, "--engine", engine, "--threads", args.threads)
                   for kind, size in sizes.items() for engine in args.engines}
        try:
            for clients in args.clients:
                for name, server in servers.items():
                    results.append(measure(server.url, "m", name, clients, args.seconds))
        finally:
            for server in servers.values():
                server.stop()
        for clients in args.clients:
            of = {r["server"]: r for r in results if r["clients"] == clients}
            pairs = [(f"{engine} batch 1", f"{engine} dynamic") for engine in args.engines]
            pairs += [(f"{args.engines[0]} {kind}", f"{engine} {kind}") for kind in sizes for engine in args.engines[1:]]
            for before, after in pairs:
                one, many = of[before], of[after]
                print(f"{clients} clients: {after} gives {many['per_second'] / one['per_second']:.2f} times the requests/s of "
                      f"{before} at {many['p50_ms'] / one['p50_ms']:.2f} times the p50")
    write(results, args.output)


def write(results: object, output: str | None) -> None:
    if output:
        with open(output, "w") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
