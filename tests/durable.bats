# SPDX-License-Identifier: GPL-2.0-or-later
# What was acknowledged is there: after kill -9, on full disks, in stores that cannot be used.
#
# HAMMER_ROUNDS (20): how often the daemon is killed. HAMMER_SEED (1): another course of events.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own

load lib/common
load lib/rows

@test "kill -9 under eight writers: nothing acknowledged is lost, nothing is half done, events are true" {
	cd "$BATS_TEST_TMPDIR"
	run "$TESTBIN/hammer" -r "${HAMMER_ROUNDS:-20}" -s "${HAMMER_SEED:-1}" "$PWD/socket" \
		qvmd --foreground --state state --socket "$PWD/socket" --fixture default --power null
	echo "# $output" >&3
	assert_success
	assert_line --regexp "^${HAMMER_ROUNDS:-20} rounds: [0-9]{3,} changes acknowledged, .*; 0 problems\$"
}

# ---- a disk that is full, or may not be written to ----

# A small disk at $DISK, with the state of the daemons to come in it; the socket is elsewhere. Where nothing can
# be mounted (or with QVM_TEST_NO_MOUNT), the daemon's files are what may not grow.
small_disk() {
	DISK=$BATS_TEST_TMPDIR/disk
	mkdir "$DISK"
	[[ -z ${QVM_TEST_NO_MOUNT:-} ]] && mount -t tmpfs -o size=1m none "$DISK" 2>/dev/null || LIMITED=1
}
start() {
	QVM_TEST_SOCKET=$BATS_TEST_TMPDIR/socket
	qvmd --foreground --state "$DISK/state" --socket "$QVM_TEST_SOCKET" --fixture default --power null \
		</dev/null >"$BATS_TEST_TMPDIR/err" 2>&1 3>&- &
	QVMD_PID=$!
	_remember "$QVMD_PID"
	"$TESTBIN/rawcall" -w "$QVMD_PID" "$QVM_TEST_SOCKET"
}
fill_disk() {
	local size
	if [[ ${LIMITED:-} ]]; then
		size=$(stat -c %s "$DISK/state/qvmd.sqlite-wal")
		prlimit --pid "$QVMD_PID" --fsize="$size:unlimited"
	else
		dd if=/dev/zero of="$DISK/fill" bs=1k 2>/dev/null || :
	fi
}
free_disk() {
	[[ ! ${LIMITED:-} ]] || prlimit --pid "$QVMD_PID" --fsize=unlimited:unlimited
	rm -f "$DISK/fill"
}
teardown() {
	stop_all
	! mountpoint -q "${DISK:-/}" || [[ -z ${DISK:-} ]] || umount -l "$DISK"
}

# What there is, running or not.
qubes() { raw admin.vm.List dom0 | sed 's/ state=[A-Za-z]*//g'; }

UNSAVED='2\\0QubesException\\0\\0cannot save the change: (database or disk is full|disk I/O error)\\0'

# Changes until one is refused: feature f of work has the value of the last that was not.
until_full() {
	local value
	value=$(head -c 8000 /dev/zero | tr '\0' x)
	for ((N = 1; N < 1000; N++)); do
		run raw admin.vm.feature.Set+f work "$N-$value"
		[[ $output == '0\0' ]] || break
	done
	assert_output --regexp "^$UNSAVED\$"
	((N == 1)) || LAST=$((N - 1))-$value
}

@test "a full disk: changes are refused and unmade, the rest goes on; with room again all is as it was" {
	small_disk
	start
	events_start
	raw admin.vm.feature.Set+f work 0 >/dev/null
	LAST=0
	fill_disk
	until_full
	run raw admin.vm.Create.AppVM dom0 'name=new label=red'
	assert_output --regexp "^$UNSAVED\$"
	run raw admin.vm.Remove vault
	assert_output --regexp "^$UNSAVED\$"
	# nor is it told to a qube that runs
	run raw admin.vm.feature.Set+vm-config.x sys-net 1
	assert_output --regexp "^$UNSAVED\$"
	assert_equal "$("$TESTBIN/qdb" "$DISK/state/run/qubesdb.sys-net.sock" read /vm-config/x)" '8 /vm-config/x'
	before=$(qubes)
	rows <<-END
		> admin.vm.feature.Get+f work
		< 0\0$LAST
		> admin.vm.List new
		< 2\0QubesVMNotFoundError\0\0No such domain: 'new'\0
		> admin.vm.Start vault
		< 0\0
		> admin.vm.Kill vault
		< 0\0
	END
	# nobody heard of what was not saved
	_await_event 'vault domain-shutdown'
		run grep -cE -e "feature=f value=$N-" -e 'domain-(add|delete|pre-delete)' "$EVENTS_LOG"
	assert_output 0

	if [[ ! ${LIMITED:-} ]]; then
		# a disk without room keeps nobody from starting and looking
		kill_daemon
		start
		rows <<-END
			> admin.vm.feature.Get+f work
			< 0\0$LAST
		END
		assert_equal "$(qubes)" "$before"
		run raw admin.vm.Remove vault
		assert_output --regexp "^$UNSAVED\$"
	fi
	free_disk
	rows <<-'END'
		> admin.vm.feature.Set+f work end
		> admin.vm.Create.AppVM dom0 name=new label=red
	END
	kill_daemon
	start
	rows <<-'END'
		> admin.vm.feature.Get+f work
		< 0\0end
		> admin.vm.property.Get+label new
		< 0\0default=False type=label red
	END
	stop_daemon
	assert_equal "$(<"$BATS_TEST_TMPDIR/err")" ''
}

@test "a full disk under a new system: an error, and nothing half made" {
	small_disk
	if [[ ${LIMITED:-} ]]; then
		ulimit -S -f 100
	else
		dd if=/dev/zero of="$DISK/fill" bs=1k count=900 2>/dev/null
	fi
	run timeout 20 qvmd --foreground --state "$DISK/state" --fixture default
	assert_failure 1
	assert_output --regexp '^qvmd: error: (cannot (use|open) .*/state/qvmd.sqlite.|cannot save the change): (database or disk is full|disk I/O error)$'
	ulimit -S -f unlimited
	rm -f "$DISK/fill"
	start
	run raw admin.vm.List work
	assert_output --regexp '^0\\0work class=AppVM '
}

@test "a directory that cannot be written to: an error, and nothing touched" {
	local as=() why='Read-only file system'
	small_disk
	start
	raw admin.vm.feature.Set+f work 1 >/dev/null
	stop_daemon
	if [[ ! ${LIMITED:-} ]]; then
		mount -o remount,ro "$DISK"
	elif ((EUID == 0)); then
		# root may write anywhere: it is somebody else's daemon then
		as=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all)
		why='Permission denied'
		chmod 755 "$DISK/state" && chmod 644 "$DISK/state"/*
		chmod o+x "$DISK" "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test"
	else
		why='Permission denied'
		chmod 444 "$DISK/state"/* && chmod 555 "$DISK/state"
	fi
	expect 1 "cd / && ${as[*]} '$BIN/qvmd' --foreground --state '$DISK/state'" '' \
		"qvmd: error: cannot open '$DISK/state/lock': $why"$'\n'
	if [[ ! ${LIMITED:-} ]]; then
		mount -o remount,rw "$DISK"
	else
		chmod -R u+w "$DISK/state"
	fi
	start
	run raw admin.vm.feature.Get+f work
	assert_output '0\01'
}

@test "a qube that could not be created, and its start that came with it: both are answered" {
	small_disk
	start
	fill_disk
	run raw admin.vm.feature.Set+fill work "$(head -c 60000 /dev/zero | tr '\0' x)"
	assert_output --regexp "^$UNSAVED\$"
	kill -STOP "$QVMD_PID"
	local pids=() i
	raw admin.vm.Create.AppVM dom0 'name=new label=red' >"$BATS_TEST_TMPDIR/create" 3>&- &
	pids+=($!)
	for ((i = 0; i < 1000; i++)); do
		(($(grep -cF "$QVM_TEST_SOCKET" /proc/net/unix) >= 2)) && break
		_tick
	done
	raw admin.vm.Start new >"$BATS_TEST_TMPDIR/start" 3>&- &
	pids+=($!)
	for ((i = 0; i < 1000; i++)); do
		(($(grep -cF "$QVM_TEST_SOCKET" /proc/net/unix) >= 3)) && break
		_tick
	done
	kill -CONT "$QVMD_PID"
	wait "${pids[@]}"
	run cat "$BATS_TEST_TMPDIR/create"
	assert_output --regexp "^$UNSAVED\$"
	run cat "$BATS_TEST_TMPDIR/start"
	assert_output "2\\0QubesVMNotFoundError\\0\\0No such domain: 'new'\\0"
}

# ---- stores that cannot be used ----

# damage OFFSET BYTES: writes over the store.
damage() { printf '%b' "$2" | dd of="$QVMD_STATE/qvmd.sqlite" bs=1 seek="$1" conv=notrunc 2>/dev/null; }

# The files that hold something.
sums() { find "$QVMD_STATE" -name 'qvmd.sqlite*' -size +0 -exec sha256sum {} + | sort; }

# refused MESSAGE: no daemon starts; what there is stays as it is.
refused() {
	local before
	before=$(sums)
	expect 1 "qvmd --foreground --state '$QVMD_STATE'" '' "qvmd: error: $1"$'\n' || return
	assert_equal "$(sums)" "$before"
}

@test "a store of a newer or older qvmd, or of another program: an error, and nothing touched" {
	start_daemon default
	raw admin.vm.feature.Set+f work 1 >/dev/null
	stop_daemon
	local store=$QVMD_STATE/qvmd.sqlite known
	# the version is the number at 60 of an SQLite file, the program the one at 68
	known=$(od -An -tu1 -j63 -N1 "$store")
	known=${known// /}
	damage 60 '\0000\0000\0000\0143'
	refused "'$store' was written by a newer qvmd: it has schema version 99, this one knows $known"
	damage 60 '\0000\0000\0000\0000'
	refused "'$store' was written by an older qvmd: it has schema version 0, this one knows $known"
	damage 60 "\\0000\\0000\\0000\\000$known"
	damage 68 'ABCD'
	refused "'$store' is not a store of qvmd"
	damage 68 'QVMD'
	start_daemon
	run raw admin.vm.feature.Get+f work
	assert_output '0\01'
	stop_daemon

	# another program's, in the other of SQLite's formats
	sqlite3 "$QVMD_STATE/other" 'CREATE TABLE mail(text)'
	mv "$QVMD_STATE/other" "$store"
	refused "'$store' is not a store of qvmd"
	echo 'Dear diary, this is a text of more than a few bytes.' >"$store"
	refused "cannot use '$store': file is not a database"
}

@test "a damaged store: an error, and nothing touched; what can be read is recovered as the manual says" {
	start_daemon default
	raw admin.vm.feature.Set+f work 1 >/dev/null
	stop_daemon
	local store=$QVMD_STATE/qvmd.sqlite page before
	cp "$store" "$BATS_TEST_TMPDIR/good"
	# each page but the first in turn, its head overwritten; those that are in use are missed
	local found=0 missed=0 pages
	pages=$(($(stat -c %s "$store") / 4096))
	for ((page = 1; page < pages; page++)); do
		cp "$BATS_TEST_TMPDIR/good" "$store"
		damage $((page * 4096)) '\0377\0377\0377\0377\0377\0377\0377\0377\0377\0377\0377\0377'
		if refused "'$store' is damaged"; then found=$((found + 1)); else missed=$((missed + 1)); fi
	done
	assert_equal "$found found, $missed missed" "$((pages - 1)) found, 0 missed"
	# cut off in the middle
	cp "$BATS_TEST_TMPDIR/good" "$store"
	truncate -s $((pages * 4096 / 2)) "$store"
	refused "cannot use '$store': database disk image is malformed"
	# whole, but with something in it that cannot be
	cp "$BATS_TEST_TMPDIR/good" "$store"
	sqlite3 "$store" "UPDATE vm SET class = 'CowVM' WHERE name = 'work'"
	refused 'cannot read the store: it holds something that cannot be'

	# the way out: an index is lost, which costs nothing
	cp "$BATS_TEST_TMPDIR/good" "$store"
	page=$(sqlite3 "$store" "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_vm_1'")
	damage $(((page - 1) * 4096)) '\0377\0377\0377\0377\0377\0377\0377\0377'
	refused "'$store' is damaged"
	before=$(sqlite3 "$BATS_TEST_TMPDIR/good" .dump)
	cd "$BATS_TEST_TMPDIR"
	mv "$QVMD_STATE" DIR
	# the example in the manual, as it stands there
	sed -n '/^cp -r DIR COPY/,/^qvmd --state NEW/p' "$ROOT/man/qvmd.1" |
		sed '$s/$/ --socket "$QVM_TEST_SOCKET"/' >example
	assert_equal "$(wc -l <example)" 9
	QVM_TEST_SOCKET=$PWD/socket
	run bash -e example
	assert_success
	_remember "$(<NEW/lock)"
	run raw admin.vm.feature.Get+f work
	assert_output '0\01'
	_end "$(<NEW/lock)"
	assert_equal "$(sqlite3 NEW/qvmd.sqlite .dump)" "$before"
}

@test "a log beside a store that cannot be used stays, and is taken in when it can" {
	start_daemon default
	raw admin.vm.feature.Set+f work 1 >/dev/null
	kill_daemon
	assert [ -s "$QVMD_STATE/qvmd.sqlite-wal" ]
	cp -r "$QVMD_STATE" "$QVMD_STATE.broken"
	sqlite3 "$QVMD_STATE.broken/qvmd.sqlite" "UPDATE vm SET class = 'CowVM' WHERE name = 'work'" '.filectrl persist_wal 1'
	rm -f "$QVMD_STATE.broken/qvmd.sqlite-shm"
	QVMD_STATE=$QVMD_STATE.broken refused 'cannot read the store: it holds something that cannot be'
	start_daemon
	run raw admin.vm.feature.Get+f work
	assert_output '0\01'
}
