"""Folders of small targets, some of them broken."""

from __future__ import annotations

from pathlib import Path

from fuzz.folders import Folders

ROOT = Path(__file__).parent.parent.parent

TARGET = '''#!/usr/bin/env python3
"""{title}

More about it.
"""
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, {root!r})

from tests.fuzz.fake_libfuzzer import fuzz


def fill():
    """Turn the folder of crashes into a file, in which nothing can be written, as on a full disk."""
    crashes = Path({folder!r}, "crashes")
    if crashes.is_dir():
        shutil.rmtree(crashes)
        crashes.touch()


def stream_of(data: bytes) -> bytes:
    return data[1:]


def test_one_input(data: bytes) -> None:
    if data.startswith(b"AB"):
        {act}


if __name__ == "__main__":
    fuzz(test_one_input)
'''

ACTS = {
    "fine": "pass",
    "filling": "fill()",
    "raising_full": "fill(); raise ValueError('planted')",
    "raising": "raise ValueError('planted |\\n<b>here</b>')",
    "dying": "os._exit(7)",
    "killed": "os.kill(os.getpid(), 9)",
    "hanging": "\n        while True: pass",
}

SEEDS = """
def write(target, folder):
    (folder / "seed").write_bytes(b"seed")
    return 1
"""


def toys(root: Path, *names: str, planted: bytes = b"") -> Folders:
    """Make a folder of targets; `planted` goes into the corpus of each."""
    (root / "targets").mkdir(parents=True, exist_ok=True)
    (root / "seeds.py").write_text(SEEDS, encoding="utf-8")
    for name in names:
        text = "import nothing_of_that_name\n"
        if name in ACTS:
            text = TARGET.format(
                title=f"Toy that is {name}.", root=str(ROOT), folder=str(root), act=ACTS[name]
            )
        (root / "targets" / f"fuzz_{name}.py").write_text(text, encoding="utf-8")
        if planted:
            corpus = root / "corpus" / name
            corpus.mkdir(parents=True)
            (corpus / "planted").write_bytes(planted)
    return Folders(root)
