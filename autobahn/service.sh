#!/bin/sh
# Runs a command in a service of docker-compose.yml: `service.sh COMMAND ...`, in the last service `service.sh --verdict COMMAND ...`.
#
# `docker compose up --exit-code-from report` stops everything as soon as any container ends. So all but the last stay
# when their command has ended (/tmp/ended is there then, for the health check), until there is a new verdict.
set -eu
umask 022
limit=${TIME_LIMIT:-3600} # seconds that a command may take
here=$(dirname "$0")

# Root becomes the owner of this folder, so that the reports belong to the user whose it is.
if [ "$(id -u)" = 0 ]; then
    owner=$(stat -c %u "$here")
    group=$(stat -c %g "$here")
    mkdir -p "$here/reports"
    chown "$owner:$group" "$here/reports"
    chmod a+rx "$here/reports" # for the services that run as another
    if [ "$owner" != 0 ]; then
        exec setpriv --reuid "$owner" --regid "$group" --clear-groups "$0" "$@"
    fi
fi

if [ "$1" = --verdict ]; then
    shift
    code=0
    "$@" || code=$?
    echo "exit code $code at $(date +%s.%N)" >"$here/reports/.verdict"
    exit "$code"
fi

verdict() { cat "$here/reports/.verdict" 2>/dev/null || true; }
before=$(verdict)

timeout --kill-after=10 "$limit" "$@" &
command=$!
(
    while [ "$(verdict)" = "$before" ]; do sleep 1; done
    sleep 5 # the last service is the first to end
    kill "$command" 2>/dev/null || true
) &
verdict=$!
trap 'kill "$command" "$verdict" 2>/dev/null || true; exit 0' INT TERM

code=0
wait "$command" || code=$?
[ "$(verdict)" = "$before" ] || exit 0
case $code in
0) ;;
124 | 137) echo "stopped: it took longer than $limit s (TIME_LIMIT); the case is named above" ;;
*) echo "ended with exit code $code" ;;
esac
touch /tmp/ended
wait "$verdict"
