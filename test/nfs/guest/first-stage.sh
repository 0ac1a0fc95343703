#!/bin/busybox sh
# The only program of the initramfs: makes a root out of the host's own file tree and steps into it.
# The host's tree comes read-only over 9p, the unpacked Debian packages lie over it, and a tmpfs takes what is written.
/bin/busybox mkdir -p /proc /sys /dev /layer/host /layer/packages /layer/scratch /root-to-be
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys

give_up() {
  echo "first stage: $*"
  poweroff -f
}

while read -r module; do
  insmod "/modules/$module" || give_up "module $module"
done </modules/in-order

for share in host packages; do
  mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro "$share" "/layer/$share" || give_up "share $share"
done
mount -t tmpfs scratch /layer/scratch
mkdir /layer/scratch/upper /layer/scratch/work
mount -t overlay -o lowerdir=/layer/packages:/layer/host,upperdir=/layer/scratch/upper,workdir=/layer/scratch/work root /root-to-be ||
  give_up overlay

for kernel in proc sys dev; do
  mkdir -p "/root-to-be/$kernel"
  mount --move "/$kernel" "/root-to-be/$kernel"
done
mkdir -p /root-to-be/guest
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro guest /root-to-be/guest || give_up "share guest"
# The host's name, the lease and the like came on the kernel's command line, and so are in the environment.
exec switch_root /root-to-be /bin/bash /guest/start.sh
