# SPDX-License-Identifier: GPL-2.0
#
# The targets a person types. (The kernel builds mm/memctl/Makefile.)

K ?= memctl
DEBUG ?=

.DEFAULT_GOAL := help
.PHONY: help run test stress selftests compare distro bench shell kernel patch lint clean

help:
	@echo 'make run                 build, boot, and watch the demonstration'
	@echo 'make test                build and boot the kernel that checks itself; all tests'
	@echo '                         (K=memcg: on the C controller; FILTER=: some)'
	@echo 'make stress              everything at once, on the kernel that checks itself'
	@echo '                         (MINUTES=20; SEED=: to repeat one; K=memcg: ...)'
	@echo 'make selftests           the cgroup selftests of the kernel tree (K=memcg: ...)'
	@echo 'make compare             what files answer to whatever is written to them,'
	@echo '                         beside the answers of the C controller'
	@echo 'make distro              Debian 13 with systemd, systemd-oomd, crun and cgroup-tools'
	@echo '                         in the guest, tried (K=memcg: ...; FILTER=: some)'
	@echo 'make bench               what the controllers cost, in instructions: table,'
	@echo '                         JSON and chart in build/bench/'
	@echo 'make shell               a shell in the guest'
	@echo 'make kernel              build only: build/$$K/bzImage, K=memctl|memcg|none'
	@echo '                         (DEBUG=lockdep: with all checks, build/$$K-$$DEBUG/)'
	@echo 'make patch               the whole as one patch and as a series, in build/'
	@echo 'make lint                rustfmt, clippy, checkpatch'
	@echo 'make clean               remove build/'
	@echo
	@echo 'KERNEL_SRC=   a tree or tarball of Linux 7.3 to use'
	@echo 'MEMCTL_CACHE= where the sandbox, the source and ccache are kept'
	@echo '              (default: ~/.cache/memctl)'
	@echo 'SANDBOX=none  use the tools of this machine'
	@echo 'MEMCTL_KVM=1  boot guests with KVM'

run:
	@scripts/kernel $(K)
	@scripts/guest --timeout 600 --append cgroup.memory=nokmem,nosocket \
		build/$(K)/bzImage demo

test:
	@scripts/test $(K)

stress:
	@scripts/stress $(K)

selftests:
	@scripts/selftests $(K)

compare:
	@scripts/compare

distro:
	@scripts/distro $(K)

bench:
	@scripts/bench

shell:
	@scripts/kernel $(K) $(DEBUG)
	@scripts/guest build/$(K)$(addprefix -,$(DEBUG))/bzImage shell

kernel:
	@scripts/kernel $(K) $(DEBUG)

patch:
	@scripts/series

lint:
	@scripts/lint

clean:
	rm -rf build
