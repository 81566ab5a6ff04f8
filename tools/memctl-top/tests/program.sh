#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The program as people meet it: what it prints, and its screen in tmux(1).
#
#	program.sh PROGRAM
#
# It looks at directories with the files that cgroup v2 and v1 have. A line for each
# test, 'ok - ' or 'not ok - ' and its name.

set -u
program=$1
work=$(mktemp -d)
export TMUX_TMPDIR="$work"
trap 'tmux kill-server 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# expect NAME COMMAND...: a test, which passes if the command does.
expect()
{
	name=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		sed 's/^/# /' "$work/said"
	fi
}

# v2 CONTAINER USAGE MAX LOW AVG10 OOM_KILL: its files.
v2()
{
	mkdir -p "$work/v2/$1"
	(
		cd "$work/v2/$1" || exit
		echo "$2" >memory.current
		echo "$3" >memory.max
		echo 0 >memory.min
		echo "$4" >memory.low
		printf 'some avg10=%s avg60=0.00 avg300=0.00 total=1\n' "$5" >memory.pressure
		printf 'low 0\nhigh 3\nmax 4\noom 5\noom_kill %s\n' "$6" >memory.events
		printf 'anon 4096\ninactive_file 1048576\n' >memory.stat
		printf 'pghandover_in 17\npghandover_out 23\n' >>memory.stat
	)
}

# v1 CONTAINER USAGE LIMIT FAILCNT OOM_KILL: the same, of the C controller.
v1()
{
	mkdir -p "$work/v1/$1"
	(
		cd "$work/v1/$1" || exit
		echo "$2" >memory.usage_in_bytes
		echo "$3" >memory.limit_in_bytes
		echo "$4" >memory.failcnt
		printf 'oom_kill_disable 0\nunder_oom 0\noom_kill %s\n' "$5" >memory.oom_control
		printf 'inactive_file 0\ntotal_inactive_file 1048576\n' >memory.stat
	)
}

mkdir -p "$work/v2" "$work/empty"
# As in the kernel, the root has no file of its usage.
echo 'cpu memory' >"$work/v2/cgroup.controllers"
v2 shop 33554432 67108864 16777216 1.25 0
v2 shop/web 20971520 max 0 0.50 0
v2 shop/db 8388608 max 0 12.34 2
v2 batch 4194304 max 0 0.00 0
v1 . 104857600 9223372036854771712 0 0
v1 old 52428800 67108864 41 1

# prints TEXT ARG...: is what it prints this, and its status 0?
prints()
{
	text=$1
	shift
	"$program" "$@" >"$work/printed" || return
	printf '%s' "$text" | diff - "$work/printed"
}

# json EXPRESSION ARG...: does it print a document d of which this is true?
json()
{
	expression=$1
	shift
	"$program" --json "$@" >"$work/printed" || return
	python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
c = {one["path"]: one for one in d["containers"]}
print(d)
sys.exit(not eval(sys.argv[2]))
' "$work/printed" "$expression"
}

# refuses STATUS TEXT ARG...: does it end so, with this on standard error and nothing
# on the other?
refuses()
{
	status=$1 text=$2
	shift 2
	"$program" "$@" >"$work/printed" 2>"$work/error" </dev/null
	got=$?
	cat "$work/printed" "$work/error"
	[ "$got" = "$status" ] && [ ! -s "$work/printed" ] && grep -qF -- "$text" "$work/error"
}

expect 'a table of v2' prints "\
CONTAINER  USAGE  LIMIT   PROT   WSET  PSI%  HIGH   MAX   OOM  KILL   H-IN  H-OUT
/              -      -      -      -     -     -     -     -     -      -      -
  shop       32M    64M    16M    31M   1.2     3     4     5     0     17     23
    web      20M    max      0    19M   0.5     3     4     5     0     17     23
    db        8M    max      0     7M  12.3     3     4     5     2     17     23
  batch       4M    max      0     3M   0.0     3     4     5     0     17     23
" --once --root "$work/v2"
expect 'a table of v1, without hand-overs' prints "\
CONTAINER  USAGE  LIMIT   WSET   MAX  KILL
/           100M    max    99M     0     0
  old        50M    64M    49M    41     1
" --once --root "$work/v1"
expect 'a part, by pressure' prints "\
CONTAINER  USAGE  LIMIT   PROT   WSET  PSI%  HIGH   MAX   OOM  KILL   H-IN  H-OUT
/            32M    64M    16M    31M   1.2     3     4     5     0     17     23
  db          8M    max      0     7M  12.3     3     4     5     2     17     23
  web        20M    max      0    19M   0.5     3     4     5     0     17     23
" --once --sort pressure --root "$work/v2/shop"
expect 'the first level, by name' prints "\
CONTAINER  USAGE  LIMIT   PROT   WSET  PSI%  HIGH   MAX   OOM  KILL   H-IN  H-OUT
/              -      -      -      -     -     -     -     -     -      -      -
  batch       4M    max      0     3M   0.0     3     4     5     0     17     23
  shop       32M    64M    16M    31M   1.2     3     4     5     0     17     23
" --once --depth 1 --sort name --root "$work/v2"

expect 'JSON of v2' json 'd["cgroup"] == 2 and c["/shop"] == {
	"path": "/shop", "usage": 33554432, "limit": 67108864, "min": 0, "low": 16777216,
	"working_set": 32505856, "pressure": 1.25,
	"events": {"high": 3, "max": 4, "oom": 5, "oom_kill": 0},
	"handover": {"in": 17, "out": 23},
}' --root "$work/v2"
expect 'JSON: no limit is null, no file no key' \
	json 'c["/batch"]["limit"] is None and c["/"] == {"path": "/", "events": {}}' \
	--root "$work/v2"
expect 'JSON of v1' json 'd["cgroup"] == 1 and c["/old"] == {
	"path": "/old", "usage": 52428800, "limit": 67108864, "working_set": 51380224,
	"events": {"max": 41, "oom_kill": 1},
} and c["/"]["limit"] is None' --root "$work/v1"
expect 'JSON: the order is that of the table' \
	json 'list(c) == ["/", "/batch", "/shop", "/shop/db", "/shop/web"]' \
	--sort events --root "$work/v2"

reads_on() { "$program" --json --root "$work/v2" | head -c 1 | grep -q '{'; }
expect 'a closed pipe is no error' reads_on
says_version() { "$program" --version | grep -qE '^memctl-top [0-9.]+$'; }
expect 'version' says_version
says_help() { "$program" --help | grep -q -- '--interval SECONDS'; }
expect 'help' says_help
expect 'an unknown option' refuses 2 'no such option' --nonsense
expect 'an option without its value' refuses 2 '--root wants a value' --once --root
expect 'a bad interval' refuses 2 '0.1 to 3600' --interval 0
expect 'a bad order' refuses 2 'usage, name, pressure, events' --sort size
expect 'a bad depth' refuses 2 'number of levels' --depth -1
expect 'two ways to print' refuses 2 'either' --once --json
expect 'a directory that is not there' refuses 2 'no directory of a memory cgroup' \
	--once --root "$work/none"
expect 'a directory of another kind' refuses 2 'no directory of a memory cgroup' \
	--once --root "$work/empty"
expect 'no terminal' refuses 2 'no terminal' --root "$work/v2"
# mounted TEXT: as another root directory has it, which has this in /proc/self/mounts.
mounted()
{
	mkdir -p "$work/root/proc/self" "$work/root/some place"
	cp "$program" "$work/root/"
	cp -r "$work/v2/." "$work/root/some place"
	printf '%s\n' "$1" >"$work/root/proc/self/mounts"
	chroot "$work/root" "/${program##*/}" --json >"$work/printed" 2>"$work/error"
	got=$?
	cat "$work/printed" "$work/error"
	return "$got"
}
nothing_mounted()
{
	mounted 'cgroup /some\040place cgroup rw,cpu 0 0'
	[ "$got" = 1 ] && grep 'no cgroup hierarchy' "$work/error"
}
finds_v2()
{
	mounted 'cgroup2 /other cgroup2 rw 0 0
cgroup2 /some\040place cgroup2 rw 0 0' && grep '"root": "/some place"' "$work/printed"
}
# Another root directory is for the super-user, whom the sandbox has.
if [ "$(id -u)" = 0 ]; then
	expect 'nothing is mounted' nothing_mounted
	expect 'the mount with the memory controller' finds_v2
fi

# start ARG...: the screen, in a terminal of 80 by 24. The shell around it says before
# and after how the terminal is set. With unsized=1 it does not know its size.
unsized=
start()
{
	cat >"$work/shell" <<-END
		echo 'a shell'
		${unsized:+stty rows 0 cols 0}
		stty -g >'$work/before'
		sh -c 'echo \$\$ >$work/pid; exec $program $*' 2>'$work/error'
		echo "ended with \$?"
		stty -g >'$work/after'
		sleep 1000
	END
	tmux -f /dev/null new-session -d -x 80 -y 24 "sh '$work/shell'"
}
stop() { tmux kill-server; rm -f "$work/after"; }
screen() { tmux capture-pane -p; }

# wait_for COMMAND...: until it is true, for ten seconds.
wait_for()
{
	for _ in $(seq 100); do
		! "$@" || return 0
		sleep 0.1
	done
	screen
	return 1
}
shows() { screen | grep -qE -- "$1"; }
hides() { ! shows "$1"; }
appears() { wait_for shows "$1"; }
vanishes() { wait_for hides "$1"; }
# press KEY PATTERN: and something appears.
press() { tmux send-keys "$1" && appears "$2"; }
# folded KEY PATTERN: and something vanishes.
folded() { tmux send-keys "$1" && vanishes "$2"; }
# restored STATUS: it has ended so, and the terminal is as it was.
restored()
{
	appears "^ended with $1" && shows '^a shell' && hides CONTAINER &&
		cmp "$work/before" "$work/after"
}

start --root "$work/v2" --interval 0.2
expect 'containers, as a tree' appears '^     web +20M'
expect 'all columns in 80' \
	appears '^ CONTAINER +USAGE LIMIT  PROT  WSET PSI% HIGH  MAX  OOM KILL  H-IN H-OUT$'
expect 'a title' appears 'memctl-top /.* 5 containers, by usage'
expect 'keys below' appears '^ q quit'
v2 batch 5242880 max 0 0.00 0
expect 'a new value' appears '^   batch +5M'
mkdir "$work/v2/bare"
expect 'a container without files' appears '^   bare +- +- '
rmdir "$work/v2/bare"
expect 'a container that goes' vanishes bare
tmux send-keys j
expect 'space folds' folded Space 'web'
expect 'what is folded has a mark' appears '^  \+shop'
expect 'Enter unfolds' press Enter '^     web'
expect 's sorts by name' press s 'by name'
batch_first() { screen | awk '/batch/ { b = NR } /shop/ { s = NR } END { exit !(b && b < s) }'; }
expect 'and so they are' wait_for batch_first
expect 'p pauses' press p 'paused'
v2 batch 6291456 max 0 0.00 0
sleep 0.5
expect 'nothing changes then' hides '^   batch +6M'
expect 'p goes on' press p '^   batch +6M'
tmux resize-window -x 120 -y 40
bottom() { screen | tail -n 1 | grep -q 'q quit'; }
expect 'a larger terminal' wait_for bottom
tmux resize-window -x 40 -y 10
expect 'a smaller one' wait_for bottom
tmux resize-window -x 80 -y 24
appears 'H-OUT$' >/dev/null
tmux send-keys q
expect 'q ends, and restores the terminal' restored 0
stop

start --root "$work/v1"
expect 'the screen of v1' appears '^ CONTAINER +USAGE LIMIT  WSET  MAX KILL$'
expect 'and its containers' appears '^   old +50M +64M +49M +41 +1$'
tmux send-keys C-c
expect 'Ctrl-C ends, too' restored 0
stop

unsized=1
start --root "$work/v1"
expect 'a terminal that does not know its size' appears '^   old +50M +64M +49M +41 +1$'
tmux send-keys q
expect 'and as it was' restored 0
stop
unsized=

start --root "$work/v2" --sort name
appears shop >/dev/null
kill "$(cat "$work/pid")"
expect 'SIGTERM restores the terminal' restored 0
stop

start --root "$work/v2" --sort name
appears shop >/dev/null
kill -9 "$(tmux display -p '#{pid}')"
ended() { [ ! -d "/proc/$(cat "$work/pid")" ]; }
expect 'it ends with its terminal' wait_for ended
rm -f "$work/after"

cp -r "$work/v2" "$work/short"
start --root "$work/short" --interval 0.1
appears shop >/dev/null
rm -rf "$work/short"
expect 'an error restores the terminal' restored 1
expect 'and is said' grep -q 'No such file' "$work/error"
stop

mkdir "$work/many"
echo memory >"$work/many/cgroup.controllers"
# shellcheck disable=SC2046  # numbers
(
	cd "$work/many" || exit
	mkdir $(seq 10000)
	for name in $(seq 10000); do echo "$name" >"$name/memory.current"; done
)
start --root "$work/many"
expect '10,000 containers' appears '10001 containers, by usage'
expect 'the last of them' press End '^   1 +1 '
tmux send-keys q
expect 'and away' restored 0
stop
