#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The life of volumes and of a second pool, in a lab: a file system is imported into the private volume of a qube,
# cloned with it, compared, resized, reverted, removed. Each command is printed before its output.
# usage: storage.sh             all in one lab
#        storage.sh --kill      a lab for each step; its daemon is killed with SIGKILL, and the next lab goes on with
#                               what that one has left
# The programs are those on PATH.
set -eu
PATH=$PATH:/usr/sbin:/sbin

step() {
	printf '$ %s\n' "$*"
	"$@"
}

# ---- what volumes hold ----

# The volume private of QUBE shall hold, from now on, what FILE holds.
shall_hold() { # QUBE FILE
	ln -f "$2" "holds/$1"
}

# Looks at the volume as a qube does: one that has a copy of it runs, and its disk is read.
check() { # QUBE
	qvm-volume clone --force "$1:private" reader:private
	qvm-start --quiet reader
	path=$(qubesd-query --fail --empty dom0 admin.vm.volume.Info reader private | sed -n 's/^path=//p')
	cmp "holds/$1" "state/dom0$path"
	qvm-kill reader
}

check_all() {
	for file in holds/*; do
		[ ! -e "$file" ] || check "${file#holds/}"
	done
}

# ---- the steps ----

# A file system with a file in it, and another one.
make_images() {
	mkdir -p files holds
	for i in one two; do
		echo "This is $i." >files/readme
		truncate -s 32MiB "$i"
		mke2fs -q -t ext4 -d files "$i"
	done
	cp --sparse=always one one-64M
	truncate -s 64MiB one-64M
}

create() {
	qvm-create --label gray reader
	step qvm-create --label red alpha
}

import() {
	step qvm-volume import alpha:private one
	shall_hold alpha one
}

clone() {
	step qvm-clone --quiet alpha beta
	shall_hold beta one
}

resize() {
	step qvm-volume resize beta:private 64MiB
	shall_hold beta one-64M
}

change() {
	step qvm-volume import beta:private two
	shall_hold beta two
}

revert() {
	step qvm-volume revert beta:private
	shall_hold beta one-64M
}

add_pool() {
	step qvm-pool add second file-reflink -o dir_path=/srv/second
}

use_pool() {
	step qvm-create --label blue --pool private=second gamma
	step qvm-volume import gamma:private two
	step qvm-clone --quiet -P second alpha delta
	step qvm-volume list --pool second
	shall_hold gamma two
	shall_hold delta one
}

# A pool that is in use stays.
keep_pool() {
	step qvm-pool remove second 2>&1 || echo "exit status $?"
}

remove() {
	step qvm-remove --force gamma delta beta alpha
	rm holds/*
}

remove_pool() {
	step qvm-pool remove second
	step qvm-pool list
	qvm-remove --force reader
}

STEPS='create import clone resize change revert add_pool use_pool keep_pool remove remove_pool'

all() {
	for s in $STEPS; do
		"$s"
		check_all
	done
}

kill_after() { # STEP
	check_all
	"$1"
	kill_daemon
}

# ---- labs ----

# The daemon of the lab that this runs in.
kill_daemon() {
	pkill -KILL -f -- "--socket ${QVM_ENDPOINT#unix:} "
}

lab() { # COMMAND...: of this script, in a lab
	qvm-lab --state state --power null --xenstored none sh "$script" --inside "$@"
}

case ${1-} in
--inside)
	shift
	"$@"
	exit
	;;
'') each= ;;
--kill) each=yes ;;
*)
	sed -n '/^# usage/,/^# The/ s/^# //p' "$0" >&2
	exit 2
	;;
esac
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
make_images
if [ "$each" ]; then
	for s in $STEPS; do
		lab kill_after "$s"
	done
	lab check_all
else
	lab all
fi
# What was removed has left no files. They are deleted while other things happen: the end of a lab waits for that.
find state/dom0 -type f
