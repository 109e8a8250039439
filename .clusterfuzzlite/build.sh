#!/bin/bash -eu
# Builds every target, or those that TARGETS names (without fuzz_), into $OUT, with seeds, dictionary and options.
#
# $SRC/wsproto is the checkout. The image's `compile_python_fuzzer` freezes a program with pyinstaller;
# `python tests/fuzz/clusterfuzzlite_build.py` runs this on any machine, with a stand-in for that program.
cd "$SRC/wsproto"

# atheris stays that of the image, which was built with the image's sanitizer library. The compiled core is built with
# the image's compiler and its CFLAGS, which have the sanitizer; where that fails, so does this.
WSPROTO_BUILD=yes python3 -m pip install --quiet '.[fuzz,test]'

for target in ${TARGETS:-$(cd fuzz/targets && ls fuzz_*.py | sed 's/^fuzz_//; s/\.py$//')}; do
  name=fuzz_$target

  # The seeds first: to measure coverage the build changes the program, which cannot be imported afterwards.
  seeds=$(mktemp -d)
  python3 -c 'import sys; from pathlib import Path; from fuzz import seeds; seeds.write(sys.argv[1], Path(sys.argv[2]))' \
    "$target" "$seeds"
  python3 -c 'import shutil, sys; shutil.make_archive(sys.argv[1], "zip", sys.argv[2])' "$OUT/${name}_seed_corpus" "$seeds"
  rm -r "$seeds"

  # ClusterFuzz looks for the dictionary beside the program, under its name.
  dictionary=$(sed -n 's/^dict *= *//p' "fuzz/options/$name.options")
  sed "s/^dict *=.*/dict = $name.dict/" "fuzz/options/$name.options" > "$OUT/$name.options"
  if [ -n "$dictionary" ]; then
    cp "fuzz/dictionaries/$dictionary" "$OUT/$name.dict"
  fi

  # --paths: `fuzz` and `tests` are packages of the checkout, and the program stands inside of one.
  # --collect-submodules: a second copy of the library, and its compiled core, are imported by names that are put together.
  compile_python_fuzzer "fuzz/targets/$name.py" --paths . --collect-submodules wsproto --noconfirm
done
