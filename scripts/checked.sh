# SPDX-License-Identifier: GPL-2.0
# The kernel that checks itself: what most tests run on. Sourced, never run.

# What it looks for.
DEBUG=${DEBUG:-lockdep}
case $DEBUG in
lockdep|kasan|kmemleak) ;;
*) die "DEBUG=$DEBUG: lockdep, kasan or kmemleak, please" ;;
esac

# Kernel arguments: the same accounting by either controller.
ARGUMENTS=
# While identify_cpu() has forgotten that page tables have five levels, KASAN takes
# an interrupt's memory for wild.
[ "$DEBUG" != kasan ] || ARGUMENTS=no5lvl

# build_checked K: sets $checked to the kernel's name.
build_checked()
{
	set -- "$1" kunit "$DEBUG" writeback stress
	"$TOP/scripts/kernel" "$@"
	checked=$(echo "$*" | tr ' ' -)
}
