#!/usr/bin/env python3
"""Draws docs/images/rooms.svg: the rooms of braid/ from top to bottom, and how often each includes which others.

Everything is read from the sources. A house whose arrows all point down fills only one half of the square.
"""
import collections
import pathlib

from check_layers import INCLUDE, RANK, ROOMS

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "rooms.svg"
CELL, ROW, LEFT, TOP = 44, 34, 250, 96


def read_rooms():
    """Lines per room, and includes per pair of rooms; the program counts as the topmost room."""
    lines, arrows = collections.Counter(), collections.Counter()
    for file in sorted(list((ROOT / "braid").rglob("*")) + list((ROOT / "cli").rglob("*"))):
        parts = file.relative_to(ROOT).parts
        if file.suffix not in (".h", ".cpp") or (parts[0] == "braid" and len(parts) < 3):
            continue
        room = "cli" if parts[0] == "cli" else parts[1]
        text = file.read_text()
        lines[room] += text.count("\n")
        for name in INCLUDE.findall(text):
            target = name.split("/")[1] if name.startswith("braid/") and name.count("/") > 1 else None
            if target in RANK and target != room:
                arrows[room, target] += 1
    return lines, arrows


def draw() -> str:
    lines, arrows = read_rooms()
    rooms = [room for room in ["cli", *reversed(ROOMS)] if room in lines]
    most = max(arrows.values())
    width, height = max(760, LEFT + CELL * len(rooms) + 20), TOP + ROW * len(rooms) + 40
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for i, room in enumerate(rooms):
        y = TOP + ROW * i
        label = "cli/" if room == "cli" else f"braid/{room}/"
        out.append(f'<rect x="10" y="{y + 3}" width="{LEFT - 30}" height="{ROW - 6}" rx="4" fill="#eef3f8" stroke="#5b7fa5"/>')
        out.append(f'<text x="20" y="{y + 22}" fill="#1b2a3a">{label}</text>')
        out.append(f'<text x="{LEFT - 30}" y="{y + 22}" fill="#5a6b7d" text-anchor="end">{lines[room]:,} lines</text>')
        x = LEFT + CELL * i
        out.append(f'<text x="{x + CELL / 2 + 4}" y="{TOP - 8}" fill="#1b2a3a" '
                   f'transform="rotate(-45 {x + CELL / 2 + 4} {TOP - 8})">{room}</text>')
    for i, source in enumerate(rooms):
        for j, target in enumerate(rooms):
            x, y, count = LEFT + CELL * j, TOP + ROW * i, arrows[source, target]
            if i == j:
                out.append(f'<rect x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{ROW - 2}" fill="#5b7fa5"/>')
            elif count:
                colour = "#c8553d" if j < i else "#4f8a5b"
                out.append(f'<rect x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{ROW - 2}" fill="{colour}" '
                           f'fill-opacity="{0.15 + 0.65 * (count / most) ** 0.5:.2f}"/>')
                out.append(f'<text x="{x + CELL / 2}" y="{y + 22}" fill="#1b2a3a" text-anchor="middle">{count}</text>')
            else:
                out.append(f'<rect x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{ROW - 2}" fill="#f6f7f9"/>')
    out.append(f'<text x="10" y="{height - 14}" fill="#5a6b7d">A row\'s room includes headers of a column\'s room that often; '
               "all of it lies on one side: every arrow points down.</text>")
    return "\n".join([*out, "</svg>"]) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(draw())
