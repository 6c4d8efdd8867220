#!/bin/sh
# Runs a command as root under a kernel of its own, whose cgroups are all v2: user-mode-linux, a process of this machine.
# What is seen there is this machine's files, and nothing that is written reaches them. Debian: apt-get install
# user-mode-linux, or name what such a package was unpacked to in UML_ROOT. It has one processor and no network.
#
#   bench/user-mode-linux.sh node test/run.ts e2e/delegated
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
root=${UML_ROOT:-}
kernel=$root/usr/bin/linux.uml
modules=$root/usr/lib/uml/modules
[ -x "$kernel" ] || { echo "$kernel: apt-get install user-mode-linux" >&2; exit 127; }

work=$(mktemp -d)
memory=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$work" "$memory"' EXIT
mkdir "$work/home"
for word in "$@"; do printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"; done >"$work/command"

cat >"$work/init" <<INIT
#!/bin/sh
export PATH=$here/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TMPDIR=/run/tmp
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /mnt
for name in overlay loop erofs fuse; do find $modules -name \$name.ko -exec busybox insmod {} \; ; done
mkdir /mnt/upper /mnt/work /mnt/new
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/new
cd /mnt/new
mount --move /proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
mkdir -p dev/pts dev/shm
mount -t devpts -o ptmxmode=666 devpts dev/pts
for directory in dev/shm run; do mount -t tmpfs tmpfs \$directory; done
mkdir run/tmp
chmod 1777 dev/shm run/tmp
mount -t cgroup2 cgroup2 sys/fs/cgroup
# In a root that was changed otherwise, nobody may make user namespaces.
pivot_root . mnt
exec chroot . /bin/sh -c '
umount -l /mnt
hostname uml
busybox ip link set lo up
cd $here
sh -c "\$COMMAND"
echo "exit code \$?"
echo o >/proc/sysrq-trigger
sleep 10' sh
INIT
chmod +x "$work/init"
sed -i "2i COMMAND=\$(cat $work/command); export COMMAND" "$work/init"

HOME=$work/home TMPDIR=$memory "$kernel" mem="${UML_MEMORY:-2G}" root=/dev/root rootfstype=hostfs rootflags=/ ro \
  init="$work/init" con=null con0=fd:0,fd:1 quiet loglevel=3 </dev/null 2>/dev/null | tr -d '\r' | tee "$work/output"
exit "$(sed -n 's/^exit code //p' "$work/output" | tail -n 1)"
