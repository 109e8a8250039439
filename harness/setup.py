"""Builds the distribution `wsproto-harness`, whose pyproject.toml is beside it.

The package `wsproto_harness` gets what `TREE` names, with the paths of the repository: modules import each
other by the same names as in a checkout, and find their data in the same places. A source distribution has
all that in its folder `tree`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

TREE = ("harness", "tooling", "autobahn/expected", "tests/requirements.csv")
"""The files and folders of the repository that the harness needs."""

LEFT_OUT = shutil.ignore_patterns(
    *("__pycache__", "build", "dist", "wsproto_harness*"),  # the last with archives and metadata under way
    *("LICENSE", "action.sh", "pyproject.toml", "setup.py"),
)

HERE = Path(__file__).absolute().parent
SOURCE = HERE / "tree" if (HERE / "tree").is_dir() else HERE.parent


def copy_tree(target: Path) -> None:
    """Copy what `TREE` names into a folder."""
    for name in TREE:
        if (SOURCE / name).is_dir():
            shutil.copytree(SOURCE / name, target / name, ignore=LEFT_OUT)
        else:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SOURCE / name, target / name)


class BuildWithTree(build_py):
    """Puts the tree into the package."""

    def run(self) -> None:
        """Build, unless the package stays where it is, as an editable one does."""
        super().run()
        if not self.editable_mode:
            copy_tree(Path(self.build_lib) / "wsproto_harness")


class SourceWithTree(sdist):
    """Puts the tree beside the package."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Gather the files of the archive."""
        super().make_release_tree(base_dir, files)
        copy_tree(Path(base_dir) / "tree")


with TemporaryDirectory() as built:  # not `build/` here, where the tests would find every module twice
    setup(
        cmdclass={"build_py": BuildWithTree, "sdist": SourceWithTree},
        options={"build": {"build_base": built}},
    )
