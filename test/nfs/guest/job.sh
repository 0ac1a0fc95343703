#!/bin/sh
# job.sh RECORD NUMBER SECONDS [SECONDS_AGAIN]: a job that leaves a mark outside NFS when it starts and another when it ends.
# A mark is made only if it is not there (-C), so each run of the same job leaves marks of its own: NUMBER.start.1, NUMBER.start.2, …
# The first run takes SECONDS, all others SECONDS_AGAIN, or the same.
set -C
mark=/record/$1/$2
run=1
until echo "$RUNMAKER_HOST" 2>/dev/null >"$mark.start.$run"; do
  run=$((run + 1))
  [ "$run" -lt 20 ] || exit 9
done
echo "job $2 run $run"
[ "$run" = 1 ] || shift $(($# - 3))
[ "$3" = 0 ] || sleep "$3"
echo "$RUNMAKER_HOST" >"$mark.end.$run"
