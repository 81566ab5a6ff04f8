#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
#
# What the controller's files answer, then what the kernel has to say about it.
#
#	compare.sh VERSION

memctl-guest answers "$1" 2>&1
status=$?
dmesg
exit $status
