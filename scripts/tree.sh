# SPDX-License-Identifier: GPL-2.0
# What of this repository goes where in the kernel tree, and in which patch of the
# series. Sourced, never run.

# Files and directories, and their place in the kernel tree.
PLACES='
include		include
rust		rust
mm		mm
tests/kunit	mm/memctl/tests
Kconfig		mm/memctl/Kconfig
Documentation	Documentation
'

SERIES_LIST=$TOP/patches/series

# our_files: the files that are added to the kernel tree, a line each: their name
# here and there. Editors leave things about.
our_files()
{
	echo "$PLACES" | while read -r from to; do
		[ -n "$from" ] && [ -e "$TOP/$from" ] || continue
		(cd "$TOP" && find "$from" -type f \
			! -name '*~' ! -name '.*.sw?' ! -name '*.orig') |
			sed "s,^$from\(.*\),& $to\1,"
	done
}

# patch_files: names of the patches to upstream files, in their order.
patch_files()
{
	awk '
		/^\[.*\]$/ { head = 1; next }
		/^$/ { head = 0 }
		head && $1 == "patch" { for (i = 2; i <= NF; i++) print $i }
	' "$SERIES_LIST"
}

# same_lists A B TEXT: dies of the first line that is in A and not in B, or twice
# in A; %s in TEXT is the line. Both are sorted.
same_lists()
{
	uniq -d "$1" >"$1.twice"
	comm -23 "$1" "$2" >"$1.alone"
	if [ -s "$1.twice" ]; then
		die "patches/series: $(head -n 1 "$1.twice") is in more than one entry"
	fi
	if [ -s "$1.alone" ]; then
		# shellcheck disable=SC2059  # a format it is
		die "patches/series: $(printf "$3" "$(head -n 1 "$1.alone")")"
	fi
	rm -f "$1.twice" "$1.alone"
}

# touched: the upstream files that patches change.
touched()
{
	sed -n 's,^\(---\|+++\) [ab]/,,p' "$TOP"/patches/*.patch | sort -u |
		while read -r file; do
			[ ! -e "$PRISTINE/$file" ] || echo "$file"
		done
}

# stage DIR: all that differs from the pristine kernel, from scratch: the upstream
# files that are patched, and ours.
stage()
{
	rm -rf "$1"
	mkdir -p "$1"

	(cd "$TOP/patches" && find . -name '*.patch') | sed 's,^\./,,' | sort >"$1.there"
	patch_files | sort >"$1.listed"
	same_lists "$1.listed" "$1.there" 'there is no patches/%s'
	same_lists "$1.there" "$1.listed" 'patches/%s is in no entry'
	rm -f "$1.there" "$1.listed"

	touched | while read -r file; do
		mkdir -p "$1/$(dirname "$file")"
		cp "$PRISTINE/$file" "$1/$file"
	done
	for patch in $(patch_files); do
		# As strict as git-am(1): offsets, but no fuzz.
		sandbox patch -p1 -F0 -s -N --no-backup-if-mismatch \
			-r- -d "$1" <"$TOP/patches/$patch" >"$1.log" 2>&1 && continue
		cat "$1.log" >&2
		die "patches/$patch does not apply to $PRISTINE"
	done
	rm -f "$1.log"

	our_files | while read -r from to; do
		mkdir -p "$1/$(dirname "$to")"
		cp "$TOP/$from" "$1/$to"
	done
}

# new_tree TREE: the pristine kernel, to be worked in. Its files are shared by hard
# links as far as can be: none may be written in place.
new_tree()
{
	say "making ${1#"$TOP/"} from $PRISTINE"
	rm -rf "$1" "$1.new"
	mkdir -p "$(dirname "$1")"
	if [ -n "${KERNEL_SRC:-}" ] && [ -d "$KERNEL_SRC" ]; then
		# Somebody works in this tree: take a copy, and no links.
		mkdir "$1.new"
		tar -C "$PRISTINE" --exclude=./.git -cf - . | tar -C "$1.new" -xf -
	else
		cp -al "$PRISTINE" "$1.new" 2>/dev/null || {
			rm -rf "$1.new"
			cp -a --reflink=auto "$PRISTINE" "$1.new"
		}
	fi
	[ ! -e "$1.new/.config" ] || die "$PRISTINE was built in; type there: make mrproper"
	mkdir "$1.new/.memctl"
	echo "$PRISTINE" >"$1.new/.memctl/origin"
	: >"$1.new/.memctl/files"
	mv "$1.new" "$1"
}
