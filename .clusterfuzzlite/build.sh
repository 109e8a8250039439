#!/bin/bash -eu
# Builds every target, or those that TARGETS names (without fuzz_), into $OUT, with seeds, dictionary and options.
#
# $SRC/wsproto is the checkout. The image's `compile_python_fuzzer` freezes a program with pyinstaller;
# `python tests/fuzz/clusterfuzzlite_build.py` runs this on any machine, with a stand-in for that program.
cd "$SRC/wsproto"

# atheris stays that of the image, which was built with the image's sanitizer library.
python3 -m pip install --quiet '.[fuzz,test]'

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
  compile_python_fuzzer "fuzz/targets/$name.py" --paths . --noconfirm
done
