"""Reads a run's event files with TensorBoard's own reader and compares them with its summary.csv.

    python read_events.py RUN     exits 77 (skipped) without the tensorboard package
"""
import csv
import pathlib
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print("tensorboard is not installed: scripts/oracle.sh installs it")
    sys.exit(77)

run = pathlib.Path(sys.argv[1])
events = EventAccumulator(str(run))
events.Reload()
rows = list(csv.DictReader(open(run / "summary.csv")))
columns = {"loss/train": "train_loss", "loss/val": "val_loss", "top1/val": "val_top1", "top1/val_ema": "val_top1_ema",
           "lr": "lr", "images_per_s": "images_per_s"}
assert set(events.Tags()["scalars"]) == set(columns), events.Tags()
for tag, column in columns.items():
    points = events.Scalars(tag)
    assert len(points) == len(rows) > 0, (tag, len(points), len(rows))
    for point, row in zip(points, rows):
        assert point.step == int(row["step"]), (tag, point.step, row)
        rounding = 0.051 if column == "images_per_s" else 6e-5  # of the CSV's digits
        assert abs(point.value - float(row[column])) <= rounding + 1e-6 * abs(point.value), (tag, point, row)
print(f"{len(columns)} curves of {len(rows)} points")
