#!/usr/bin/env python3
"""Writes fixtures/published_weights.json: what timm's registry says of the weights of each architecture that braid names.

    .venv/bin/python tests/models/generate_published_weights.py     (timm 1.0.31)

The repository on the hub that `timm.create_model(NAME, pretrained=True)` takes; nothing for names without weights there.
"""
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))
import parity  # noqa: E402, F401  (defines torchvision's operators before timm is imported)
from timm.models import get_pretrained_cfg, is_model  # noqa: E402


def main():
    names = [entry["name"] for entry in json.loads(subprocess.run(
        ["build/bin/braid", "models", "--format", "json"], capture_output=True, text=True, check=True).stdout)]
    configs = {name: get_pretrained_cfg(name) for name in names if is_model(name)}
    published = {name: config.hf_hub_id for name, config in configs.items() if config and config.hf_hub_id}
    (HERE / "fixtures" / "published_weights.json").write_text(json.dumps(published, indent=1) + "\n")


if __name__ == "__main__":
    main()
