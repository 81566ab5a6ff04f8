# SPDX-License-Identifier: GPL-2.0
# Where things are, and the few words every script says. Sourced, never run.

# shellcheck disable=SC2034  # read by the scripts that source this file
set -eu

TOP=$(cd "$(dirname "$0")/.." && pwd)
CACHE=${MEMCTL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/memctl}
BUILD=$TOP/build
# chroot(8) and others are where an ordinary user's shell may not look.
PATH=$PATH:/usr/sbin:/sbin

# shellcheck source=linux.version
. "$TOP/scripts/linux.version"

# One line for each long step, on standard error, so that output can be piped.
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# The comment at the top of a script is its help.
usage() { sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

sandbox() { "$TOP/scripts/sandbox" run "$@"; }

# need TOOL...: the sandbox has them; without it, this machine must.
need()
{
	[ "${SANDBOX:-}" = none ] || return 0
	for tool; do
		command -v "$tool" >/dev/null ||
			die "$tool is missing; install it, or do without SANDBOX=none"
	done
}

# What scripts/guest uses.
GUEST_TOOLS='qemu-system-x86_64 busybox cpio zstd mke2fs rustc'

# One build at a time on a machine: two would only slow each other down. A
# script that was called by the holder of the lock goes on.
lock_build()
{
	[ -n "${MEMCTL_LOCKED:-}" ] && return
	mkdir -p "$CACHE"
	exec 8>"$CACHE/build.lock"
	flock -n 8 || { say "waiting for another build to end"; flock 8; }
	export MEMCTL_LOCKED=1
}
