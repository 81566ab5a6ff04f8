#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
#
# What the picture shows: containers of a shop and of its batch jobs on cgroup v2, in a
# guest, and memctl-top on them.

cd /sys/fs/cgroup || exit 1
mount -t cgroup2 none .
cd /sys/fs/cgroup || exit 1

# container NAME FILE=VALUE...: one more, with these limits.
container()
{
	echo +memory >"$(dirname "$1")/cgroup.subtree_control"
	mkdir "$1"
	name=$1
	shift
	for pair; do
		echo "${pair#*=}" >"$name/memory.${pair%%=*}"
	done
}

# start NAME COMMAND...: runs it in a container, in the background.
start()
{
	# shellcheck disable=SC2016  # the inner shell's
	sh -c 'echo 0 >"$1/cgroup.procs"; shift; exec "$@"' sh "$@" >/tmp/said 2>&1 &
}

container shop max=256M low=96M
container shop/db max=96M min=32M
container shop/web max=64M
container shop/cache max=48M low=16M
container batch max=128M
container batch/backup high=24M
container batch/report max=40M

# The same program runs in three containers: its pages are the first one's.
cp /bin/memctl-guest /mnt/server
memctl-guest fill /mnt/archive 300
sync
echo 3 >/proc/sys/vm/drop_caches
start shop/db /mnt/server anon 48 hold
sleep 2
start shop/web /mnt/server anon 58 hold
start shop/cache /mnt/server anon 12 hold
# One job wants more than it may have and is killed, the next one does not.
start batch/report memctl-guest anon 60
wait $!
start batch/report memctl-guest anon 30 hold
# shellcheck disable=SC2016  # the inner shell's
start batch/backup sh -c 'while :; do memctl-guest read /mnt/archive; done'
sleep 2
# Something takes pages from the first; two others use them.
echo 4M >shop/db/memory.reclaim 2>/tmp/said

stty rows "$1" cols "$2"
exec memctl-top --interval 1
