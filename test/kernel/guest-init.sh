#!/bin/sh
# Process 1 of a test kernel's virtual machine (test/helpers/vm.ts): makes the machine usable, runs the job
# that the host left in the shared folder, and sends its output and status over virtio ports.
# The root is the host's, shared read-only; what must be written is in memory.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

mount -t proc proc /proc
mount -t sysfs sys /sys
# The kernel mounted /dev itself (CONFIG_DEVTMPFS_MOUNT).
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
# A checkout in /tmp is still to be seen when the machine has a /tmp of its own.
repository=${0%/test/kernel/*}
mkdir /dev/shm/repository
mount --bind "$repository" /dev/shm/repository
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run
case $repository in
/tmp/* | /run/*)
	mkdir -p "$repository"
	mount --bind /dev/shm/repository "$repository"
	;;
esac
umount /dev/shm/repository
rmdir /dev/shm/repository
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t securityfs securityfs /sys/kernel/security
mkdir /run/share /run/home
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 share /run/share
echo minderbinder-vm >/proc/sys/kernel/hostname
ip link set lo up

# What is other than on the host.
while read -r file target; do
	mount --bind "/run/share/$file" "$target"
done </run/share/binds
# Folders of the root that the job writes to.
while read -r folder; do
	name=/run/over$(echo "$folder" | tr / -)
	mkdir -p "$name/upper" "$name/work"
	mount -t overlay -o "lowerdir=$folder,upperdir=$name/upper,workdir=$name/work" overlay "$folder"
done </run/share/writable

# Virtio ports by their names; their numbers depend on which other devices there are.
for port in /sys/class/virtio-ports/*; do
	ln -s "/dev/${port##*/}" "/run/port-$(cat "$port/name")"
done

# As on a machine with an init system: not everything is in the root cgroup.
mkdir /sys/fs/cgroup/job

# Through pipes, since a virtio port can be opened once only: /dev/stderr would fail with EBUSY.
mkfifo /run/stdout /run/stderr
cat /run/stdout >/run/port-stdout &
out=$!
cat /run/stderr >/run/port-stderr &
err=$!
setsid sh -c 'echo $$ >/sys/fs/cgroup/job/cgroup.procs && exec sh /run/share/job' \
	</dev/null >/run/stdout 2>/run/stderr &
status=0
wait $! || status=$?
echo "status $status" >/run/port-status
# Ends when nothing is left that could write; the host does not wait for ever.
wait $out $err || :
echo drained >/run/port-status
# The host ends the machine.
while :; do sleep 1000; done
