#!/bin/bash
# mount.sh PLACE VERSION [OPTIONS]: mounts the server's files at /nfs/PLACE.
mkdir -p "/nfs/$1"
case $2 in
  3) from=server:/srv ;;
  *) from=server:/ ;;
esac
for try in 1 2 3 4 5; do
  timeout 15 mount -t nfs -o "vers=$2,proto=tcp,hard,retry=0${3:+,$3}" "$from" "/nfs/$1" && exit 0
  sleep 0.2
done
exit 1
