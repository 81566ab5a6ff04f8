# SPDX-License-Identifier: GPL-2.0
# The kernel's make as this project calls it. Sourced, never run.

# What make(1) told its children is not meant for the kernel's.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL K DEBUG ARCH CROSS_COMPILE

# The same input gives the same kernel.
export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970'
export KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_USER=memctl
export KBUILD_BUILD_HOST=memctl
export CCACHE_DIR="${CCACHE_DIR:-$CACHE/ccache}"
export CCACHE_NOHASHDIR=1
export CCACHE_BASEDIR="$BUILD"

# The tree that is built.
KERNEL_TREE=${KERNEL_TREE:-$BUILD/linux}

# kmake OUT ARGS...: in the sandbox, on that tree, to OUT. KARCH= is for another
# architecture than that of this machine.
kmake()
{
	kmake_out=$1
	shift
	ccache=
	if [ "${SANDBOX:-}" != none ] || command -v ccache >/dev/null; then
		ccache='ccache '
	fi
	# Where the checkout is must be in no kernel; C has an option of the kernel's own
	# for that, Rust of this age has not.
	# shellcheck disable=SC2086  # one word, or none
	sandbox make -C "$KERNEL_TREE" O="$kmake_out" LLVM=1 ${KARCH:+ARCH=$KARCH} \
		CC="${ccache}clang" KRUSTFLAGS="--remap-path-prefix=$KERNEL_TREE/= \
			--remap-path-prefix=$kmake_out/=" "$@"
}

# The host's own Rust: is it one that the kernel takes?
rust_is_there()
{
	make -s -C "$KERNEL_TREE" O="$BUILD/rustavailable" LLVM=1 \
		rustavailable >&2 || die "the host's Rust does not do"
}

# One line that moves where somebody looks, a line now and then where not.
progress()
{
	tty=0
	[ ! -t 2 ] || tty=1
	awk -v tty="$tty" '
		!/^  [A-Z]/ { next }
		{ n++ }
		tty { printf "\r\033[K    %5d %.60s", n, $0; fflush() }
		!tty && n % 250 == 0 { print "    " n " steps"; fflush() }
		END { if (tty) printf "\r\033[K" }
	' >&2
}

# What went wrong, without the steps that went well.
errors()
{
	grep -v -E '^  [A-Z_0-9]+ +[^ ]+( \[[A-Z]\])?$|: (Entering|Leaving) directory' "$1" |
		tail -n 80
}
