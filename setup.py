"""Builds src/core, the optional compiled core of wsproto, and its readme; pyproject.toml has the rest.

The environment variable WSPROTO_BUILD says whether: `yes` fails where it cannot be built, `no` makes the
pure package, for every Python. Without it the core is built where there is a compiler.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path
from runpy import run_path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

WANTED = os.environ.get("WSPROTO_BUILD") or "auto"
# Other implementations would be slower by it; without a GIL it is not safe.
HAS_GIL = not sysconfig.get_config_var("Py_GIL_DISABLED")
POSSIBLE = sys.implementation.name == "cpython" and HAS_GIL and sys.platform != "emscripten"
SOURCES = Path("src/core")


class BuildCore(build_ext):
    """Compiles with the vectors that a plain build leaves out."""

    def build_extension(self, ext: Extension) -> None:
        """Compile and link the core, in place of an earlier one."""
        Path(self.get_ext_fullpath(ext.name)).unlink(missing_ok=True)
        if self.compiler.compiler_type != "msvc":
            ext.extra_compile_args = ["-O3", "-g0", "-std=c11", "-fvisibility=hidden"]
        super().build_extension(ext)

    def copy_file(self, infile: str, outfile: str, *args: object, **kwargs: object) -> None:
        """Put the core of a checkout in its place at once: programs may be importing it."""
        beside = Path(f"{outfile}.new")
        super().copy_file(infile, str(beside), *args, **kwargs)
        beside.replace(outfile)


def readme() -> str:
    """Return README.md with absolute links: where the package index shows it, none of the other files are."""
    (source,) = re.findall(r'(?m)^Source = "(.+)"$', Path("pyproject.toml").read_text("utf-8"))
    tag = f"v{run_path('src/wsproto/_version.py')['__version__']}"

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link[0].endswith((".png", ".svg")) else "blob"
        return f"{source}/{kind}/{tag}/{link[0]}"

    text = Path("README.md").read_text("utf-8")
    return re.sub(r"(?<=\]\()(?![a-z]+:|#)[^)\s]+(?=\))", absolute, text)


if WANTED not in {"yes", "no", "auto"}:
    sys.exit(f"WSPROTO_BUILD is {WANTED!r}, it must be yes or no")
if WANTED == "yes" and not POSSIBLE:
    sys.exit("WSPROTO_BUILD is yes, but the compiled core needs CPython with a GIL")
for left_over in Path("build").glob("lib*/wsproto/_core*"):
    left_over.unlink()  # else it would get into a wheel
core = Extension(
    "wsproto._core",
    sorted(map(str, SOURCES.glob("*.c"))),
    depends=sorted(map(str, SOURCES.glob("*.h"))),
    optional=WANTED != "yes",
)
setup(
    long_description=readme(),
    long_description_content_type="text/markdown",
    cmdclass={"build_ext": BuildCore},
    ext_modules=[core] if POSSIBLE and WANTED != "no" else [],
)
