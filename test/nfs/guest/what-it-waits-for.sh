#!/bin/bash
# Prints where in the kernel each thread of node is, and the locks that are held here.
for process in /proc/[0-9]*; do
  [[ $(readlink "$process/exe") == */node ]] || continue
  tr '\0' ' ' <"$process/cmdline"
  echo
  for thread in "$process"/task/*; do echo "  ${thread##*/}: $(cat "$thread/wchan"), system call $(cat "$thread/syscall")"; done
done
cat /proc/locks
