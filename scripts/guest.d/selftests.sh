#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The cgroup selftests of the kernel tree, on cgroup v2, with swap.
#
#	selftests.sh [TIMES]

mount -t cgroup2 none /sys/fs/cgroup
mkswap /dev/vdb >/dev/null
swapon /dev/vdb
cd /mnt || exit 1

round=0
while [ $round -lt "${1:-1}" ]; do
	round=$((round + 1))
	for program in /bin/test_*; do
		echo "round $round ${program##*/}"
		"$program" 2>&1
	done
done
exit 0
