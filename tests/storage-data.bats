#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The bytes of volumes: import, clone, clear, what a run of a qube leaves (admin-api 1.9, 2.10, 7.1, 7.4).

load lib/common
load lib/rows
load lib/storage

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	storage_fixture
}

info() { lines "admin.vm.volume.Info+$2" "$1" | grep -e "^$3="; }
export -f info

# stalled QUBE METHOD+VOLUME HEAD: a sender that has sent HEAD and waits. Sets SENDER; its reply goes to ./reply.
stalled() {
	mkfifo fifo
	raw -f fifo "$2" "$1" "$3" >reply 3>&- &
	SENDER=$!
	exec {HOLD}>fifo
	_remember $SENDER
	# it has begun when its volume is busy
	local i
	for ((i = 0; i < 1000; i++)); do
		[[ $(raw admin.vm.volume.Clear+private "$1") != *busy* ]] || return 0
		_tick
	done
	return 1
}

@test "import: the bytes arrive, the old ones are a revision" {
	events_start
	head -c 8388608 /dev/urandom >data
	expect 0 'raw -f data admin.vm.volume.Import+private off' $'0\\0\n'
	cmp data "$(file_of vm-off-private)"
	expect 0 'info off private size; info off private usage' "size=8388608"$'\n'"usage=$((8388608 + 65536))"$'\n'
	rows <<-'END'
		> admin.vm.volume.ImportWithSize+private off 5\nHello
		< 0\0
		> admin.pool.volume.Import+thin dom0 vg/vm-off-private world
		< 0\0
	END
	expect 0 'cat "$(file_of vm-off-private)" "$(file_of vm-off-private 2)"' 'worldHello'
	expect 0 'info off private size' $'size=5\n'
	# the one that made room is gone
	await_files 4
	seen <<-'END'
		off domain-volume-import-begin volume=private size=None
		off domain-volume-import-end volume=private success=True
		off domain-volume-import-begin volume=private size=5
		off domain-volume-import-end volume=private success=True
		off domain-volume-import-begin volume=private size=None
		off domain-volume-import-end volume=private success=True
	END
	# all is there after a power cut
	kill_daemon
	storage_fixture
	expect 0 'cat "$(file_of vm-off-private)"; info off private size' $'worldsize=5\n'
	# sizes of nothing
	rows <<-'END'
		> admin.vm.volume.ImportWithSize+private off 0\n
		< 0\0
		> admin.vm.volume.Import+private off
		< 0\0
		> admin.vm.volume.ImportWithSize+private off 00\n
		< 2\0ProtocolError\0\0Size of new data contains spurious leading zeros\0
	END
}

@test "import: zeros are holes, a payload has no limit" {
	truncate -s 300M data
	printf x | dd of=data bs=1 seek=200000000 conv=notrunc status=none
	before=$(awk '/VmHWM/ { print $2 }' "/proc/$QVMD_PID/status")
	expect 0 'raw -f data admin.vm.volume.ImportWithSize+private off "314572800\n"' $'0\\0\n'
	cmp data "$(file_of vm-off-private)"
	assert_equal "$(stat -c '%s %b' "$(file_of vm-off-private)")" '314572800 8'
	# memory does not grow with the data; the bound is wide, for the sanitizers keep what was freed
	after=$(awk '/VmHWM/ { print $2 }' "/proc/$QVMD_PID/status")
	((after - before < 16384)) || fail "VmHWM grew from $before to $after KiB"
}

@test "import: too little, too much, nothing; the old content stays" {
	events_start
	rows <<-'END'
		> admin.vm.volume.ImportWithSize+private off 5\nHell
		< 2\0QubesException\0\0Data import failed: not enough data (copied 4 bytes, expected 5 bytes)\0
		> admin.vm.volume.ImportWithSize+private off 5\nHello!
		< 2\0QubesException\0\0Data import failed: too much data (expected 5 bytes)\0
		> admin.vm.volume.ImportWithSize+private off 5
		< 2\0QubesException\0\0Data import failed: not enough data (copied 0 bytes, expected 5 bytes)\0
		> admin.vm.volume.Import+private off
		< 2\0QubesException\0\0Data import failed: not enough data (copied 0 bytes, expected 8388608 bytes)\0
		> admin.pool.volume.Import+thin dom0 vg/vm-off-private x
		< 2\0QubesException\0\0Data import failed: not enough data (copied 1 bytes, expected 8388608 bytes)\0
	END
	truncate -s 8388609 data
	expect 0 'raw -f data admin.vm.volume.Import+private off' \
		$'2\\0QubesException\\0\\0Data import failed: too much data (expected 8388608 bytes)\\0\n'
	# a sender that goes away
	truncate -s 8388607 data
	raw -c -f data admin.vm.volume.Import+private off
	expect 0 'head -n 1 "$(file_of vm-off-private)"; info off private size' $'off:private\nsize=8388608\n'
	_await_event 'off domain-volume-import-end volume=private success=False'
	expect 0 'lines admin.vm.volume.ListSnapshots+private off | wc -l' $'2\n'
	await_files 2
	assert_equal "$(grep -c 'import-end volume=private success=False' "$EVENTS_LOG")" 7
}

@test "import: refusals" {
	head -c 3000000 /dev/urandom >data
	rows <<-'END'
		> admin.vm.volume.Import+nix off x
		< 2\0PermissionDenied\0\0Argument not in 'off volumes'\0
		> admin.vm.volume.Import+private on x
		< 2\0QubesVMNotHaltedError\0\0Domain is not powered off: 'on'\0
		> admin.vm.volume.ImportWithSize+private on 1\nx
		< 2\0QubesVMNotHaltedError\0\0Domain is not powered off: 'on'\0
		> admin.vm.volume.Import+root off x
		< 2\0StoragePoolException\0\0Can not import into save_on_stop=False volume appvms/off/root\0
		> admin.vm.volume.Import+volatile off x
		< 2\0StoragePoolException\0\0Can not import into save_on_stop=False volume appvms/off/volatile\0
		> admin.vm.volume.Import+kernel off x
		< 2\0StoragePoolException\0\0Can not import into save_on_stop=False volume 6.6\0
		> admin.pool.volume.Import+linux-kernel dom0 6.1 x
		< 2\0StoragePoolException\0\0Can not import into save_on_stop=False volume 6.1\0
		> admin.pool.volume.Import+thin dom0 nix x
		< 2\0QubesVolumeNotFoundError\0\0No such volume: 'nix'\0
		> admin.pool.volume.Import+nix dom0 x x
		< 2\0PermissionDenied\0\0Argument not in 'pools'\0
		> admin.vm.volume.ImportWithSize+private off x\n
		< 2\0ProtocolError\0\0Size of new data contains non ASCII digits\0
		> admin.vm.volume.ImportWithSize+private off \n
		< 2\0ProtocolError\0\0Size of new data contains non ASCII digits\0
		> admin.vm.volume.ImportWithSize+private off 12345678901234567890\nx
		< 2\0ProtocolError\0\0Size of new data is bigger than 19 decimal digits\0
		> admin.vm.volume.ImportWithSize+private off 1234567890123456789012345678901234567890
		< 2\0ProtocolError\0\0Size of new data is bigger than 19 decimal digits\0
		> admin.vm.volume.ImportWithSize+private off 9999999999999999999\nx
		< 2\0ProtocolError\0\0Size of new data is too big\0
		> admin.vm.volume.Import off x
		< 2\0ProtocolError\0\0expected an argument\0
		> admin.vm.volume.Import+private nix x
		< 2\0QubesVMNotFoundError\0\0No such domain: 'nix'\0
	END
	# the reply comes through although most of the payload was never read
	while IFS='|' read -r call dest head want; do
		expect 0 "raw -f data '$call' '$dest' '$head'" "$want"$'\n'
	done <<-'END'
		admin.vm.volume.Import+nix|off||2\0PermissionDenied\0\0Argument not in 'off volumes'\0
		admin.vm.volume.Import+private|nix||2\0QubesVMNotFoundError\0\0No such domain: 'nix'\0
		admin.vm.volume.ImportWithSize+private|off|5\n|2\0QubesException\0\0Data import failed: too much data (expected 5 bytes)\0
		admin.vm.volume.ImportWithSize+private|off||2\0ProtocolError\0\0Size of new data contains non ASCII digits\0
		admin.pool.volume.Import+thin|dom0|nix |2\0QubesVolumeNotFoundError\0\0No such volume: 'nix'\0
		admin.pool.volume.Import+thin|work|nix |2\0QubesVMNotFoundError\0\0No such domain: 'work'\0
	END
	# other calls keep their limit
	expect 0 'raw -f data admin.vm.notes.Set off' $'\n'
	expect 0 'raw -f data admin.vm.volume.Resize+private off 1' $'\n'
}

@test "while an import is under way its volume is busy, and nothing else waits" {
	stalled off admin.vm.volume.ImportWithSize+private '6\nabc'
	t=$(token dvm private)
	rows <<-END
		> admin.vm.volume.Clear+private off
		< 2\\0StoragePoolException\\0\\0Volume vg/vm-off-private is busy with an import\\0
		> admin.vm.volume.Import+private off x
		< 2\\0StoragePoolException\\0\\0Volume vg/vm-off-private is busy with an import\\0
		> admin.vm.volume.CloneTo+private off $t
		< 2\\0StoragePoolException\\0\\0Volume vg/vm-off-private is busy with an import\\0
		> admin.vm.volume.Resize+private off 1
		< 2\\0StoragePoolException\\0\\0Volume vg/vm-off-private is busy with an import\\0
		> admin.vm.volume.Revert+private off 1
		< 2\\0StoragePoolException\\0\\0Volume vg/vm-off-private is busy with an import\\0
		> admin.vm.volume.Snapshot+private off
		< 2\\0StoragePoolException\\0\\0Volume vg/vm-off-private is busy with an import\\0
		> admin.vm.volume.Set.revisions_to_keep+private off 1
		< 2\\0StoragePoolException\\0\\0Volume vg/vm-off-private is busy with an import\\0
		> admin.vm.Start off
		< 2\\0StoragePoolException\\0\\0Volume vg/vm-off-private is busy with an import\\0
		> admin.vm.Remove off
		< 2\\0StoragePoolException\\0\\0Volume vg/vm-off-private is busy with an import\\0
		> admin.vm.volume.Clear+private dvm
		< 0\\0
		> admin.vm.volume.CloneFrom+nix off
		< 2\\0PermissionDenied\\0\\0Argument not in 'off volumes'\\0
	END
	# what it holds is still the old
	expect 0 'clone off:private dvm:private; head -n 1 "$(file_of appvms/dvm/private)"' $'0\\0\noff:private\n'
	printf def >&$HOLD
	exec {HOLD}>&-
	wait $SENDER
	assert_equal "$(<reply)" '0\0'
	expect 0 'cat "$(file_of vm-off-private)"; raw admin.vm.Start off' $'abcdef0\\0\n'
}

@test "an import that the daemon does not live to see is as if it had never been" {
	stalled off admin.vm.volume.ImportWithSize+private '6\nabc'
	await_files 3
	stop_daemon
	exec {HOLD}>&-
	wait $SENDER
	assert_equal "$(<reply)" ''
	storage_fixture
	expect 0 'files | wc -l; head -n 1 "$(file_of vm-off-private)"; info off private size' \
		$'2\noff:private\nsize=8388608\n'
}

# What the script of dom0 does (admin-api 1.9).
script_begin() { # QUBE [SIZE]: sets SIZE and FILE
	local reply
	reply=$(raw internal.vm.volume.ImportBegin+private "$@")
	[[ $reply == '0\0'* ]] || fail "$reply"
	read -r SIZE FILE <<<"${reply#0\\0}"
}

@test "an import in two steps, whose bytes somebody else writes" {
	events_start
	head -c 3000000 /dev/urandom >data
	truncate -s 8388608 data
	script_begin off
	assert_equal "$SIZE $(stat -c %s "$FILE")" '8388608 8388608'
	[[ $FILE == "$QVMD_STATE"/dom0/dev/vg/vm-off-private.*.img ]]
	dd if=data of="$FILE" bs=128k conv=sparse,notrunc,fdatasync status=none
	# until its end nothing has changed, and nothing else goes on
	rows <<-'END'
		> internal.vm.volume.ImportBegin+private off
		< 2\0StoragePoolException\0\0Volume vg/vm-off-private is busy with an import\0
		> admin.vm.volume.ImportWithSize+private off 1\nx
		< 2\0StoragePoolException\0\0Volume vg/vm-off-private is busy with an import\0
	END
	expect 0 'clone off:private dvm:private; head -n 1 "$(file_of appvms/dvm/private)"' $'0\\0\noff:private\n'
	expect 0 'raw internal.vm.volume.ImportEnd+private off ok' $'0\\0\n'
	cmp data "$(file_of vm-off-private)"
	assert_equal "$(file_of vm-off-private)" "$FILE"
	# of another size, with too much in the file
	script_begin off 5
	printf Hello, >"$FILE"
	expect 0 'raw internal.vm.volume.ImportEnd+private off ok; cat "$(file_of vm-off-private)"; info off private size' \
		$'0\\0\nHellosize=5\n'
	# failed: the old stays
	script_begin off 7
	printf fail >"$FILE"
	rows <<-'END'
		> internal.vm.volume.ImportEnd+private off fail\nerror copying data
		< 2\0QubesException\0\0Data import failed: error copying data\0
		> internal.vm.volume.ImportEnd+private off ok
		< 2\0StoragePoolException\0\0Nothing is imported into volume vg/vm-off-private\0
	END
	script_begin off 7
	rm "$FILE"
	run raw internal.vm.volume.ImportEnd+private off ok
	assert_output --regexp "^2.0QubesException.0.0Data import failed: cannot open '/dev/vg/vm-off-private\.[0-9]+\.img': No such file or directory.0$"
	expect 0 'cat "$(file_of vm-off-private)"' 'Hello'
	seen <<-'END'
		off domain-volume-import-begin volume=private size=None
		dvm domain-import-volume name=private source=vg/vm-off-private
		off domain-volume-import-end volume=private success=True
		off domain-volume-import-begin volume=private size=5
		off domain-volume-import-end volume=private success=True
		off domain-volume-import-begin volume=private size=7
		off domain-volume-import-end volume=private success=False
		off domain-volume-import-begin volume=private size=7
		off domain-volume-import-end volume=private success=False
	END
	rows <<-'END'
		> internal.vm.volume.ImportBegin+nix off
		< 2\0PermissionDenied\0\0Argument not in 'off volumes'\0
		> internal.vm.volume.ImportEnd+nix off ok
		< 2\0PermissionDenied\0\0Argument not in 'off volumes'\0
		> internal.vm.volume.ImportBegin+private on
		< 2\0QubesVMNotHaltedError\0\0Domain is not powered off: 'on'\0
		> internal.vm.volume.ImportBegin+root off
		< 2\0StoragePoolException\0\0Can not import into save_on_stop=False volume appvms/off/root\0
		> internal.vm.volume.ImportBegin+private off 5x
		< 2\0ProtocolError\0\0Size of new data contains non ASCII digits\0
		> internal.vm.volume.ImportEnd+private off
		< 2\0ProtocolError\0\0expected payload\0
	END
	run raw internal.vm.volume.ImportBegin+private off 9223372036854775807
	assert_output --regexp "^2.0StoragePoolException.0.0cannot make '/dev/vg/vm-off-private\.[0-9]+\.img': (File too large|Invalid argument).0$"
	# one that nobody ended is gone with the daemon
	script_begin off 9
	before=$(files | wc -l)
	kill_daemon
	storage_fixture
	assert_equal "$(files | wc -l)" $((before - 1))
	expect 0 'clone off:private dvm:private; cat "$(file_of appvms/dvm/private)"' $'0\\0\nHello'
}

@test "clone: bytes, size, events, tokens" {
	events_start
	expect 0 'clone off:private on:private' $'0\\0\n'
	cmp "$(file_of vm-off-private)" "$(file_of appvms/on/private)"
	assert_equal "$(stat -c '%s %b' "$(file_of appvms/on/private)")" '8388608 128'
	expect 0 'info on private size; lines admin.vm.volume.ListSnapshots+private on' $'size=8388608\n1\n'
	# volumes of other names, and a copy stands for what it is a copy of
	expect 0 'clone off:root alone:private; clone tpl:root alone:root' $'0\\0\n0\\0\n'
	cmp "$(file_of appvms/alone/private)" "$(file_of vm-templates/tpl/root)"
	cmp "$(file_of appvms/alone/root)" "$(file_of vm-templates/tpl/root)"
	expect 0 'info alone private size' $'size=10737418240\n'
	# onto itself
	expect 0 'clone off:private off:private; head -n 1 "$(file_of vm-off-private)"' $'0\\0\noff:private\n'
	seen <<-'END'
		on domain-import-volume name=private source=vg/vm-off-private
		alone domain-import-volume name=private source=appvms/off/root
		alone domain-import-volume name=root source=vm-templates/tpl/root
		off domain-import-volume name=private source=vg/vm-off-private
	END
	t=$(token off private)
	assert [ "${#t}" = 32 ]
	expect 0 "raw admin.pool.volume.CloneTo+links dom0 'appvms/dvm/private $t'" $'0\\0\n'
	run raw admin.pool.volume.CloneFrom+thin dom0 vg/vm-off-private
	assert_output --regexp '^0\\0[A-Za-z0-9]{32}$'
	again='2\0QubesVolumeCopyTokenNotFoundError\0\0'"'Token to clone volume of qube was not found'"'\0'
	t2=$(token off private) t3=$(token on private) t4=$(token dvm private)
	raw admin.vm.Remove dvm >/dev/null
	raw admin.vm.Remove disp >/dev/null
	raw admin.property.Set+default_dispvm dom0 '' >/dev/null
	raw admin.vm.Remove dvm >/dev/null
	rows <<-END
		> admin.vm.volume.CloneTo+private off $t
		< $again
		> admin.vm.volume.CloneTo+private off nix
		< $again
		> admin.vm.volume.CloneTo+private off $t4
		< $again
		> admin.vm.volume.CloneTo+private off
		< 2\\0ProtocolError\\0\\0expected payload\\0
		> admin.pool.volume.CloneTo+thin dom0 vg/vm-off-private
		< $again
		> admin.pool.volume.CloneTo+thin dom0 nix $t2
		< 2\\0QubesVolumeNotFoundError\\0\\0No such volume: 'nix'\\0
		> admin.vm.volume.CloneTo+nix off $t2
		< 2\\0PermissionDenied\\0\\0Argument not in 'off volumes'\\0
		> admin.vm.volume.CloneTo+root off $t2
		< 2\\0StoragePoolException\\0\\0Can not import into save_on_stop=False volume appvms/off/root\\0
		> admin.vm.volume.CloneTo+private off $t2
		< $again
		> admin.vm.volume.CloneTo+kernel off $t3
		< 2\\0StoragePoolException\\0\\0Can not import into save_on_stop=False volume 6.6\\0
		> admin.vm.volume.CloneFrom+nix off
		< 2\\0PermissionDenied\\0\\0Argument not in 'off volumes'\\0
		> admin.pool.volume.CloneFrom+linux-kernel dom0 6.1
		< 2\\0StoragePoolException\\0\\0Cannot clone: 6.1 is a kernel\\0
		> admin.vm.volume.Set.revisions_to_keep+private off -1
		> admin.vm.Start off
	END
	t=$(token off private)
	rows <<-END
		> admin.vm.volume.CloneTo+private on $t
		< 2\\0StoragePoolException\\0\\0Volume vg/vm-off-private must be stopped before importing its data\\0
	END
}

@test "a volume that nobody wrote to needs no file, and is a file system when one is made" {
	# private to private: nothing to copy
	expect 0 'clone dvm:private on:private; files | wc -l' $'0\\0\n2\n'
	raw admin.vm.volume.Resize+private dvm 67108864 >/dev/null
	expect 0 'clone dvm:private alone:root; clone dvm:private alone:root' $'0\\0\n0\\0\n'
	PATH=$PATH:/usr/sbin:/sbin e2fsck -fn "$(file_of appvms/alone/root)"
	# it is always the same one
	cmp "$(file_of appvms/alone/root)" "$(file_of appvms/alone/root 2)"
	assert [ "$(stat -c %s "$(file_of appvms/alone/root)")" = 67108864 ]
	assert [ "$(stat -c %b "$(file_of appvms/alone/root)")" -lt 8192 ]
	# of a size that holds no file system there are zeros
	raw admin.vm.volume.Resize+private dvm 4097 >/dev/null
	expect 0 'clone dvm:private alone:root' $'0\\0\n'
	cmp <(head -c 4097 /dev/zero) "$(file_of appvms/alone/root)"
}

@test "clear" {
	events_start
	expect 0 'raw admin.vm.volume.Clear+private off; raw admin.vm.volume.Clear+root tpl; raw admin.vm.volume.Clear+private on' \
		$'0\\0\n0\\0\n0\\0\n'
	cmp <(head -c 8388608 /dev/zero) "$(file_of vm-off-private)"
	expect 0 'info off private size; info tpl root size; lines admin.vm.volume.ListSnapshots+root tpl' \
		$'size=8388608\nsize=10737418240\n1\n'
	seen <<-'END'
		off domain-volume-import-begin volume=private size=None
		off domain-volume-import-end volume=private success=True
		tpl domain-volume-import-begin volume=root size=None
		tpl domain-volume-import-end volume=root success=True
		on domain-volume-import-begin volume=private size=None
		on domain-volume-import-end volume=private success=True
	END
	rows <<-'END'
		> admin.vm.volume.Clear+root off
		< 2\0StoragePoolException\0\0Can not import into save_on_stop=False volume appvms/off/root\0
		> admin.vm.volume.Clear+volatile off
		< 2\0StoragePoolException\0\0Can not import into save_on_stop=False volume appvms/off/volatile\0
		> admin.vm.volume.Clear+kernel off
		< 2\0StoragePoolException\0\0Can not import into save_on_stop=False volume 6.6\0
		> admin.vm.volume.Clear+nix off
		< 2\0PermissionDenied\0\0Argument not in 'off volumes'\0
		> admin.vm.volume.Clear+private off x
		< 2\0ProtocolError\0\0unexpected payload\0
	END
}

@test "resize and revert move no bytes, and lose none" {
	raw admin.vm.volume.ImportWithSize+private alone '10\n0123456789' >/dev/null
	raw admin.vm.volume.Resize+private alone 4 >/dev/null
	raw admin.vm.volume.Resize+private alone 8 >/dev/null
	expect 0 'clone alone:private dvm:private; tr "\0" . <"$(file_of appvms/dvm/private)"' $'0\\0\n0123....'
	raw admin.vm.volume.ImportWithSize+private dvm '3\nnew' >/dev/null
	expect 0 'lines admin.vm.volume.ListSnapshots+private dvm; raw admin.vm.volume.Revert+private dvm 2; info dvm private size' \
		$'1\n2\n0\\0\nsize=8\n'
	expect 0 'clone dvm:private alone:private; tr "\0" . <"$(file_of appvms/alone/private)"' $'0\\0\n0123....'
	# back to what was there before anything was written
	expect 0 'raw admin.vm.volume.Revert+private dvm 1; info dvm private size' $'0\\0\nsize=2147483648\n'
}

@test "a run of a qube: it works on a copy, which becomes the content when it ends" {
	work=$QVMD_STATE/dom0/dev/vg/vm-off-private-snap
	expect 0 'raw admin.vm.Start off; info off private path' $'0\\0\npath=/dev/vg/vm-off-private-snap\n'
	cmp "$work" "$(file_of vm-off-private)"
	printf written | dd of="$work" conv=notrunc status=none
	# the copy grows at once; the clone of a running qube is what it was started from
	expect 0 'raw admin.vm.volume.Resize+private off 9000000; clone off:private dvm:private' $'0\\0\n0\\0\n'
	assert_equal "$(stat -c %s "$work")" 9000000
	expect 0 'head -c 7 "$(file_of appvms/dvm/private)"; head -c 7 "$(file_of vm-off-private)"' 'off:prioff:pri'
	expect 0 'raw admin.vm.Shutdown+wait off; lines admin.vm.volume.ListSnapshots+private off | wc -l' $'0\\0\n2\n'
	assert [ ! -e "$work" ]
	expect 0 'head -c 7 "$(file_of vm-off-private)"; stat -c %s "$(file_of vm-off-private)"' $'written9000000\n'
	rev=$(lines admin.vm.volume.ListSnapshots+private off | tail -n 1)
	expect 0 "raw admin.vm.volume.Revert+private off $rev" $'0\\0\n'
	# a kill saves too
	raw admin.vm.Start off >/dev/null
	expect 0 "head -c 7 $work; raw admin.vm.Kill off; head -c 7 \"\$(file_of vm-off-private)\"" $'off:pri0\\0\noff:pri'
	# what a killed daemon leaves is the content from before
	raw admin.vm.Start off >/dev/null
	printf lost | dd of="$work" conv=notrunc status=none
	kill_daemon
	storage_fixture
	assert [ ! -e "$work" ]
	expect 0 'head -c 7 "$(file_of vm-off-private)"; raw admin.vm.Start off' $'off:pri0\\0\n'
}

@test "a run of a qube makes a revision of what it was, written to or not" {
	rows <<-'END'
		> admin.vm.Shutdown+wait on
		> admin.vm.volume.ListSnapshots+private on
		< 0\01\n
		> admin.vm.Start on
		> admin.vm.Kill on
		> admin.vm.volume.ListSnapshots+private on
		< 0\01\n2\n
		> admin.vm.volume.ListSnapshots+root on
		< 0\0
		> admin.vm.Start alone
		> admin.vm.Shutdown+wait alone
		> admin.vm.volume.ListSnapshots+root alone
		< 0\0old\n
		> admin.vm.volume.Set.revisions_to_keep+private on 0
		> admin.vm.Start on
		> admin.vm.Kill on
		> admin.vm.volume.ListSnapshots+private on
		< 0\01\n2\n
	END
}

@test "is_outdated: the source is not what the qube was started from" {
	check='for v in on:root on:private off:root disp:root disp:private; do info ${v%:*} ${v#*:} is_outdated; done | tr -d "\n"'
	no=is_outdated=False yes=is_outdated=True
	expect 0 "$check" $no$no$no$no$no
	raw admin.vm.Start disp >/dev/null
	raw admin.vm.volume.ImportWithSize+root tpl '1\nx' >/dev/null
	expect 0 "$check" $yes$no$no$yes$no
	raw admin.vm.volume.ImportWithSize+private dvm '1\nx' >/dev/null
	expect 0 "$check" $yes$no$no$yes$yes
	raw admin.vm.Kill on >/dev/null
	raw admin.vm.Start on >/dev/null
	expect 0 "$check" $no$no$no$yes$yes
}

@test "files go with their qube, and empty directories with them" {
	raw admin.vm.volume.ImportWithSize+private alone '1\nx' >/dev/null
	raw admin.vm.volume.ImportWithSize+private alone '1\ny' >/dev/null
	await_files 4
	raw admin.vm.Remove alone >/dev/null
	await_files 2
	for ((i = 0; i < 1000; i++)); do
		[ -e "$QVMD_STATE/dom0/mnt/plain" ] || break
		_tick
	done
	assert [ ! -e "$QVMD_STATE/dom0/mnt/plain" ]
}

@test "at its start the daemon removes what it does not know, and only what looks like its own" {
	stop_daemon
	dir=$QVMD_STATE/dom0/mnt/links/appvms
	mkdir -p "$dir/gone" "$dir/on" "$QVMD_STATE/dom0/dev/vg" "$QVMD_STATE/dom0/empty/er"
	touch "$dir/gone/private.77.img" "$dir/on/private-dirty.img" "$dir/on/root-cow.img" "$dir/on/volatile.img" \
		"$QVMD_STATE/dom0/dev/vg/vm-off-private-snap" "$QVMD_STATE/dom0/dev/vg/vm-off-private.9.img"
	touch "$dir/on/private.img.bak" "$dir/notes.txt" "$dir/my.77.img" "$QVMD_STATE/dom0/modules.img"
	ln -s /etc/passwd "$dir/on/private.5.img"
	before=$(files | wc -l)
	storage_fixture
	assert_equal "$(files | wc -l)" $((before - 6))
	assert [ ! -e "$dir/gone" ] && assert [ ! -e "$QVMD_STATE/dom0/empty" ]
	assert [ -e "$dir/notes.txt" ] && assert [ -e "$dir/my.77.img" ] && assert [ -L "$dir/on/private.5.img" ]
	expect 0 'head -n 1 "$(file_of vm-off-private)"' $'off:private\n'
}
