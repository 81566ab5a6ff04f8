# SPDX-License-Identifier: GPL-2.0
# What the tests in a guest's log say, shown and counted. Sourced, never run.

KUNIT_PY=$BUILD/linux/tools/testing/kunit/kunit.py
passed=0 failed=0
failures=

not_ok()
{
	echo "not ok - $*"
	failed=$((failed + 1))
	failures="$failures
	$*"
}

# Ends a run: names what failed, and counts.
summary()
{
	[ -z "$failures" ] || echo "Failed:$failures"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
}

# Prints how many tests of a log passed and failed. A test that has others below
# it does not count.
count()
{
	awk '
		/# SKIP/ { next }
		match($0, /    (not )?ok [0-9]+ [A-Za-z_]/) {
			if ($0 ~ /    not ok /) bad++; else ok++
		}
		END { print ok + 0, bad + 0 }
	' "$1"
}

# Prints the names of the tests of a log that failed, with what they said.
bad()
{
	tr -d '\r' <"$1" | awk '
		match($0, /# .*/) { said = substr($0, RSTART + 2) }
		match($0, /    not ok [0-9]+ [A-Za-z_].*/) {
			name = substr($0, RSTART + 4)
			sub(/^not ok [0-9]+ /, "", name)
			print name (said == "" ? "" : ": " said)
		}
		/ok [0-9]+ / { said = "" }
	'
}

# report_lines LOG PATTERN: of a log with KTAP lines that begin with what PATTERN is,
# one a test: 'ok 3 test_memcg_min' and the like.
report_lines()
{
	tr -d '\r' <"$1" | grep -E "^(not )?ok [0-9]+ $2" >"$1.results" || :
	[ -s "$1.results" ] || not_ok "no test ran, see ${1#"$TOP/"}"
	while read -r line; do
		name=${line#*ok }
		name=${name#* }
		name=${name%% *}
		case $line in
		*'# SKIP'*)	;;
		ok*)		passed=$((passed + 1)) ;;
		*)		not_ok "$name" ;;
		esac
	done <"$1.results"
	"$TOP/scripts/check-log" "$1" || not_ok "the kernel complained, see above"
}

# report NAME LOG STATUS START: of a boot that ended with STATUS and started at
# START.
report()
{
	name=$1 log=$2 status=$3 start=$4
	# The kernel's own report first, then that of the guest's program.
	grep -v 'guest: ' "$log" | grep -q 'KTAP version' &&
		grep -v 'guest: ' "$log" | sandbox python3 "$KUNIT_PY" parse || :
	grep -q '\] guest: ' "$log" &&
		grep '\] guest: ' "$log" | sandbox python3 "$KUNIT_PY" parse || :
	# shellcheck disable=SC2046  # two numbers
	set -- $(count "$log")
	say "$name: $1 passed, $2 failed in $(($(date +%s) - start)) s"
	passed=$((passed + $1)) failed=$((failed + $2))
	[ "$2" = 0 ] || failures="$failures
$(bad "$log" | sed "s/^/	$name: /")"

	if [ "$status" != 0 ] && [ "$2" = 0 ]; then
		not_ok "$name: the guest ended with $status; its log ends:"
		tail -n 30 "$log"
	fi
	[ "$1" != 0 ] || not_ok "$name: no test ran"
	if "$TOP/scripts/check-log" "$log"; then
		passed=$((passed + 1))
	else
		not_ok "$name: the kernel complained, see above"
	fi
}
