#!/bin/bash
# count-calls.sh start|stop: counts, in the kernel, what this client asks of servers and what programs ask of it.
# "rpc NAME COUNT" for each kind of remote call, those of the lock manager of version 3 among them;
# "opened COUNT": files opened for reading and writing by programs that close them on exec, as node does;
# "refused COUNT": fcntl calls that gave EAGAIN.
tracing=/sys/kernel/tracing
mountpoint -q $tracing || mount -t tracefs tracefs $tracing
cd $tracing/events || exit 1

opened='hist:keys=flags if flags == 0x80002' # O_RDWR | O_CLOEXEC
refused='hist:keys=ret if ret == -11'
calls='hist:keys=procname'

hits() { awk '/Hits:/ { print $2 }' "$1/hist"; }

if [ "$1" = start ]; then
  echo "$calls" >sunrpc/rpc_request/trigger
  echo "$opened" >syscalls/sys_enter_openat/trigger
  echo "$refused" >syscalls/sys_exit_fcntl/trigger
else
  sed -n 's/^{ procname: *\([A-Z_0-9]*\) *} hitcount: *\([0-9]*\)$/rpc \1 \2/p' sunrpc/rpc_request/hist
  echo "opened $(hits syscalls/sys_enter_openat)"
  echo "refused $(hits syscalls/sys_exit_fcntl)"
  echo "!$calls" >sunrpc/rpc_request/trigger
  echo "!$opened" >syscalls/sys_enter_openat/trigger
  echo "!$refused" >syscalls/sys_exit_fcntl/trigger
fi
