#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-volume, qvm-pool, qvm-clone and qvm-create with the daemon: what is done to real bytes.

load lib/common

# The newest file of a volume's data.
content() { # QUBE VOLUME
	find "$QVMD_STATE/dom0" -name "vm-$1-$2.*.img" -o -path "*/$1/$2.*.img" | sort -V | tail -n 1
}

# holds QUBE:VOLUME FILE [SIZE]: the volume has this size, begins with these bytes, and is zeros behind them. A copy
# of it is looked at, of which the newest file is what it holds.
holds() {
	local n size have
	n=$(stat -c %s "$2") size=${3:-$n}
	assert_equal "$1 $(qvm-volume info "$1" size)" "$1 $size"
	qvm-volume clone -f "$1" untrusted:private
	have=$(content untrusted private)
	assert_equal "$(stat -c %s "$have")" "$size"
	cmp -n "$n" "$2" "$have"
	((n == size)) || cmp -n "$((size - n))" -i "$n:0" "$have" /dev/zero
}

# Data with a hole, and an end that no block ends at.
make_data() { # FILE BYTE
	printf '%s' 'begin' >"$1"
	truncate -s 3M "$1"
	head -c 1000003 /dev/zero | tr '\0' "$2" >>"$1"
	truncate -s 5M "$1"
	printf '%s' 'end' >>"$1"
}

setup() {
	d=$BATS_TEST_TMPDIR
	make_data "$d/a" a
	make_data "$d/b" b
}

@test "import: files, pipes, sizes; the holes stay holes" {
	start_daemon default
	expect 0 "qvm-volume import work:private $d/a" '' ''
	holds work:private "$d/a"
	assert [ "$(du -k "$(content work private)" | cut -f1)" -lt 1200 ]
	expect 0 "cat $d/b | qvm-volume import --size=$(stat -c %s "$d/b") work:private -" '' ''
	holds work:private "$d/b"
	expect 0 "qvm-volume import --no-resize work:private - <$d/a" '' ''
	holds work:private "$d/a"
	expect 0 'qvm-volume import work:private /dev/null --size 0' '' ''
	assert_equal "$(qvm-volume info work:private size)" 0
	expect 0 "head -c 1000 $d/b | qvm-volume import --size 1K work:private -" '' ''
	head -c 1000 "$d/b" >"$d/c"
	holds work:private "$d/c"
	# The first bytes of standard input that somebody else has read are not imported.
	expect 0 "{ head -c 65536 >$d/head; qvm-volume import work:private -; } <$d/a" '' ''
	tail -c +65537 "$d/a" >"$d/c"
	holds work:private "$d/c"
}

@test "import: the file itself goes along, and bytes alone do as well" {
	start_daemon default
	head -c 3M /dev/urandom >"$d/c"
	expect 0 "qvm-volume import work:private $d/c" '' ''
	holds work:private "$d/c"
	# Of a file whose beginning somebody has read, and of one that nobody else can open, all is sent.
	tail -c +1001 "$d/c" >"$d/rest"
	expect 0 "{ head -c 1000 >$d/head; qvm-volume import work:private -; } <$d/c" '' ''
	holds work:private "$d/rest"
	expect 0 "{ rm $d/c; qvm-volume import work:private -; } <$d/c" '' ''
	assert_equal "$(qvm-volume info work:private size)" 3145728
	cp "$d/rest" "$d/c"
	# 10 GiB of which there is next to nothing.
	truncate -s 10G "$d/c"
	expect 0 "timeout 60 qvm-volume import work:private $d/c" '' ''
	assert_equal "$(qvm-volume info work:private size)" 10737418240
	cmp -n "$(stat -c %s "$d/rest")" "$d/rest" "$(content work private)"
	assert [ "$(du -k "$(content work private)" | cut -f1)" -lt 4000 ]
}

@test "import: too much, too little, running, no such thing; the old data stay" {
	start_daemon default
	qvm-volume import work:private "$d/a"
	expect 1 "qvm-volume import --size 100 work:private $d/b" '' \
		$'Error: Data import failed: too much data (expected 100 bytes)\n'
	expect 1 "qvm-volume import --no-resize work:private $d/c --size 7 </dev/null" '' \
		"Error: $d/c: No such file or directory"$'\n'
	expect 1 "head -c 3000000 $d/b | qvm-volume import --size 4M work:private -" '' \
		$'Error: Data import failed: not enough data (copied 3000000 bytes, expected 4000000 bytes)\n'
	expect 1 "qvm-volume import --size 6M work:private $d/b" '' \
		"Error: Data import failed: not enough data (copied $(stat -c %s "$d/b") bytes, expected 6000000 bytes)"$'\n'
	expect 1 "qvm-volume import --no-resize work:private - </dev/null" '' \
		"Error: Data import failed: not enough data (copied 0 bytes, expected $(stat -c %s "$d/a") bytes)"$'\n'
	holds work:private "$d/a"
	qvm-start work
	run --separate-stderr qvm-volume import work:private "$d/b"
	assert_equal "$status $stderr" "1 Error: Domain is not powered off: 'work'"
	qvm-kill work
	run --separate-stderr qvm-volume import work:root "$d/b"
	assert_equal "$status" 1
	holds work:private "$d/a"
	expect 0 "qvm-volume import work:private $d/b" '' ''
	holds work:private "$d/b"
}

@test "import: interrupted" {
	start_daemon default
	qvm-volume import work:private "$d/a"
	events_start
	mkfifo "$d/fifo"
	env --default-signal=INT qvm-volume import --size 100M work:private - <"$d/fifo" &
	local pid=$!
	exec 7>"$d/fifo"
	cat "$d/b" >&7
	_await_event 'work domain-volume-import-begin volume=private size=100000000'
	kill -INT "$pid"
	local ended=0
	wait "$pid" || ended=$?
	assert_equal "$ended" 130
	exec 7>&-
	_await_event 'work domain-volume-import-end volume=private success=False'
	holds work:private "$d/a"
	expect 0 "qvm-volume import work:private $d/b" '' ''
	holds work:private "$d/b"
}

@test "clone, clear, resize, revert" {
	start_daemon default
	qvm-volume import work:private "$d/a"
	expect 0 'qvm-volume clone -f work:private vault:private' '' ''
	holds vault:private "$d/a"
	qvm-volume import vault:private "$d/b"
	holds work:private "$d/a"
	expect 0 'qvm-volume resize vault:private 8MiB' '' ''
	holds vault:private "$d/b" 8388608
	expect 0 'qvm-grow-private vault 9MiB' '' ''
	holds vault:private "$d/b" 9437184
	run qvm-volume resize vault:private 1MiB
	assert_equal "$status ${lines[0]}" \
		'1 Error: Refusing to shrink volume vault:private from 9437184 to 1048576 bytes.'
	expect 0 'qvm-volume revert vault:private' '' ''
	holds vault:private "$d/a"
	expect 0 'qvm-volume clear --force vault:private' '' ''
	: >"$d/empty"
	holds vault:private "$d/empty" "$(stat -c %s "$d/a")"
	# What the clone was made of is still there, by its name.
	local revision
	revision=$(qvm-volume info vault:private revisions | tail -n 1)
	expect 0 "qvm-volume revert vault:private $revision" '' ''
	holds vault:private "$d/a"
	expect 1 'qvm-volume revert vault:private nope' '' $'Error: No such revision: \'nope\'\n'
}

@test "qubes: clones and new ones with a root image; columns of disk" {
	start_daemon default
	qvm-volume import work:private "$d/a"
	qvm-tags work add office
	expect 0 'qvm-clone work work-2' '' $'work-2: Cloning private volume\n'
	assert_equal "$(qvm-tags work-2)" "$(qvm-tags work)"
	holds work-2:private "$d/a"
	assert_equal "$(qvm-prefs work-2 label)" "$(qvm-prefs work label)"
	qvm-volume import fedora-42-xfce:root "$d/b"
	expect 0 'qvm-create --standalone -t fedora-42-xfce -l red alone' '' $'alone: Cloning root volume\n'
	holds alone:root "$d/b"
	expect 0 "qvm-create -C TemplateVM -l red fresh --root-copy-from $d/a" '' ''
	holds fresh:root "$d/a"
	run qvm-ls -O name,priv-max,priv-curr,priv-pool work-2 --raw-data
	assert_regex "$output" '^work-2\|5\|[01]\|vm-pool$'
	expect 0 'qvm-remove -f work-2 alone fresh' '' ''
	assert_equal "$(content work-2 private)$(content alone root)$(content fresh root)" ''
	holds work:private "$d/a"
}

@test "a second pool: added, used, removed" {
	start_daemon default
	expect 0 'qvm-pool add second file -o dir_path=/srv/second -o revisions_to_keep=1' '' ''
	expect 0 'qvm-pool | tail -n 1' $'second        file\n' ''
	expect 0 'qvm-create -l red -P second a; qvm-create -l red -p private=second b' '' ''
	expect 0 'qvm-volume list -p second --full' 'POOL:VOLUME               VMNAME  VOLUME_NAME  REVERT_POSSIBLE
second:appvms/a/private   a       private      No
second:appvms/a/volatile  a       volatile     No
second:appvms/b/private   b       private      No
' ''
	qvm-volume import a:private "$d/a"
	holds a:private "$d/a"
	expect 0 'qvm-clone -q -P second a c' '' ''
	holds c:private "$d/a"
	expect 0 'qvm-volume list --where name=c --json | jq -c "[.[] | select(.volume == \"private\") | .pool]"' \
		$'["second"]\n' ''
	expect 1 'qvm-pool remove second' '' \
		$'qvm-pool: error: Failed to remove pool second: Storage pool is in use: \'second\'\n'
	expect 0 'qvm-pool set second -o revisions_to_keep=0; qvm-pool info second --json | jq .revisions_to_keep' $'0\n' ''
	expect 0 'qvm-remove -f a b c; qvm-pool rm second' '' ''
	expect 0 'qvm-pool --json | jq -r .[].name' $'varlibqubes\nlinux-kernel\nvm-pool\n' ''
	expect 2 'qvm-pool info second 2>&1 | tail -n 1; exit ${PIPESTATUS[0]}' \
		$'qvm-pool: error: No such pools: [\'second\']\n' ''
}

@test "a list of all volumes of 200 qubes: as many calls as there are things to ask" {
	start_daemon 200
	local qubes
	qubes=$(qvm-ls --raw-data -O class | grep -cv AdminVM)
	run --separate-stderr bash -c 'qvm-volume list --calls --jsonl 2>&1 >"$1" | cut -d" " -f1 | sort | uniq -c' \
		bash "$d/out"
	assert_equal "$(awk '{ print $1, $2 }' <<<"$output")" "1 admin.vm.List
$(wc -l <"$d/out") admin.vm.volume.Info
$qubes admin.vm.volume.List
$(jq -s 'map(select(.save_on_stop)) | length' "$d/out") admin.vm.volume.ListSnapshots"
}

# Each command stands before its output.
STORAGE_OUTPUT='$ qvm-create --label red alpha
$ qvm-volume import alpha:private one
$ qvm-clone --quiet alpha beta
$ qvm-volume resize beta:private 64MiB
$ qvm-volume import beta:private two
$ qvm-volume revert beta:private
$ qvm-pool add second file-reflink -o dir_path=/srv/second
$ qvm-create --label blue --pool private=second gamma
$ qvm-volume import gamma:private two
$ qvm-clone --quiet -P second alpha delta
$ qvm-volume list --pool second
POOL:VOLUME                   VMNAME  VOLUME_NAME  REVERT_POSSIBLE
second:appvms/delta/private   delta   private      Yes
second:appvms/delta/volatile  delta   volatile     No
second:appvms/gamma/private   gamma   private      Yes
$ qvm-pool remove second
qvm-pool: error: Failed to remove pool second: Storage pool is in use: '"'second'"'
exit status 1
$ qvm-remove --force gamma delta beta alpha
$ qvm-pool remove second
$ qvm-pool list
NAME          DRIVER
varlibqubes   file
linux-kernel  linux-kernel
vm-pool       lvm_thin
'

@test "a script in a lab: the life of volumes and of a second pool" {
	expect 0 '"$ROOT/tests/lab/storage.sh" </dev/null' "$STORAGE_OUTPUT" ''
}

@test "the same, the daemon killed after each step" {
	expect 0 '"$ROOT/tests/lab/storage.sh" --kill </dev/null' "$STORAGE_OUTPUT" ''
}
