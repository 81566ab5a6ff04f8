# SPDX-License-Identifier: GPL-2.0
# What the tests of the distribution share. Sourced, never run.
# shellcheck shell=sh disable=SC2034  # read by those that source this file

CGROUP=/sys/fs/cgroup
M=1048576
# Where the shell commands of a test leave their output.
OUTPUT=/run/memctl-test.log
PATH=/usr/lib/memctl:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# To the kernel's log: there lines stay whole and in order with what the kernel
# says, which they would not on the console.
say() { printf '<5>guest: %s\n' "$*" >/dev/kmsg; }

# arguments: what the kernel was told by memctl.args=K,FILTER. Sets K and filter.
arguments()
{
	args=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^memctl.args=//p')
	K=${args%%,*}
	case $args in
	*,*)	filter=${args#*,} ;;
	*)	filter='' ;;
	esac
}

# Tells the host how the suite ended.
ends() { printf 'memctl-guest: exit %s\n' $((failed != 0)) >/dev/kmsg; }

# suite NAME FILTER FUNCTION...: runs those whose names contain FILTER, each in a
# shell of its own that ends with the first command that fails. Reports as KTAP,
# with the commands of a test that failed. Sets failed.
suite()
{
	name=$1 filter=$2 failed=0 number=0
	shift 2
	for test; do
		shift
		case $test in *"$filter"*) set -- "$@" "$test" ;; esac
	done
	say KTAP version 1
	say 1..1
	say "    KTAP version 1"
	say "    # Subtest: $name"
	say "    1..$#"
	for test; do
		number=$((number + 1))
		set +e
		# Not as a condition: set -e would have no effect.
		(set -eux; "$test") >"$OUTPUT" 2>&1 </dev/null
		status=$?
		if [ "$status" = 0 ]; then
			grep '^note: ' "$OUTPUT" | while read -r line; do say "    # $line"; done
			say "    ok $number $test"
		else
			failed=$((failed + 1))
			tail -n 60 "$OUTPUT" | cut -c1-300 |
				while IFS= read -r line; do say "    # $line"; done
			say "    not ok $number $test"
		fi
		! command -v tidy >/dev/null || tidy >/dev/null 2>&1
	done
	[ "$failed" = 0 ] && say "ok 1 $name" || say "not ok 1 $name"
}

# is WHAT WANTED GOT, within WHAT FROM TO GOT: or else say what is wrong, and fail.
is() { [ "$2" = "$3" ] || { echo "$1 is '$3', not '$2'"; return 1; }; }
within()
{
	[ "$4" -ge "$2" ] && [ "$4" -le "$3" ] || {
		echo "$1 is $4, not from $2 to $3"
		return 1
	}
}

# soon COMMAND...: waits until it succeeds, for a minute at most.
soon()
(
	# Once is enough to be seen.
	set +x
	deadline=$(($(date +%s) + 60))
	until "$@"; do
		[ "$(date +%s)" -lt "$deadline" ] || { echo "never: $*"; return 1; }
		sleep 0.2
	done
)

# fails WITH COMMAND...: it does, and says so.
fails()
{
	with=$1
	shift
	if said=$("$@" 2>&1); then
		echo "succeeded: $*"
		return 1
	fi
	case $said in
	*"$with"*) ;;
	*)	echo "$* said '$said', not '$with'"; return 1 ;;
	esac
}

put() { echo "$1" >"$2"; }
# The usage of a cgroup of version 2, as a predicate for soon.
uses() { [ "$(cat "$1/memory.current")" -ge "$2" ]; }
# event CGROUP NAME: how often that has been.
event() { sed -n "s/^$2 //p" "$1/memory.events"; }
happened() { [ "$(event "$1" "$2")" -gt 0 ]; }
gone() { [ ! -e "$1" ]; }
# alive PID...: none of them has been killed.
alive()
{
	for pid; do
		[ -e "/proc/$pid/exe" ] || { echo "process $pid is gone"; return 1; }
	done
}
