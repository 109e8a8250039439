#!/bin/sh
# Runs a command as a service of docker-compose.yml: `service.sh NAME COMMAND ...`.
#
# `docker compose up --exit-code-from report` stops everything as soon as any container ends, and then needs an exit
# code of `report`. So `report` starts first, empties the folder of reports, and runs its command when both roles have
# ended; the other services stay after their command has ended, until the verdict is there.
set -eu
umask 022
name=$1
shift
here=$(dirname "$0")
running=$here/reports/.running # is there until the verdict; a service whose command has ended makes a file in it

# Root takes on the user of this folder's owner, so that the reports belong to that user.
if [ "$(id -u)" = 0 ]; then
    owner=$(stat -c %u "$here")
    group=$(stat -c %g "$here")
    mkdir -p "$here/reports"
    chown "$owner:$group" "$here/reports"
    chmod a+rx "$here/reports" # for the services that run as another
    if [ "$owner" != 0 ]; then
        exec setpriv --reuid "$owner" --regid "$group" --clear-groups "$0" "$name" "$@"
    fi
fi

if [ "$name" = report ]; then
    find "$here/reports" -mindepth 1 -delete # no verdict on an earlier run
    mkdir -m 1777 "$running"
    touch /tmp/ready
    for each in fuzzingclient client; do
        until [ -e "$running/$each" ]; do sleep 1; done
    done
    code=0
    "$@" || code=$?
    rm -rf "$running"
    exit "$code"
fi

"$@" &
command=$!
(
    while [ -d "$running" ]; do sleep 1; done
    sleep 5 # `report` is the first to end
    kill "$command" 2>/dev/null || true
) &
verdict=$!
trap 'kill "$command" "$verdict" 2>/dev/null || true; exit 0' INT TERM

code=0
wait "$command" || code=$?
[ -d "$running" ] || exit 0
case $code in
0) ;;
124) echo "ended by the time limit (TIME_LIMIT, in seconds); the case that did not end is named above" ;;
*) echo "ended with exit code $code" ;;
esac
touch "$running/$name"
wait "$verdict"
