#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What "make install install-lab" puts there is whole: it works from where it is, and uninstall takes all of it away.

load lib/common

into() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$ROOT" O="$QVM_BUILD" DESTDIR="$ROOM" PREFIX=/usr "$@"; }

@test "installed, used and uninstalled" {
	local ROOM=$BATS_TEST_TMPDIR/room
	into install install-lab
	assert_equal "$(ls "$ROOM/usr/bin")" "$(ls "$BIN")"
	assert_equal "$(ls "$ROOM/usr/share/man/man1" | sort)" "$(ls "$BIN" | sed 's/$/.1/' | sort)"
	mv "$ROOM" "$ROOM.moved"
	export PATH=$ROOM.moved/usr/bin:$PATH
	[[ $(type -P qvm-lab) == "$ROOM.moved"/* ]]
	expect 0 'qvm-lab --power null sh -c "qvm-create -l red new && qvm-start new && qvm-ls --raw-data -O name,state new"' \
		$'new|Running\n'
	run qvm-lab --require-bwrap qvm-run -p work hostname </dev/null
	[[ $output == work || $output == *'qubes cannot be real here'* ]]
	mv "$ROOM.moved" "$ROOM"
	into uninstall
	assert_equal "$(find "$ROOM" ! -type d)" ''
}
