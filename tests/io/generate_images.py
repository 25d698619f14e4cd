"""Image files of every kind that braid reads, and what Pillow makes of them.

    python3 tests/io/generate_images.py

fixtures/images.bin holds the files one after the other; fixtures/images.json says where each begins and, of the pixels that
Pillow's convert("RGB") gives, height, width and SHA-256 (no digest: Pillow cannot read the file). Written with Pillow 13.0.0
and numpy 2.4.6. Files named kept_* have chroma samplings that Pillow does not write: libjpeg-turbo 2.1.5 made them, and they
are taken over from the images.bin that is there.
"""
import hashlib
import io
import json
import pathlib
import struct
import warnings
import zlib

import numpy as np
from PIL import Image

warnings.simplefilter("ignore")
FOLDER = pathlib.Path(__file__).parent / "fixtures"
rng = np.random.default_rng(1)
files = {}


def photo(height, width):
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([127 + 90 * np.sin(x / 7 + y / 11), 127 + 80 * np.cos(x / 5 - y / 9), 127 + 99 * np.sin(x * y / 300)], -1)
    return Image.fromarray((waves + rng.normal(0, 12, waves.shape)).clip(0, 255).astype(np.uint8))


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def changed(data, at, new):
    return data[:at] + bytes(new) + data[at + len(new):]


def noise(count):
    return bytes(rng.integers(0, 256, count, dtype=np.uint8))


rgb = photo(19, 27)
gray = rgb.convert("L")
palette = rgb.quantize(60)
rgba = rgb.convert("RGBA")
rgba.putalpha(gray)
la = Image.merge("LA", (gray, gray.transpose(0)))
bits = gray.convert("1")
cmyk = rgb.convert("CMYK")
exif = Image.Exif()
exif[0x112] = 6  # turned; only TIFF's own tag is applied


def jpegs():
    for sampling in ("4:4:4", "4:2:2", "4:2:0"):
        files[f"jpeg_{sampling.replace(':', '')}.jpg"] = encoded(rgb, "JPEG", quality=80, subsampling=sampling)
    progressive = encoded(rgb, "JPEG", progressive=True)
    base = encoded(rgb, "JPEG", quality=85)
    files.update({
        "jpeg_progressive.jpg": progressive,
        "jpeg_gray.jpg": encoded(gray, "JPEG"),
        "jpeg_cmyk.jpg": encoded(cmyk, "JPEG"),
        "jpeg_exif.jpg": encoded(rgb, "JPEG", exif=exif),
        "jpeg_restart.jpg": encoded(rgb, "JPEG", restart_marker_blocks=1),
        "jpeg_no_end_mark.jpg": base[:-2],
        "jpeg_cut.jpg": base[:-12],
        "jpeg_half.jpg": base[:len(base) // 2],
        "jpeg_half_ended.jpg": base[:len(base) // 2] + b"\xff\xd9",
        "jpeg_header_cut.jpg": base[:200],
        "jpeg_more_behind.jpg": base + b"garbage",
        "jpeg_progressive_half.jpg": progressive[:len(progressive) // 2],
    })
    for mark in (0xDB, 0xC4, 0xDA, 0xC0):  # what stands before a marker
        at = base.index(bytes([0xFF, mark]))
        for name, stray in (("stray", b"\x00\x11"), ("fill", b"\xff\xff"), ("escaped", b"\xff\x00\x12")):
            files[f"jpeg_{name}_{mark:02x}.jpg"] = base[:at] + stray + base[at:]
    version = base.index(b"JFIF\0") + 5
    for major in (0, 2):
        files[f"jpeg_jfif_{major}.jpg"] = changed(base, version, [major])
    scan = base.index(b"\xff\xda")
    end = scan + 5 + 2 * base[scan + 4]  # first and last coefficient, bits of precision
    for name, at, value in (("start", end, 1), ("end", end + 1, 0), ("precision", end + 2, 0x11)):
        files[f"jpeg_scan_{name}.jpg"] = changed(base, at, [value])
    adobe = b"\xff\xee" + struct.pack(">H", 14) + b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0)
    files["jpeg_adobe_0.jpg"] = base[:2] + adobe + base[2:]
    files["jpeg_adobe_5.jpg"] = base[:2] + adobe[:-1] + b"\x05" + base[2:]
    for at in range(scan + 100, len(base) - 60, 150):  # damage that decoders go on after
        files[f"jpeg_flipped_{at}.jpg"] = changed(base, at, [base[at] ^ 0x5A])
        files[f"jpeg_marker_{at}.jpg"] = changed(base, at, [0xFF, 0xD3])


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pngs():
    for name, image in {"rgb": rgb, "gray": gray, "palette": palette, "rgba": rgba, "la": la, "bits": bits, "palette_4": rgb.quantize(7),
                        "palette_1": rgb.quantize(2)}.items():
        files[f"png_{name}.png"] = encoded(image, "PNG")
    base = encoded(rgb, "PNG", exif=exif)
    end = len(encoded(rgb, "PNG"))
    plain = encoded(rgb, "PNG")
    files.update({
        "png_exif.png": base,
        "png_no_end_mark.png": plain[:-12],
        "png_no_checksum.png": plain[:-16],
        "png_no_zlib_checksum.png": plain[:-20],
        "png_cut.png": plain[:-40],
        "png_end_mark_cut.png": plain[:-5],
        "png_more_behind.png": plain + b"xx",
        "png_wrong_checksum.png": changed(plain, end - 14, [plain[end - 14] ^ 1]),
        "png_flipped.png": changed(plain, plain.index(b"IDAT") + 50, [plain[plain.index(b"IDAT") + 50] ^ 1]),
    })
    pixels = np.array(rgb)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    packed = zlib.compress(rows)
    head = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 27, 19, 8, 2, 0, 0, 0))
    end = png_chunk(b"IEND", b"")
    pieces = b"".join(png_chunk(b"IDAT", packed[at:at + 300]) for at in range(0, len(packed), 300))
    wide = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels.astype(np.uint16) * 257)
    files.update({
        "png_pieces.png": head + pieces + end,
        "png_pieces_no_end_mark.png": head + pieces,
        "png_without_zlib_checksum.png": head + png_chunk(b"IDAT", packed[:-4]) + end,
        "png_wrong_zlib_checksum.png": head + png_chunk(b"IDAT", packed[:-1] + bytes([packed[-1] ^ 1])) + end,
        "png_more_pixels.png": head + png_chunk(b"IDAT", zlib.compress(rows + b"abc" * 30)) + end,
        "png_fewer_pixels.png": head + png_chunk(b"IDAT", zlib.compress(rows[:-30])) + end,
        "png_rgb_16.png": head.replace(png_chunk(b"IHDR", struct.pack(">IIBBBBB", 27, 19, 8, 2, 0, 0, 0)),
                                       png_chunk(b"IHDR", struct.pack(">IIBBBBB", 27, 19, 16, 2, 0, 0, 0)))
        + png_chunk(b"IDAT", zlib.compress(wide)) + end,
    })


W, H = 13, 9


def bmp(depth, data, compression=0, colors=0, palette=b"", size=40, masks=b"", extra=b"", top_down=False):
    head = struct.pack("<IiiHHIIiiII", size, W, -H if top_down else H, 1, depth, compression, len(data), 0, 0, colors, 0) + extra
    at = 14 + len(head) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(data), 0, 0, at) + head + masks + palette + data


def bmp_rows(depth):
    return noise(((W * depth + 31) // 32 * 4) * H)


def bmps():
    for name, image in {"rgb": rgb, "gray": gray, "palette": palette, "bits": bits, "rgba": rgba}.items():
        files[f"bmp_{name}.bmp"] = encoded(image, "BMP")
    colors = noise(1024)
    masks_565, masks_555 = struct.pack("<III", 0xF800, 0x7E0, 0x1F), struct.pack("<III", 0x7C00, 0x3E0, 0x1F)
    files.update({
        "bmp_16.bmp": bmp(16, bmp_rows(16)),
        "bmp_16_565.bmp": bmp(16, bmp_rows(16), 3, masks=masks_565),
        "bmp_16_555.bmp": bmp(16, bmp_rows(16), 3, masks=masks_555),
        "bmp_32.bmp": bmp(32, bmp_rows(32)),
        "bmp_top_down.bmp": bmp(24, bmp_rows(24), top_down=True),
        "bmp_4.bmp": bmp(4, bmp_rows(4), palette=colors[:64]),
        "bmp_4_few_colors.bmp": bmp(4, bmp_rows(4), colors=5, palette=colors[:20]),
        "bmp_8_few_colors.bmp": bmp(8, bmp_rows(8), colors=50, palette=colors[:200]),
        "bmp_1_colors.bmp": bmp(1, bmp_rows(1), colors=2, palette=b"\x10\x20\x30\0\xf0\0\x40\0"),
        "bmp_1_inverted.bmp": bmp(1, bmp_rows(1), colors=2, palette=b"\xff\xff\xff\0\0\0\0\0"),
        "bmp_1_one_color.bmp": bmp(1, bmp_rows(1), colors=1, palette=b"\0\0\0\0"),
        "bmp_os2.bmp": b"BM" + struct.pack("<IHHIIHHHH", 0, 0, 0, 26 + 768, 12, W, H, 1, 8) + colors[:768] + bmp_rows(8),
    })
    layouts = [(0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0), (0xFF000000, 0xFF00, 0xFF, 0),
               (0xFF000000, 0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
               (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF000000, 0xFF00, 0xFF, 0xFF0000), (0, 0, 0, 0), (0xFF, 0xFF, 0xFF, 0)]
    for k, masks in enumerate(layouts):
        extra = struct.pack("<IIII", *masks) + b"\0" * 52
        files[f"bmp_32_masks_{k}.bmp"] = bmp(32, bmp_rows(32), 3, size=108, extra=extra)
    runs = b"".join(bytes([5, 3 + y, 4, 7, 0, 4, 9, 8, 7, 6, 0, 0]) for y in range(H))
    runs_4 = b"".join(bytes([5, 0x3A, 4, 0x71, 0, 3, 0x98, 0x70, 0, 0]) for _ in range(H))
    files.update({
        "bmp_runs_8.bmp": bmp(8, runs + b"\0\1", 1, palette=colors),
        "bmp_runs_8_cut.bmp": bmp(8, runs[:30], 1, palette=colors),
        "bmp_runs_8_ended.bmp": bmp(8, runs[:36] + b"\0\1", 1, palette=colors),
        "bmp_runs_8_gap.bmp": bmp(8, runs[:36] + b"\0\2\3\2" + runs[:72] + b"\0\1", 1, palette=colors),
        "bmp_runs_8_long.bmp": bmp(8, bytes([20, 3, 0, 0] * H), 1, palette=colors),
        "bmp_runs_4.bmp": bmp(4, runs_4 + b"\0\1", 2, palette=colors[:64]),
    })
    base = encoded(rgb, "BMP")
    files.update({
        "bmp_cut.bmp": base[:-1],
        "bmp_half.bmp": base[:len(base) // 2],
        "bmp_more_behind.bmp": base + b"zz",
        "bmp_no_offset.bmp": changed(base, 10, [0, 0, 0, 0]),
    })


def gif_frame(data):
    """Where the first picture's descriptor is."""
    at = 13 + (3 << ((data[10] & 7) + 1))
    while data[at:at + 1] == b"!":
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    return at


def gifs():
    frames = [photo(14, 18).quantize(30) for _ in range(3)]
    base = encoded(palette, "GIF", interlace=0)
    see_through = encoded(palette, "GIF", interlace=0, transparency=5)
    bits_of = (base[10] & 7) + 1

    def moved(data, width, height, left, top):
        at = gif_frame(data)
        data = changed(data, 6, struct.pack("<HH", width, height))
        return changed(data, at + 1, struct.pack("<HH", left, top))

    files.update({
        "gif_palette.gif": encoded(palette, "GIF"),
        "gif_gray.gif": encoded(gray, "GIF"),
        "gif_bits.gif": encoded(bits, "GIF"),
        "gif_in_order.gif": base,
        "gif_rgba.gif": encoded(rgba, "GIF"),
        "gif_frames.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], loop=0, duration=100),
        "gif_see_through.gif": see_through,
        "gif_no_end_mark.gif": base[:-1],
        "gif_no_end_of_blocks.gif": base[:-2],
        "gif_cut.gif": base[:-20],
        "gif_half.gif": base[:len(base) // 2],
        "gif_more_behind.gif": base + b"junk",
        "gif_large_canvas.gif": moved(base, 40, 30, 7, 9),
        "gif_large_canvas_see_through.gif": moved(see_through, 40, 30, 7, 9),
        "gif_out_of_canvas.gif": moved(base, 15, 10, 2, 1),
        "gif_no_canvas.gif": moved(base, 0, 0, 0, 0),
        "gif_few_colors.gif": base[:10] + bytes([base[10] & 0xF8 | 2]) + base[11:13 + 24] + base[13 + (3 << bits_of):],
        "gif_no_palette.gif": base[:10] + bytes([base[10] & 0x7F]) + base[11:13] + base[13 + (3 << bits_of):],
    })


def webps():
    for name, options in {"lossy": {"quality": 80}, "lossless": {"lossless": True}}.items():
        for kind, image in {"rgb": rgb, "rgba": rgba, "gray": gray}.items():
            files[f"webp_{kind}_{name}.webp"] = encoded(image, "WEBP", **options)
    base = encoded(rgb, "WEBP")
    frames = [photo(14, 18) for _ in range(2)]
    files.update({
        "webp_exact.webp": encoded(rgba, "WEBP", lossless=True, exact=True),
        "webp_exif.webp": encoded(rgb, "WEBP", exif=exif),
        "webp_frames.webp": encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "webp_frames_rgba.webp": encoded(rgba, "WEBP", save_all=True, append_images=[rgba.transpose(0)]),
        "webp_cut.webp": base[:-10],
        "webp_half.webp": base[:len(base) // 2],
        "webp_more_behind.webp": base + b"abcd",
        "webp_header.webp": base[:20],
    })


def tiff(depth, samples, photometric, data, order="<", extra=()):
    """One strip, uncompressed; extra: (tag, type, values)."""
    kinds = {3: "H", 4: "I"}
    tags = sorted([(256, 4, [W]), (257, 4, [H]), (258, 3, [depth] * samples), (259, 3, [1]), (262, 3, [photometric]),
                   (273, 4, [0]), (277, 3, [samples]), (278, 4, [H]), (279, 4, [len(data)])] + list(extra))
    after = 8 + 2 + 12 * len(tags) + 4
    values = [struct.pack(order + kinds[kind] * len(items), *items) for _, kind, items in tags]
    strip = after + sum(len(v) for v in values if len(v) > 4)
    out, long_values = b"", b""
    for (tag, kind, items), value in zip(tags, values):
        if tag == 273:
            value = struct.pack(order + "I", strip)
        out += struct.pack(order + "HHI", tag, kind, len(items))
        if len(value) > 4:
            out += struct.pack(order + "I", after + len(long_values))
            long_values += value
        else:
            out += (value + b"\0\0\0\0")[:4]
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, 8, len(tags))
    return head + out + b"\0\0\0\0" + long_values + data


def tiffs():
    images = {"rgb": rgb, "gray": gray, "palette": palette, "rgba": rgba, "la": la, "bits": bits, "cmyk": cmyk}
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        for name, image in images.items():
            if compression == "jpeg" and name in ("palette", "rgba", "la", "bits"):
                continue
            files[f"tiff_{name}_{compression}.tif"] = encoded(image, "TIFF", compression=compression)
    for compression in ("group3", "group4"):
        files[f"tiff_{compression}.tif"] = encoded(bits, "TIFF", compression=compression)
    for orientation in range(2, 9):
        files[f"tiff_orientation_{orientation}.tif"] = encoded(rgb, "TIFF", tiffinfo={274: orientation})
    files["tiff_orientation_gray.tif"] = encoded(gray, "TIFF", tiffinfo={274: 6})
    files["tiff_pages.tif"] = encoded(rgb, "TIFF", save_all=True, append_images=[gray])
    packed = encoded(rgb, "TIFF", compression="tiff_lzw")
    files["tiff_lzw_half.tif"] = packed[:len(packed) // 2]
    files["tiff_cut.tif"] = encoded(rgb, "TIFF")[:-200]
    for order, name in (("<", "le"), (">", "be")):
        for depth in (1, 2, 4, 8):
            size = (W * depth + 7) // 8 * H
            for photometric in (0, 1):
                files[f"tiff_gray_{depth}_{photometric}_{name}.tif"] = tiff(depth, 1, photometric, noise(size), order)
            files[f"tiff_fill_order_{depth}_{name}.tif"] = tiff(depth, 1, 1, noise(size), order, [(266, 3, [2])])
            colors = [int(value) for value in rng.integers(0, 65536, 3 << depth)]
            files[f"tiff_palette_{depth}_{name}.tif"] = tiff(depth, 1, 3, noise(size), order, [(320, 3, colors)])
        for samples, photometric, extra in ((3, 2, []), (4, 2, [(338, 3, [2])]), (4, 5, [])):
            files[f"tiff_16_{samples}_{photometric}_{name}.tif"] = tiff(16, samples, photometric, noise(2 * W * H * samples), order, extra)
    for kind in (0, 1, 2):  # alpha: none, premultiplied, not
        files[f"tiff_alpha_{kind}.tif"] = tiff(8, 4, 2, noise(W * H * 4), extra=[(338, 3, [kind])])
    files["tiff_alpha_unsaid.tif"] = tiff(8, 4, 2, noise(W * H * 4))
    files["tiff_five_samples.tif"] = tiff(8, 5, 2, noise(W * H * 5), extra=[(338, 3, [0, 0])])
    files["tiff_gray_and_more.tif"] = tiff(8, 2, 1, noise(W * H * 2), extra=[(338, 3, [0])])


def deep_grays():
    """Gray of more than 8 bits, signed and floating-point: every combination, most of which Pillow does not read."""
    values = np.concatenate([np.arange(0, 520, 7), [0, 1, 254, 255, 256, 257, 4000, 4095]])
    values = np.resize(rng.permutation(values), (H, W)).astype(np.int64)
    wide = Image.fromarray(values.astype(np.uint16) * 16 + 3)
    low = Image.fromarray(values.astype(np.uint16))
    files["png_gray_16.png"] = encoded(low, "PNG")
    files["png_gray_16_wide.png"] = encoded(wide, "PNG")
    files["png_gray_16_no_end_mark.png"] = encoded(low, "PNG")[:-16]
    files["png_gray_16_cut.png"] = encoded(low, "PNG")[:-40]
    rows = b"".join(b"\0" + np.stack([row * 100, 65535 - row], -1).astype(">u2").tobytes() for row in values)
    files["png_la_16.png"] = (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 16, 4, 0, 0, 0)) +
                              png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b""))
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    interlaced = b"".join(b"\0" + values[y, x::dx].astype(">u2").tobytes() for x, y0, dx, dy in passes if x < W for y in range(y0, H, dy))
    files["png_gray_16_interlaced.png"] = (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 16, 0, 0, 0, 1)) +
                                           png_chunk(b"IDAT", zlib.compress(interlaced)) + png_chunk(b"IEND", b""))
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        files[f"tiff_gray_16_{compression}.tif"] = encoded(low, "TIFF", compression=compression)
        files[f"tiff_float_{compression}.tif"] = encoded(Image.fromarray(values.astype(np.float32) / 3 - 20), "TIFF", compression=compression)
    twelve = np.pad(values, ((0, 0), (0, W % 2)))
    first, second = twelve[:, ::2], twelve[:, 1::2]
    twelve = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1).reshape(H, -1)[:, :(W * 12 + 7) // 8]
    special = np.array([np.inf, -np.inf, 1e30, -1e30, 0.99, 254.99, 255.01])
    floats = np.concatenate([special, (values.ravel() / 3 - 20)[len(special):]])
    for order, name in (("<", "le"), (">", "be")):
        data = {"12_1": twelve.astype(np.uint8), "16_1": values.astype(order + "u2"), "16_2": (values - 100).astype(order + "i2"),
                "16_3": values.astype(order + "f2"), "32_1": (values * 20000000).astype(order + "u4"), "32_2": (values - 100).astype(order + "i4"),
                "32_3": floats.astype(order + "f4"), "64_3": floats.astype(order + "f8"), "8_2": values.astype(np.uint8)}
        for kind, samples in data.items():
            depth, sample_format = map(int, kind.split("_"))
            for photometric in (0, 1):
                for fill in (1, 2):
                    more = [(266, 3, [fill])] + [(339, 3, [sample_format])] * (sample_format != 1)
                    files[f"tiff_deep_{kind}_{photometric}_{fill}_{name}.tif"] = tiff(depth, 1, photometric, samples.tobytes(), order, more)
        files[f"tiff_deep_16_and_more_{name}.tif"] = tiff(16, 2, 1, noise(4 * W * H), order, [(338, 3, [2])])
    files["tiff_lab.tif"] = tiff(8, 3, 8, noise(3 * W * H))
    files["tiff_lab_16.tif"] = tiff(16, 3, 8, noise(6 * W * H))
    files["tiff_signed_colors.tif"] = tiff(8, 3, 2, noise(3 * W * H), extra=[(339, 3, [2, 2, 2])])
    files["tiff_float_colors.tif"] = tiff(32, 3, 2, noise(12 * W * H), extra=[(339, 3, [3, 3, 3])])


def lacking():
    """Lists of blocks that are too short, bytes between records."""
    at = struct.pack("<HHI", 257, 4, 1)
    for name, data in {"plain": tiff(8, 1, 1, noise(W * H)), "white": tiff(8, 1, 0, noise(W * H)), "cmyk": tiff(8, 4, 5, noise(4 * W * H)),
                       "palette": tiff(8, 1, 3, noise(W * H), extra=[(320, 3, [int(v) for v in rng.integers(0, 65536, 768)])]),
                       "lzw": encoded(gray, "TIFF", compression="tiff_lzw")}.items():
        height = data.index(struct.pack("<HHI", 257, 4, 1) if at in data else struct.pack("<HHI", 257, 3, 1)) + 8
        files[f"tiff_fewer_strips_{name}.tif"] = changed(data, height, struct.pack("<I", 31))
    base = encoded(palette, "GIF", interlace=0, transparency=5)
    start = 13 + (3 << ((base[10] & 7) + 1))
    frame = gif_frame(base)
    files["gif_bytes_between.gif"] = base[:start] + b"\x01\x02" + base[start:frame] + b"\xff\0junk" + base[frame:]
    files["gif_ended_before.gif"] = base[:start] + b"ab;" + base[start:]


def kept():
    index = json.loads((FOLDER / "images.json").read_text())
    data = (FOLDER / "images.bin").read_bytes()
    return {name: data[entry["at"]:entry["at"] + entry["bytes"]] for name, entry in index.items() if name.startswith("kept_")}


files.update(kept())
for make in (jpegs, pngs, bmps, gifs, webps, tiffs, deep_grays, lacking):
    make()
MANAGED = {"tiff_lab.tif"}  # Pillow reads it through LittleCMS, braid refuses it
index, at = {}, 0
for name in sorted(files):
    index[name] = {"at": at, "bytes": len(files[name])}
    at += len(files[name])
    if name in MANAGED:
        continue
    try:
        pixels = np.array(Image.open(io.BytesIO(files[name])).convert("RGB"))
    except Exception:
        continue
    index[name].update(height=pixels.shape[0], width=pixels.shape[1], sha256=hashlib.sha256(pixels.tobytes()).hexdigest())
(FOLDER / "images.bin").write_bytes(b"".join(files[name] for name in sorted(files)))
(FOLDER / "images.json").write_text("{\n" + ",\n".join(f'"{name}": {json.dumps(entry)}' for name, entry in index.items()) + "\n}\n")
