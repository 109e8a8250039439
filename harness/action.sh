#!/usr/bin/env bash
# bash action.sh HARNESS: the step of action.yml that tests; its inputs are in the environment.
#
# The summary of the report goes to $GITHUB_STEP_SUMMARY. The exit code is that of the harness.
set -euo pipefail
harness=$1

given=("--report=$REPORT" "--profile=$PROFILE")
option() { if [ -n "$2" ]; then given+=("$1=$2"); fi; }
each() { # each OPTION WORDS: with spaces or new lines between them
  local words
  read -rd '' -a words <<<"$2" || true
  for word in ${words[@]+"${words[@]}"}; do given+=("$1=$word"); done
}
each --cases "$CASES"
each --exclude "$EXCLUDE"
each --without "$WITHOUT"
option --fail-on "$FAIL_ON"
option --baseline "$BASELINE"
option --max-message-size "$MAX_MESSAGE_SIZE"
option --timeout "$TIMEOUT"
while IFS= read -r line; do
  if [ -n "$line" ]; then given+=("$line"); fi
done <<<"$OPTIONS"

test_server() {
  option --command "$COMMAND"
  "$harness" test "${given[@]}" ${URL:+-- "$URL"}
}

test_client() {
  local said url='' server
  if [ -z "$COMMAND" ]; then
    echo "error: role client: command is empty, and there is nothing that runs the client" >&2
    return 2
  fi
  said=$(mktemp)
  "$harness" fuzzserver --once --port 0 "${given[@]}" > >(tee "$said") &
  server=$!
  while [ -z "$url" ] && kill -0 "$server" 2>/dev/null; do
    url=$(sed -n 's/^Listening on //p' "$said")
    sleep 0.1
  done
  if [ -n "$url" ]; then
    bash -c "${COMMAND//'{url}'/$url}" || echo "the command of the client ended with exit code $?"
  fi
  wait "$server"
}

rm -f "$REPORT/summary.md" # of an earlier run
code=0
case $ROLE in
  server) test_server || code=$? ;;
  client) test_client || code=$? ;;
  *) echo "error: role: '$ROLE' is neither server nor client" >&2; code=2 ;;
esac
if [ -f "$REPORT/summary.md" ]; then cat "$REPORT/summary.md" >>"$GITHUB_STEP_SUMMARY"; fi
exit "$code"
