#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The demonstration: five scenes, on cgroup v1. What is typed is shown before it
# is done, and what comes of it is checked: ends with 1 if a scene did not show
# what it should.

cg=/sys/fs/cgroup/memory
failed=0

if [ "${COLOR:-}" = 1 ]; then
	bold='\033[1m' typed='\033[36m' good='\033[32m' bad='\033[31m' off='\033[0m'
else
	bold='' typed='' good='' bad='' off=''
fi

scene()
{
	# shellcheck disable=SC2059  # colours
	printf "\n${bold}%s${off}\n" "$1"
	shift
	printf '%s\n' "$@"
	echo
}

# Shows a command and does it.
type_in()
{
	# shellcheck disable=SC2059
	printf "${typed}# %s${off}\n" "$1"
	eval "$1"
}

# run_in CONTAINER COMMAND: the shell that joins becomes the command.
run_in()
{
	type_in "sh -c 'echo \$\$ > $1/tasks; exec $2'"
}

# start CONTAINER COMMAND: the same in the background, as $job.
start()
{
	type_in "sh -c 'echo \$\$ > $1/tasks; exec $2' &"
	job=$!
}

# expect WHAT CONDITION...: says whether test(1) finds the condition true.
expect()
{
	what=$1
	shift
	if [ "$@" ]; then
		# shellcheck disable=SC2059
		printf "  ${good}✓${off} %s\n" "$what"
	else
		# shellcheck disable=SC2059
		printf "  ${bad}✗ %s${off} (%s)\n" "$what" "$*"
		failed=1
	fi
}

usage() { cat "$1/memory.usage_in_bytes"; }
stat_of() { awk -v key="$2" '$1 == key { print $2 }' "$1/memory.stat"; }
mb() { echo $(($1 / 1048576)); }
swapped() { awk '/^VmSwap/ { print $2 }' "/proc/$1/status"; }
in_cache() { memctl-guest resident "$1" | sed 's/.*(\(.*\)%)/\1/'; }

# The state of a process, nothing if it is gone.
state() { sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null; }

MB=1048576
cd /mnt || exit 1

scene 'A boundary around a container' \
	"$(uname -sr), $(sed -n 's/.*MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) kB of memory."
mkdir -p $cg 2>/dev/null || { mount -t tmpfs none /sys/fs/cgroup && mkdir $cg; }
type_in "mount -t cgroup -o memory none $cg"
type_in "cd $cg"
type_in 'mkdir shop backup'
type_in 'echo 32M > backup/memory.limit_in_bytes'
type_in 'cat backup/memory.limit_in_bytes'
run_in shop 'cat shop/tasks shop/memory.usage_in_bytes'

scene '1. A backup reads 300 MB, and its neighbour keeps its page cache' \
	'The shop has its files in memory. The backup reads far more than its 32 MB.'
memctl-guest fill /mnt/site 24
memctl-guest fill /mnt/archive 300
run_in shop 'memctl-guest read /mnt/site'
type_in 'memctl-guest resident /mnt/site'
start backup 'memctl-guest read /mnt/archive'
memctl-guest bars $job backup
wait $job
type_in 'cat backup/memory.max_usage_in_bytes'
type_in 'memctl-guest resident /mnt/site'
expect 'the backup never had more than 32 MB' \
	"$(cat backup/memory.max_usage_in_bytes)" -le $((32 * MB))
expect 'the backup was at its limit' "$(cat backup/memory.failcnt)" -gt 0
expect "all of the neighbour's page cache is still there" "$(in_cache /mnt/site)" = 100
rm /mnt/archive

scene '2. A program grows beyond its boundary, and is pushed to swap: itself alone' \
	'There is a disk to swap to. The hog wants 96 MB and may have 32 MB.'
mkdir hog
type_in 'mkswap /dev/vdb >/dev/null; swapon /dev/vdb'
type_in 'echo 32M > hog/memory.limit_in_bytes'
start shop 'memctl-guest anon 24 hold'
neighbour=$job
sleep 1
start hog 'memctl-guest anon 96 hold'
hog=$job
memctl-guest bars $hog hog 96
type_in "grep VmSwap /proc/$hog/status /proc/$neighbour/status"
expect 'the hog lives, within 32 MB' "$(usage hog)" -le $((32 * MB))
expect 'the hog has 60 MB and more in swap' "$(swapped $hog)" -ge $((60 * 1024))
expect 'its neighbour has nothing there' "$(swapped $neighbour)" = 0
kill $hog
wait $hog
type_in 'swapoff /dev/vdb'

scene '3. No swap: the hog is killed in its container, its neighbour lives' \
	'The same again, but there is nowhere to go.'
start hog 'memctl-guest anon 96 hold'
hog=$job
memctl-guest bars $hog hog 96
wait $hog
status=$?
type_in 'cat hog/memory.oom_control'
type_in 'dmesg | grep "Memory cgroup out of memory" | tail -n 1'
expect 'the hog was killed' "$status" = 137
expect 'by the OOM killer of its container' \
	"$(awk '$1 == "oom_kill" { print $2 }' hog/memory.oom_control)" = 1
expect 'its neighbour sleeps on' "$(state $neighbour)" = S
kill $neighbour
wait $neighbour

scene '4. A page two containers use is charged to the first; once evicted, to the next' \
	'Both read the same 16 MB.'
mkdir first second
memctl-guest fill /mnt/shared 16
run_in first 'memctl-guest read /mnt/shared'
run_in second 'memctl-guest read /mnt/shared'
type_in 'cat first/memory.usage_in_bytes second/memory.usage_in_bytes'
one=$(usage first) two=$(usage second)
type_in 'echo 1 > first/memory.force_empty'
run_in second 'memctl-guest read /mnt/shared'
type_in 'cat first/memory.usage_in_bytes second/memory.usage_in_bytes'
expect 'the first had all of it' "$(mb "$one")" -ge 16
expect 'the second nothing but its own' "$(mb "$two")" -lt 2
expect 'after eviction, the second brought it in' "$(mb "$(usage second)")" -ge 16
expect 'and the first is free of it' "$(mb "$(usage first)")" -lt 2

scene '5. A container is removed, and its page cache goes to its parent' \
	'The clerk reads 16 MB and leaves.'
mkdir -p office/clerk
memctl-guest fill /mnt/file 16
run_in office/clerk 'memctl-guest read /mnt/file'
type_in 'grep "^cache" office/memory.stat office/clerk/memory.stat'
type_in 'rmdir office/clerk'
# The cgroup core takes a removed container offline a grace period later.
type_in 'sleep 1; grep "^cache" office/memory.stat'
type_in 'memctl-guest resident /mnt/file'
expect 'the container is gone' ! -e office/clerk
expect 'its page cache is charged to the parent' "$(mb "$(stat_of office cache)")" -ge 16
expect 'and still in memory' "$(in_cache /mnt/file)" = 100

if command -v memctl-top >/tmp/top; then
	scene 'What is left' 'Of all containers, as memctl-top sees them.'
	type_in 'memctl-top --once'
fi

echo
if [ $failed = 0 ]; then
	echo 'Five scenes, all as they should be.'
else
	echo 'Not all as it should be: see the crosses above.'
fi
exit $failed
