# An NFS client. Mounting is left to the tests (mount.sh).
keep_nsm_state /exchange/nsm
modprobe -a nfs nfsv3 nfsv4
rpcbind || say 'rpcbind failed'
rpc.statd --no-notify || say 'statd failed'
sm-notify
