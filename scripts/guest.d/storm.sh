#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
#
# Storms, one after the other, on cgroup v2 and v1 in turns.
#
#	storm.sh COUNT SECONDS SEED
#
# Each has a seed of its own: SEED, and the numbers that follow.

count=$1 seconds=$2 seed=$3

# The list of all processes at each OOM kill would fill the log.
echo 0 >/proc/sys/vm/oom_dump_tasks

# Virtual CPUs stand still when the machine has no time for them, and that is not
# the kernel's fault.
set_to()
{
	[ ! -e "$2" ] || echo "$1" >"$2"
}
set_to 30 /proc/sys/kernel/watchdog_thresh
set_to 240 /proc/sys/kernel/hung_task_timeout_secs
set_to 60 /sys/module/rcupdate/parameters/rcu_cpu_stall_timeout

echo 'KTAP version 1'
echo "1..$count"
failed=0 number=0 again=
while [ $number -lt "$count" ]; do
	version=v$((2 - number % 2))
	number=$((number + 1))
	if memctl-guest storm $version "$seconds" "$seed" $again; then
		echo "ok $number memctl_storm_$version"
	else
		echo "not ok $number memctl_storm_$version"
		failed=1
	fi
	seed=$((seed + 1)) again=again
done
exit $failed
