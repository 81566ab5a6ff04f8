# SPDX-License-Identifier: GPL-2.0
# Runs memctl-bench in guests that count instructions. Sourced, never run; $OUT is where
# the logs go.

# measure NAME K APPEND KIND WHAT [GUEST-OPTION...]
# Address spaces are laid out alike on all kernels: how many page tables a process
# has would be a matter of luck otherwise.
measure()
{
	name=$1 k=$2 append=$3 kind=$4 what=$5
	shift 5
	say "$name"
	"$TOP/scripts/guest" --icount --smp 1 --timeout 1800 --no-swap --log "$OUT/$name.log" \
		--append "norandmaps $append" "$@" "$k" run memctl-bench "$kind" "$what" \
		>/dev/null || {
		tail -n 20 "$OUT/$name.log" >&2
		die "$name: the guest failed"
	}
}

# save FILE...: puts files of $OUT into Documentation/, if SAVE=1.
save()
{
	[ "${SAVE:-}" = 1 ] || return 0
	figures=$TOP/Documentation/mm/memctl-figures
	mkdir -p "$figures"
	# git-am(1) complains of blanks at the ends of lines.
	for file; do
		sed 's/ *$//' "$OUT/$file" >"$figures/$file"
	done
}
