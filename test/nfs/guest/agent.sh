# Takes orders from the host, a line each, over a virtio serial port, and tells there how they ended:
#   run ID SECONDS     /exchange/ID.sh is run for so many seconds at most; ended ID STATUS is the answer
#   signal ID NAME     what was started so gets a signal
modprobe virtio_console
until compgen -G '/dev/vport*p1' >/dev/null; do sleep 0.05; done
exec 3<>/dev/vport*p1

run() { # id seconds
  timeout -k 2 "$(($2 + 5))" bash "/exchange/$1.sh" >"/exchange/$1.out" 2>"/exchange/$1.err" 3>&- &
  local pid=$!
  echo "$pid" >"/run/order.$1"
  # Whatever takes too long is asked what it waits for.
  (
    exec 3>&-
    sleep "$2" &
    trap "kill $!" TERM
    wait $! && bash /guest/what-it-waits-for.sh >"/exchange/$1.late"
  ) &
  wait "$pid"
  local status=$?
  kill $!
  echo "ended $1 $status" >&3
}

cd /
echo up >&3
while :; do
  while read -r order id word; do
    case $order in
      run) run "$id" "$word" & ;;
      signal) kill -s "$word" "$(cat "/run/order.$id")" ;;
    esac
  done <&3
  # Nobody is at the other end.
  sleep 0.1
done
