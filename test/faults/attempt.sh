# One attempt at a job; read by the shell of the job: "n=17 kind=plain time=0.05 . ./attempt.sh".
#
# What shows that no two attempts at a job are at work at the same time: each holds the lock of a file for as long as any process of
# it lives. The lock belongs to the open file (descriptor 9), which the processes of the attempt share, so the kernel gives it up when
# the last of them is gone, however it went. And each writes its start with O_EXCL under a number that nobody has taken before.

# The kernel closes the descriptors of a dying process one after the other: who is granted the line in between may come a moment before
# the lock is given up. So a refusal counts when somebody who is alive has the file open; a dying process has no open files any more.
refused() {
  tries=0
  until flock -n 9; do
    tries=$((tries + 1))
    for fd in /proc/[0-9]*/fd/9; do
      other=${fd#/proc/}
      other=${other%%/*}
      [ "$other" = $$ ] && continue
      if [ "$(readlink "$fd")" = "$PWD/locks/$n" ]; then
        echo "job $n: process $$ has started while $other is at it ($(tr '\0' ' ' <"/proc/$other/cmdline"))" >>overlaps
        exit 70
      fi
    done
    if [ $tries -gt 200 ]; then
      echo "job $n: the lock stays held, but by nobody who can be seen" >>overlaps
      exit 71
    fi
  done
}

# ">" creates files with O_EXCL from here on.
set -C
begin() {
  { echo $$ >"attempts/$n.$attempt.start"; } 2>/dev/null
}

attempt=1
if [ "$kind" = free ]; then # several at a time are allowed, so each takes the next number
  until begin; do attempt=$((attempt + 1)); done
else
  exec 9>>"locks/$n"
  flock -n 9 || refused
  while [ -e "attempts/$n.$attempt.start" ]; do attempt=$((attempt + 1)); done
  if ! begin; then
    echo "job $n: attempt $attempt was started twice" >>overlaps
    exit 72
  fi
fi

case $kind in
  plain | free)
    sleep "$time"
    : >"attempts/$n.$attempt.end"
    ;;
  loud) # dies by SIGPIPE when its runner is gone
    echo "job $n begins"
    sleep "$time"
    echo "job $n ends"
    : >"attempts/$n.$attempt.end"
    ;;
  forked) # the shell is gone before its child has done the work
    (
      sleep "$time"
      : >"attempts/$n.$attempt.end"
    ) &
    ;;
esac
