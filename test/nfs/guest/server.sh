# The NFS server. /disk lies on a disk of its own, which outlives a power-off; /srv is the exported part of it.
modprobe -a virtio_blk ext4 nfsd
mkdir -p /disk /srv
mount -t ext4 /dev/vda /disk
mkdir -p /disk/exported
chmod 1777 /disk/exported
mount --bind /disk/exported /srv
keep_nsm_state /disk/nsm

mount -t nfsd nfsd /proc/fs/nfsd
echo "$LAB_LEASE" >/proc/fs/nfsd/nfsv4leasetime
echo "$LAB_GRACE" >/proc/fs/nfsd/nfsv4gracetime
echo "$LAB_GRACE" >/proc/sys/fs/nfs/nlm_grace_period
# fsid=0: for version 4 this is the root, server:/; version 3 says server:/srv. The root of a guest is an overlay, which cannot be exported.
echo '/srv *(rw,sync,fsid=0,no_subtree_check,no_root_squash)' >/etc/exports

rpcbind -w || say 'rpcbind failed'
nfsdcld -p /run/rpc_pipefs || say 'nfsdcld failed'
rpc.statd --no-notify || say 'statd failed'
exportfs -ra
rpc.nfsd -V 3 -V 4.2 8 || say 'nfsd failed'
rpc.mountd || say 'mountd failed'
# As behind a firewall: clients are not told that the server has forgotten their locks.
[ "$LAB_NOTIFY" = no ] || sm-notify
if [ "$LAB_FIRST_BOOT" = yes ]; then
  # Nobody can have locks to claim back.
  sleep 0.3
  echo Y >/proc/fs/lockd/nlm_end_grace 2>/dev/null
  echo Y >/proc/fs/nfsd/v4_end_grace 2>/dev/null
fi
