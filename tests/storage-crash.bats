#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What is left of storage when things go wrong: power cuts in the middle of changes, full disks, hostile paths.
# QVM_CRASH_ROUNDS=N: so many power cuts instead of 20.

load lib/common
load lib/rows
load lib/storage

setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
	stop_all
	[[ ! -e $BATS_TEST_TMPDIR/mounted ]] || umount "$(<"$BATS_TEST_TMPDIR/mounted")"
}

# A file system of its own below dom0, when this user may mount one.
mount_at() {
	mkdir -p "$1"
	mount "${@:2}" "$1" 2>/dev/null || return
	echo "$1" >"$BATS_TEST_TMPDIR/mounted"
}

# ---- power cuts ----

# Finds out what the volume holds, by way of the API alone: a file with the same bytes.
content() {
	[[ $(clone off:private alone:root) == '0\0' ]] || return
	file_of appvms/alone/root
}

# What the volumes say that they take, and what all files take.
no_strays() {
	local said is
	said=$(qvm-volume list --jsonl | grep -o '"usage":[0-9]*' | cut -d: -f2 | paste -sd+)
	is=$(find "$QVMD_STATE/dom0" -type f -printf '%b*512+')0
	((said == is)) || fail "the volumes take $((said)) bytes, the files $((is)): $(files)"
}

# Each makes ./new, what the volume holds when the change succeeds, and CHANGE, the call that is cut off.
prepare_import() {
	head -c $((RANDOM * 100 + 1)) /dev/urandom >new
	CHANGE="raw -f new admin.vm.volume.ImportWithSize+private off $(stat -c %s new)\\\\n"
}
prepare_clone() {
	head -c $((RANDOM * 100 + 1)) /dev/urandom >new
	raw -f new admin.vm.volume.ImportWithSize+private dvm "$(stat -c %s new)\\n" >/dev/null
	CHANGE="raw admin.vm.volume.CloneTo+private off $(token dvm private)"
}
prepare_clear() {
	head -c "$(stat -c %s old)" /dev/zero >new
	CHANGE="raw admin.vm.volume.Clear+private off"
}
prepare_resize() {
	cp old new
	truncate -s $((RANDOM * 100)) new
	CHANGE="raw admin.vm.volume.Resize+private off $(stat -c %s new)"
}
prepare_revert() {
	mv old new
	head -c $((RANDOM * 100 + 1)) /dev/urandom >old
	raw -f old admin.vm.volume.ImportWithSize+private off "$(stat -c %s old)\\n" >/dev/null
	CHANGE="raw admin.vm.volume.Revert+private off $(lines admin.vm.volume.ListSnapshots+private off | tail -n 1)"
}
prepare_run() {
	raw admin.vm.Start off >/dev/null
	head -c "$(stat -c %s old)" /dev/urandom >new
	cat new >"$QVMD_STATE/dom0/dev/vg/vm-off-private-snap"
	CHANGE="raw admin.vm.Kill off"
}

@test "power cuts: a volume holds the old or the new, and nothing is left over" {
	storage_fixture
	head -c 100000 /dev/urandom >old
	raw -f old admin.vm.volume.ImportWithSize+private off '100000\n' >/dev/null
	changes=(import clone clear resize revert run)
	news=0
	for ((round = 0; round < ${QVM_CRASH_ROUNDS:-20}; round++)); do
		change=${changes[round % ${#changes[@]}]}
		"prepare_$change"
		bash -c "exec 3>&-; $CHANGE" >reply 2>/dev/null &
		read -rt "$(printf '0.%03d' $((RANDOM % 60)))" -u "$_TICK" || :
		kill_daemon
		wait $! || :
		storage_fixture
		no_strays
		file=$(content)
		if cmp -s new "$file"; then
			mv new old
			((news += 1))
		elif [[ $(<reply) == '0\0'* ]]; then
			fail "round $round: $change was acknowledged, and is lost"
		else
			cmp old "$file" || fail "round $round: $change left neither the old nor the new"
		fi
		rm -f new
	done
	echo "# $news of $round changes came through" >&3
}

# ---- full disks ----

@test "a full disk: the error says so, and nothing is lost" {
	cat >small.yaml <<-'END'
		pools: [{name: thin, driver: lvm_thin, config: {volume_group: vg, thin_pool: tp}}]
		globals: {default_pool: thin}
		qubes:
		  - {name: tpl, class: TemplateVM}
		  - {name: off, template: tpl, volumes: {private: {size: 2097152, data: 65536}}}
		  - {name: dvm, template: tpl}
		  - {name: on, template: tpl}
	END
	head -c 8388608 /dev/urandom >data
	mkdir -p state/dom0
	why='No space left on device'
	if ! mount_at "$PWD/state/dom0" -t tmpfs -o size=4m tmpfs; then
		ulimit -f 4096 # whose blocks have 1024 bytes
		why='File too large'
	fi
	start_daemon "$PWD/small.yaml"
	expect 0 'clone off:private dvm:private' $'0\\0\n'
	before=$(files)
	events_start
	expect 0 'raw -f data admin.vm.volume.ImportWithSize+private off "8388608\n"' \
		"2\\0QubesException\\0\\0Data import failed: error copying data: $why\\0"$'\n'
	expect 0 'raw -f data admin.vm.volume.ImportWithSize+private dvm "8388608\n"' \
		"2\\0QubesException\\0\\0Data import failed: error copying data: $why\\0"$'\n'
	seen <<-'END'
		off domain-volume-import-begin volume=private size=8388608
		off domain-volume-import-end volume=private success=False
		dvm domain-volume-import-begin volume=private size=8388608
		dvm domain-volume-import-end volume=private success=False
	END
	assert_equal "$(files)" "$before"
	expect 0 'head -n 1 "$(file_of vm-off-private)"; lines admin.vm.volume.Info+private off | sed -n 3p' \
		$'off:private\nsize=2097152\n'
	# almost full: there is no room for copies
	[[ $why == File* ]] && return
	head -c 2500000 data >part
	raw -f part admin.vm.volume.ImportWithSize+private dvm '2500000\n' >/dev/null
	expect 0 'clone dvm:private on:private; raw admin.vm.Start dvm; raw admin.vm.CurrentState dvm' \
		"2\\0StoragePoolException\\0\\0cannot copy: $why\\0
2\\0StoragePoolException\\0\\0cannot copy: $why\\0
0\\0mem=0 mem_static_max=0 cputime=0 power_state=Halted
"
	cmp part "$(file_of vm-dvm-private)"
	await_files 3
	expect 0 'raw admin.vm.Start off; raw admin.vm.Kill off' $'0\\0\n0\\0\n'
}

@test "a switch that cannot be saved is unmade, and the new file goes" {
	cat >small.yaml <<-'END'
		pools: [{name: thin, driver: lvm_thin, config: {volume_group: vg, thin_pool: tp}}]
		globals: {default_pool: thin}
		qubes: [{name: off, class: StandaloneVM, volumes: {private: {size: 5}}}]
	END
	ulimit -S -f 250
	start_daemon "$PWD/small.yaml"
	ulimit -S -f unlimited
	for ((n = 10000; n < 10200; n++)); do
		run raw admin.vm.volume.Import+private off "$n"
		[[ $output == '0\0' ]] || break
	done
	assert_output --regexp '^2\\0QubesException\\0\\0cannot save the change: .+\\0$'
	# the last one that was acknowledged, and its revision
	await_files 2
	expect 0 'cat "$(file_of vm-off-private)" "$(file_of vm-off-private 2)"' "$((n - 1))$((n - 2))"
	# the same for what a run of the qube has written; off it is nevertheless
	expect 0 'raw admin.vm.Start off' $'0\\0\n'
	printf lost! >"$QVMD_STATE/dom0/dev/vg/vm-off-private-snap"
	run raw admin.vm.Kill off
	assert_output --regexp '^2\\0QubesException\\0\\0cannot save the change: .+\\0$'
	run raw admin.vm.CurrentState off
	assert_output --partial 'power_state=Halted'
	await_files 2
	expect 0 'cat "$(file_of vm-off-private)"' "$((n - 1))"
	# and so it is after a restart, with room to spare
	kill_daemon
	start_daemon "$PWD/small.yaml"
	await_files 2
	rows <<-'END'
		> admin.vm.volume.Import+private off again
		< 0\0
	END
	expect 0 'cat "$(file_of vm-off-private)" "$(file_of vm-off-private 2)"' "again$((n - 1))"
}

# ---- the same blocks ----

@test "copies: bytes and holes, and the same blocks where the file system can" {
	truncate -s 320M disk
	PATH=$PATH:/usr/sbin:/sbin mkfs.xfs -q -m reflink=1 disk
	used() { stat -f -c '%b %f %S' "$QVMD_STATE/dom0/mnt" | awk '{ print int(($1 - $2) * $3 / 1048576) }'; }
	xfs=
	QVMD_STATE=$PWD/state
	if mount_at "$PWD/state/dom0/mnt" -o loop disk; then
		xfs=yes
	fi
	storage_fixture
	truncate -s 200M data
	head -c 30000000 /dev/urandom | dd of=data bs=1M seek=100 conv=notrunc status=none
	expect 0 'raw -f data admin.vm.volume.ImportWithSize+private dvm "209715200\n"' $'0\\0\n'
	before=$(used)
	expect 0 'clone dvm:private on:private; clone dvm:private alone:root; raw admin.vm.Start dvm' $'0\\0\n0\\0\n0\\0\n'
	for copy in "$(file_of appvms/on/private)" "$(file_of appvms/alone/root)" \
		"$QVMD_STATE/dom0/mnt/links/appvms/dvm/private-dirty.img"; do
		cmp data "$copy"
		assert_equal "$(stat -c %s "$copy")" 209715200
		assert [ "$(stat -c %b "$copy")" -lt 60000 ]
	done
	[[ ! $xfs ]] || assert [ $(($(used) - before)) -lt 8 ]
	# what is cut off by Resize is not in a copy, however it is made
	expect 0 'raw admin.vm.Kill dvm; raw admin.vm.volume.Resize+private dvm 110000001
		raw admin.vm.volume.Resize+private dvm 120000000; clone dvm:private on:private' $'0\\0\n0\\0\n0\\0\n0\\0\n'
	truncate -s 110000001 data
	truncate -s 120000000 data
	cmp data "$(file_of appvms/on/private)"
	stop_daemon
}

# ---- descriptors ----

open_files() { # the daemon's
	ls "/proc/$QVMD_PID/fd" | wc -l
}
# passes WHAT... : an import of ./data that comes with descriptors. Prints the reply; it leaves nothing open.
passes() {
	local before=$OPEN what=() i
	for i; do what+=(-p "$i"); done
	raw "${what[@]}" -f data admin.vm.volume.ImportWithSize+private off "$(stat -c %s data)\n"
	for ((i = 0; i < 1000; i++)); do
		[[ $(open_files) != "$before" ]] || return 0
		_tick
	done
	ls -l "/proc/$QVMD_PID/fd" >&2
	return 1
}

@test "an import that comes with descriptors: those that are no data are closed, and the bytes count" {
	storage_fixture
	head -c 1000000 /dev/urandom >data
	mkdir directory
	mkfifo pipe
	: >empty
	printf 'none of this' >other
	ln -s /dev/null link
	OPEN=$(open_files)
	for what in directory pipe /dev/zero /dev/null /dev/mem . '>other' /proc/self/maps link; do
		[[ $what != /dev/mem ]] || (: </dev/mem) 2>/dev/null || continue # not every machine lets one
		raw admin.vm.volume.Clear+private off >/dev/null
		run passes "$what"
		assert_equal "$what: $output" "$what: 0\\0"
		cmp data "$(file_of vm-off-private)"
	done
	# Of several none or the first good one is taken, and more of them than any client sends are no harm.
	run passes directory pipe . data
	assert_output '0\0'
	cmp data "$(file_of vm-off-private)"
	run passes {.,.}{,,,}
	assert_output '0\0'
	# A good one that holds something else: it counts, as it is.
	head -c 1000000 /dev/urandom >other
	run passes other
	assert_output '0\0'
	cmp -i 262144 other "$(file_of vm-off-private)"
	run passes empty
	assert_output '2\0QubesException\0\0Data import failed: not enough data (copied 0 bytes, expected 1000000 bytes)\0'
	head -c 2000000 /dev/zero >other
	run passes other
	assert_output '2\0QubesException\0\0Data import failed: too much data (expected 1000000 bytes)\0'
	# What is not an import takes none.
	rows <<<$'> admin.vm.List dom0\n'
	run raw -p data -p directory admin.vm.CurrentState off
	assert_output --partial 'power_state=Halted'
	run raw -p data admin.vm.volume.Resize+private off 1000000
	assert_output '0\0'
	run raw -c -p data admin.Events dom0
	run passes directory
	assert_output '0\0'
}

@test "a file that changes while it is imported" {
	storage_fixture
	head -c 1000000 /dev/urandom >data
	head -c 8000000 /dev/urandom >big
	OPEN=$(open_files)
	for ((i = 0; i < 8; i++)); do
		cp big file
		(while truncate -s 0 file && truncate -s 1000000 file; do :; done) 3>&- &
		writer=$!
		run passes file
		kill $writer
		wait $writer || :
		[[ $output == '0\0' || $output == '2\0QubesException\0\0Data import failed: '@(not\ enough|too\ much|error\ copying)\ data* ]] ||
			fail "$output"
	done
	rows <<-'END'
		> admin.vm.volume.ImportWithSize+private off 3\nend
		< 0\0
	END
	expect 0 'cat "$(file_of vm-off-private)"' end
}

# ---- paths ----

@test "no path leads out of dom0" {
	mkdir outside
	storage_fixture
	rows <<-'END'
		> admin.pool.Add+file dom0 name=up\ndir_path=/../../../../../../../../../..//tmp/../../out\x01side\x1b[31m
		< 0\0
		> admin.pool.Add+file dom0 name=link\ndir_path=/srv/link/sub
		< 0\0
		> admin.pool.Add+file dom0 name=dots\ndir_path=/./srv//./dots/
		< 0\0
		> admin.vm.CreateInPool.AppVM dom0 name=a label=red pool=up
		> admin.vm.CreateInPool.AppVM dom0 name=b label=red pool=link
		> admin.vm.CreateInPool.AppVM dom0 name=c label=red pool=dots
		> admin.vm.volume.ImportWithSize+private a 1\nx
		< 0\0
		> admin.vm.volume.ImportWithSize+private c 1\nx
		< 0\0
		> admin.pool.volume.Info+up dom0 ../appvms/a/private
		< 2\0QubesVolumeNotFoundError\0\0No such volume: '../appvms/a/private'\0
		> admin.pool.volume.Import+up dom0 ../../x 1
		< 2\0QubesVolumeNotFoundError\0\0No such volume: '../../x'\0
		> admin.pool.volume.Info+up dom0 appvms/a/private\0
		< 2\0QubesVolumeNotFoundError\0\0No such volume: 'appvms/a/private'\0
	END
	assert [ -f "$(find "$QVMD_STATE/dom0/"out$'\001'side$'\033[31m'/appvms/a -name 'private.*.img')" ]
	assert [ -f "$(find "$QVMD_STATE/dom0/srv/dots/appvms/c" -name 'private.*.img')" ]
	# links on the way, of the directory and of the file
	ln -s "$PWD/outside" "$QVMD_STATE/dom0/srv/link"
	run raw admin.vm.volume.ImportWithSize+private b '1\nx'
	assert_output --regexp "^2.0QubesException.0.0Data import failed: cannot make '/srv/link/sub/appvms/b/private\.[0-9]+\.img': (Too many levels of symbolic links|Not a directory).0$"
	assert_equal "$(find outside | wc -l)" 1
	raw admin.vm.volume.ImportWithSize+private off '6\nsecret' >/dev/null
	f=$(file_of vm-off-private)
	mv "$f" outside/file
	ln -s "$PWD/outside/file" "$f"
	run clone off:private c:private
	assert_output --regexp "^2.0StoragePoolException.0.0cannot read '/dev/vg/vm-off-private\.[0-9]+\.img': Too many levels of symbolic links.0$"
	run raw admin.vm.Start off
	assert_output --regexp "^2.0StoragePoolException.0.0cannot read '/dev/vg/vm-off-private\.[0-9]+\.img': Too many levels of symbolic links.0$"
	# neither a pipe nor a directory holds anybody up
	rm "$f"
	mkfifo "$f"
	run clone off:private c:private
	assert_output --regexp "^2.0StoragePoolException.0.0cannot read '/dev/vg/vm-off-private\.[0-9]+\.img': "
	rm "$f"
	run clone off:private c:private
	assert_output --regexp "^2.0StoragePoolException.0.0cannot read '/dev/vg/vm-off-private\.[0-9]+\.img': No such file or directory.0$"
	# a name that is too long is an error like any other
	long=$(printf 'x%.0s' {1..300})
	rows <<-END
		> admin.pool.Add+file dom0 name=long\\ndir_path=/$long
		< 0\\0
		> admin.vm.CreateInPool.AppVM dom0 name=d label=red pool=long
		< 0\\0
	END
	run raw admin.vm.volume.ImportWithSize+private d '1\nx'
	assert_output --partial 'File name too long'
	run raw admin.vm.volume.Info+private d
	assert_output --partial 'usage=0'
}
