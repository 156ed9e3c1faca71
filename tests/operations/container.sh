#!/bin/sh
# Stands in for a container, where there is no daemon to make one: a root of the system's own libraries that nobody
# can write, a folder /data that the user can, no capabilities, no new privileges, namespaces of its own.
#     unshare --mount --net --pid --fork container.sh ROOT BINARY DATA USER:GROUP WORKDIR NAME=VALUE… -- COMMAND…
set -eu
root=$1 binary=$2 data=$3 user=${4%:*} group=${4#*:} folder=$5
shift 5
ip link set lo up
mount --make-rprivate /
mount -t tmpfs -o mode=755 container "$root"
mkdir "$root/usr" "$root/etc" "$root/dev" "$root/proc" "$root/tmp" "$root/data"
for link in /bin /sbin /lib /lib64; do
  [ ! -L "$link" ] || cp -P "$link" "$root$link"
done
mount --bind /usr "$root/usr"
mount -o remount,bind,ro "$root/usr"
# What COPY puts there.
mount -t tmpfs -o mode=755 container "$root/usr/local/bin"
touch "$root/usr/local/bin/recourse"
mount --bind "$binary" "$root/usr/local/bin/recourse"
mount -o remount,ro "$root/usr/local/bin"
mount --bind /etc "$root/etc"
mount -o remount,bind,ro "$root/etc"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
# What `install -d -m 0700 -o … /data` leaves.
chown "$user:$group" "$data"
chmod 0700 "$data"
mount --bind "$data" "$root/data"
mount -o remount,ro "$root"
# The process itself takes the place of this script, so it is the first of its namespace, as in a container.
exec chroot "$root" /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$folder" \
  setpriv --reuid="$user" --regid="$group" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \
  env -i "$@"
