#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Those selftests/mm of the kernel tree that charge memory, in a container of cgroup v2
# with two limits so wide that they are never reached: what is charged goes all the way.
#
#	mm.sh [FILTER]
#
# Each command is run as run_vmtests.sh of the tree has it. Of what it prints, lines are
# kept that say how a test ended, after the command and a tab; then 'exit' and its status.

filter=${1:-}
# Seconds that a command may take.
most=120
mount -t cgroup2 none /sys/fs/cgroup
echo '+memory +hugetlb' >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p /sys/fs/cgroup/above
echo '+memory +hugetlb' >/sys/fs/cgroup/above/cgroup.subtree_control
mkdir /sys/fs/cgroup/above/mm
echo 8G >/sys/fs/cgroup/above/memory.max
echo 8G >/sys/fs/cgroup/above/mm/memory.max
mkswap /dev/vdb >/dev/null
swapon /dev/vdb
echo 3 >/proc/sys/kernel/printk
cp /pgrep /bin
cd /bin || exit 1

# Says how a command ended, once it ends well or has been tried often enough: those of KSM
# fail one time in ten on either controller, for what they look at is done by a thread.
run()
{
	case $* in *"$filter"*) ;; *) return ;; esac
	echo "# running $*"
	for _ in 1 2 3 4 5; do
		(
			[ "$where" = root ] || echo 0 >/sys/fs/cgroup/above/mm/cgroup.procs
			timeout -k 5 $most "$@" </dev/null
			echo "exit $?"
		) >/tmp/out 2>&1
		case $(tail -n 1 /tmp/out) in
		# What takes too long does so again.
		'exit 0' | 'exit 4' | 'exit 124' | 'exit 137' | 'exit 143')	break ;;
		esac
		sed 's/^/#   /' /tmp/out | tail -n 20
	done
	# Some end tests with 'ok 1 name', some with '[OK] name' or 'name... OK'. What was
	# measured, and what is an address or a process, varies.
	name=$* awk '
		{ gsub(/\033\[[0-9;]*m/, "") }
		/^# (Totals|Planned)/ { next }
		/^(not )?ok |\[(FAIL|OK|PASS|SKIP)\]|(OK|Fail|Skip|FAIL|SKIP|done)$|^exit / {
			gsub(/0x[0-9a-f]+/, "X")
			sub(/^(not )?ok [0-9]+/, "&:")
			print ENVIRON["name"] "\t" $0
		}
	' /tmp/out
}

where=container
echo 64 >/proc/sys/vm/nr_hugepages
run hugetlb-mmap
run hugetlb-mremap
run hugetlb-madvise
run hugetlb_dio
run hugetlb_fault_after_madv
run hugetlb_madv_vs_map
run uffd-stress hugetlb 32 4
run uffd-stress hugetlb-private 32 4
run cow
echo 0 >/proc/sys/vm/nr_hugepages
run uffd-stress anon 20 4
run uffd-stress shmem 20 4
run uffd-stress shmem-private 20 4
run map_populate
run droppable
run mrelease_test
run mremap_test
run guard-regions
run madv_populate
run process_madv
run merge
run gup_longterm
run pagemap_ioctl
run ksm_tests -M -p 10
run ksm_tests -U
run ksm_tests -Z -p 10 -z 0
run ksm_tests -Z -p 10 -z 1
run ksm_tests -N -m 1
run ksm_tests -N -m 0
run ksm_tests -H -s 20
run ksm_tests -P -s 20
run ksm_functional_tests
run khugepaged
run khugepaged -s 2
run khugepaged all:shmem
run khugepaged -s 4 all:shmem
run khugepaged -c 4 mthp_khugepaged:anon
run khugepaged all:file /mnt
run split_huge_page_test /mnt
run transhuge-stress -d 5
run migration
run mkdirty
run rmap
# These make containers of their own, below the root.
where=root
run ./charge_reserved_hugetlb.sh -cgroup-v2
run ./hugetlb_reparenting_test.sh -cgroup-v2
exit 0
