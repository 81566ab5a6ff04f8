# SPDX-License-Identifier: GPL-2.0
#
# The targets a person types. (The kernel builds mm/memctl/Makefile.)

K ?= memctl
DEBUG ?=

.DEFAULT_GOAL := help
.PHONY: help run test kunit faults stress broken misuse arm64 selftests selftests-mm bpf compare model distro top
.PHONY: bench drift native shell kernel patch series-build lint clean

help:
	@echo 'make run                 build, boot, and watch the demonstration'
	@echo 'make test                build and boot the kernel that checks itself; all tests'
	@echo '                         (K=memcg: on the C controller; FILTER=: some;'
	@echo '                         DEBUG=kasan, DEBUG=kmemleak: on kernels with these)'
	@echo 'make kunit               the KUnit suites alone, on a kernel that is a process: soon'
	@echo '                         done (FILTER=: suites; K=memcg: the examples of rust/kernel/,'
	@echo '                         which hold without memctl)'
	@echo 'make faults              10,000 allocations that fail, 65,000 containers, crowds that wait,'
	@echo '                         read and go, of which make test has a part (K=memcg: ...)'
	@echo 'make stress              a storm of everything at once (MINUTES=20, SEED=a number;'
	@echo '                         K=memcg: ...)'
	@echo 'make broken              kernels with a mistake: do tests find it?'
	@echo 'make misuse              what must not be done: does the compiler refuse it?'
	@echo '                         (FILTER=: some)'
	@echo 'make arm64               the KUnit suites on arm64'
	@echo 'make selftests           the cgroup selftests of the kernel tree (K=memcg: ...)'
	@echo 'make selftests-mm        those of mm that charge, in a container, beside C'
	@echo 'make bpf                 the BPF selftest of the kernel tree that asks the controller, on'
	@echo '                         a kernel with type information (K=memcg: ...)'
	@echo 'make compare             what files answer to whatever is written to them,'
	@echo '                         beside the answers of the C controller (CONFIGS=distro:'
	@echo '                         kernels with that of configs/; CONFIGS=all)'
	@echo 'make model               owner handles, hand-overs, stocks, waiters, rows: models, in all'
	@echo '                         orders of steps (FILTER=: some)'
	@echo 'make distro              Debian 13 with systemd, systemd-oomd, crun and cgroup-tools'
	@echo '                         in the guest, tried (K=memcg: ...; FILTER=: some)'
	@echo 'make bench               what the controllers cost, in instructions: table,'
	@echo '                         JSON and chart in build/bench/ (CHECK=1: is it no worse'
	@echo '                         than Documentation/ shows? WIDE=: children of one'
	@echo '                         parent at most, 0: without; SAVE=1: Documentation/, too)'
	@echo 'make drift               who pays for shared pages as hours go by: pictures, a table'
	@echo '                         (MINUTES=60 of each mix; SAVE=1: Documentation/, too; CHECK=1: is it'
	@echo '                         what Documentation/ shows?)'
	@echo 'make native              what charging costs in native time: kernels that are processes'
	@echo '                         of this machine, in turns'
	@echo 'make top                 memctl-top, a live tree of containers: build/top/memctl-top;'
	@echo '                         in the guest from then on (TEST=1: tries it)'
	@echo 'make shell               a shell in the guest'
	@echo 'make kernel              build only: build/$$K/bzImage, K=memctl|memcg|none'
	@echo '                         (DEBUG=lockdep: with all checks, build/$$K-$$DEBUG/)'
	@echo 'make patch               the whole as one patch and as a series, in build/'
	@echo 'make series-build        does the kernel build after each patch of the series?'
	@echo 'make lint                structure, rustfmt, clippy, checkpatch.pl, docutils, shellcheck'
	@echo 'make clean               remove build/'
	@echo
	@echo 'KERNEL_SRC=   a tree or tarball of Linux 7.3 to use'
	@echo 'MEMCTL_MIRROR=a mirror of Debian for the sandbox, instead of its own'
	@echo 'MEMCTL_CACHE= where the sandbox, the source and ccache are kept'
	@echo '              (default: ~/.cache/memctl)'
	@echo 'SANDBOX=none  use the tools of this machine'
	@echo 'MEMCTL_KVM=0  boot guests without KVM, even where it works'

# What is seen first is built soonest: nothing is read twice to find out whether it
# was compiled for another configuration.
run:
	@CCACHE_DEPEND=1 scripts/kernel $(K) demo
	@scripts/guest --timeout 600 \
		build/$(K)-demo/bzImage demo

test:
	@scripts/test $(K)

kunit:
	@scripts/kunit $(K)

faults:
	@scripts/faults $(K)

broken:
	@scripts/broken

misuse:
	@scripts/misuse

arm64:
	@scripts/arm64

stress:
	@scripts/stress $(K)

selftests:
	@scripts/selftests $(K)

selftests-mm:
	@scripts/selftests mm $(FILTER)

bpf:
	@scripts/bpf $(K)

compare:
	@scripts/compare $(CONFIGS)

model:
	@scripts/model

distro:
	@scripts/distro $(K)

bench:
	@scripts/bench

drift:
	@scripts/drift

native:
	@scripts/native

top:
	@scripts/top $(if $(TEST),--test)

shell:
	@scripts/kernel $(K) $(DEBUG)
	@scripts/guest build/$(K)$(addprefix -,$(DEBUG))/bzImage shell

kernel:
	@scripts/kernel $(K) $(DEBUG)

patch:
	@scripts/series

series-build:
	@scripts/series-build

lint:
	@scripts/sandbox more
	@scripts/lint

clean:
	rm -rf build
