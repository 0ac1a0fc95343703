#!/bin/bash
# Process 1 of a guest: brings up the network and this host's part in NFS, then does what it is told.
# LAB_HOST, LAB_LEASE, LAB_GRACE and LAB_FIRST_BOOT come from the kernel's command line.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb
exec </dev/null >/dev/console 2>&1

mkdir -p /dev/pts /dev/shm /exchange /record
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
# What runs on the real host has left its sockets and process ids here: not ours.
mount -t tmpfs run /run
ln -sf /proc/self/fd /dev/fd

share() { # tag: at /tag, every look goes to the host, so that it is the same file for everybody at every moment
  mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none "$1" "/$1"
}
share exchange
share record
exec >>/exchange/boot.log 2>&1

say() {
  read -r uptime _ </proc/uptime
  echo "[$uptime] $*"
}

say "$LAB_HOST starts"
hostname "$LAB_HOST"
echo "$LAB_HOST" >/etc/hostname
cat /guest/hosts >/etc/hosts
printf '%s\n' 'hosts: files' 'passwd: files' 'group: files' >/etc/nsswitch.conf
cat /guest/daemon-users >>/etc/passwd

# Each job starts these. Emulation makes a program without libraries start five times as fast.
for name in sh sleep; do ln -sf "$(command -v busybox)" "/usr/bin/$name"; done

modprobe virtio_net
ip link set lo up
ip addr add "$(awk -v host="$LAB_HOST" '$2 == host { print $1 }' /etc/hosts)/24" dev eth0
ip link set eth0 up

modprobe -a sunrpc lockd
mkdir -p /run/rpcbind /run/rpc_pipefs
mount -t rpc_pipefs rpc_pipefs /run/rpc_pipefs

# Who held locks before a crash is known from here: it must outlive the guest.
keep_nsm_state() { # folder
  mkdir -p "$1"/{sm,sm.bak,nfsdcld,v4recovery} /var/lib/nfs
  touch "$1"/{etab,rmtab,state}
  mount --bind "$1" /var/lib/nfs
}

if [ "$LAB_HOST" = server ]; then . /guest/server.sh; else . /guest/client.sh; fi
say up
. /guest/agent.sh
