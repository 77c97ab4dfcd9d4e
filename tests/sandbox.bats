#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Qubes that are real: their sandboxes begin and end with them, what is written is in the volume, and nothing of the
# machine or of other qubes is seen from inside.
load lib/common
load lib/sandbox

setup_file() {
	start_sandboxes default
	qvm-start work personal
}
teardown_file() { stop_all; }

@test "a command answers from inside: host name, users, volume, status, signals" {
	expect 0 "inside work 'hostname; id -un; id -u; ls /rw; pwd; cat /etc/hostname'" \
		$'work\nuser\n1000\nhome\nlost+found\n/home/user\nwork\n' ''
	expect 0 "inside work 'id -un; id -u; pwd' root" $'root\n0\n/root\n' ''
	expect 7 "inside work 'exit 7'" '' ''
	expect 137 "inside work 'kill -9 \$\$'" '' ''
	expect 143 "inside work 'kill \$\$'" '' ''
	expect 0 "inside work 'echo out; echo err >&2'" $'out\n' $'err\n'
	expect 125 "inside work true nosuch" '' $'qrexec-client: the agent refuses to run it\n'
	expect 127 "call work no.Such" '' $'qrexec-client: there is no such service\n'
	expect 125 "call vault qubes.VMShell" '' $'qrexec-client: the qube is not running\n'
	expect 126 "call nosuch qubes.VMShell" '' $'qrexec-client: there is no such qube\n'
}

@test "the data of a call goes through pipes, files and terminals alike" {
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/data"
	local sum
	sum=$(sha256sum <"$BATS_TEST_TMPDIR/data")
	cd "$BATS_TEST_TMPDIR"
	expect 0 "cat data | call work qubes.VMExec+cat | sha256sum" "$sum"$'\n' ''
	expect 0 "call work qubes.VMExec+cat <data >copy; sha256sum <copy" "$sum"$'\n' ''
	# the line for the shell comes before what is on the input
	expect 0 "(cat data; sleep 0) | '$QVM_QREXEC_CLIENT' -d work -p 'cat | sha256sum; exit
' 'DEFAULT:QUBESRPC qubes.VMShell+ dom0'" "$sum"$'\n' ''
	# what a terminal would obey is taken out on request
	expect 0 "'$QVM_QREXEC_CLIENT' -d work -t -T -p 'printf \"a\\033[2Jb\\n\\377\\a\"; printf \"\\033c\" >&2; exit
' 'DEFAULT:QUBESRPC qubes.VMShell+ dom0' </dev/null" $'a_[2Jb\n_\a' '_c'
	# a reader that goes away ends the writer
	expect 0 "call work qubes.VMExec+yes </dev/null 2>/dev/null | head -n 1" $'y\n' ''
}

@test "what is written is in the volume after a shutdown, in a clone and in the next run" {
	qvm-create --class AppVM --label red --template fedora-42-xfce kept
	qvm-start kept
	inside kept 'echo precious >file; mkdir -p /rw/config; echo x >/rw/config/y; ln -s file link'
	expect 0 'qvm-shutdown --wait kept; qvm-ls --raw-data -O state kept' $'Halted\n' ''
	qvm-clone kept copied
	qvm-start kept copied
	expect 0 "inside copied 'cat file link /rw/config/y; hostname'" $'precious\nprecious\nx\ncopied\n' ''
	# killed, it has what the file system had brought out; the next start repairs the rest
	inside kept 'echo more >another; sync'
	expect 0 'qvm-kill kept; qvm-ls --raw-data -O state kept' $'Halted\n' ''
	qvm-start kept
	expect 0 "inside kept 'cat file'" $'precious\n' ''
	# a revision of before goes back to it
	qvm-shutdown --wait kept copied
	qvm-volume revert copied:private
	qvm-start copied
	expect 0 "inside copied 'cat file'" $'precious\n' ''
	qvm-kill kept copied
	qvm-remove -f kept copied
}

@test "a shutdown lets programs end, waits for those that do not, and a crash is a halt" {
	qvm-create --class AppVM --label red --template fedora-42-xfce short
	qvm-start short
	# one that clears up, and one that does not want to go
	"$QVM_QREXEC_CLIENT" -d short -p $'trap "echo late >late; exit" TERM; while :; do sleep 0.01; done\n' \
		'DEFAULT:QUBESRPC qubes.VMShell+ dom0' </dev/null >/dev/null 2>&1 3>&- &
	local polite=$!
	"$QVM_QREXEC_CLIENT" -d short -p $'trap "" TERM; echo there; while :; do sleep 1; done\n' \
		'DEFAULT:QUBESRPC qubes.VMShell+ dom0' </dev/null >"$BATS_TEST_TMPDIR/stubborn" 3>&- &
	await "grep -q there '$BATS_TEST_TMPDIR/stubborn'"
	await "inside short 'pgrep -x sleep'"
	expect 0 'qvm-shutdown --wait short' '' ''
	wait "$polite" || :
	qvm-start short
	expect 0 "inside short 'cat late'" $'late\n' ''
	# the sandbox goes without anybody's asking
	events_start
	kill -9 "$(pgrep -P "$QVMD_PID" -f 'bwrap .*--hostname short')"
	_await_event "short domain-shutdown"
	expect 0 'qvm-ls --raw-data -O state short' $'Halted\n' ''
	events_stop
	qvm-remove -f short
}

@test "a disposable runs, prints, and is gone; its writes are nowhere" {
	expect 0 "call @dispvm:default-dvm qubes.VMExec+sh+--c+touch-20trace-3B-20ls" $'trace\n' ''
	expect 0 "call @dispvm:default-dvm qubes.VMExec+ls" '' ''
	await "! qvm-ls --raw-list | grep -q '^disp'"
	expect 126 "call @dispvm:work qubes.VMExec+ls" '' "qrexec-client: Refusing to create disposable out of app qube \
which has template_for_dispvms=False
"
}

@test "a qube that is paused does nothing" {
	inside work 'rm -f ticks'
	"$QVM_QREXEC_CLIENT" -d work -p $'while :; do echo x >>ticks; sleep 0.01; done\n' \
		'DEFAULT:QUBESRPC qubes.VMShell+ dom0' </dev/null 3>&- &
	local ticker=$!
	await "inside work 'test -s ticks'"
	qvm-pause work
	expect 125 "inside work true" '' $'qrexec-client: the qube is paused\n'
	# each of its programs is stopped but the agent; who waits for the disk cannot even be stopped
	local agent
	agent=$(pgrep -P "$(pgrep -P "$QVMD_PID" -f 'bwrap .*--hostname work')")
	((EUID)) || await "[ \$(ps -eo pidns=,stat= | grep -c \"^ *$(ps -o pidns= -p "$agent") [^TZD]\") = 1 ]"
	qvm-unpause work
	kill "$ticker"
	await "! inside work 'pgrep -x sleep'"
}

@test "the call ends with its client, and the client with the qube" {
	"$QVM_QREXEC_CLIENT" -d work 'DEFAULT:QUBESRPC qubes.VMExec+sleep+4321 dom0' </dev/null 3>&- &
	local client=$!
	await "inside work 'pgrep -f \"sleep 432[1]\"'"
	kill -9 "$client"
	await "! inside work 'pgrep -f \"sleep 432[1]\"'"
	# -e: the service stays
	expect 0 "'$QVM_QREXEC_CLIENT' -d work -e 'DEFAULT:QUBESRPC qubes.VMExec+sleep+1234 dom0' </dev/null" '' ''
	expect 0 "inside work 'pgrep -f \"sleep 123[4]\" | wc -l; pkill -f \"sleep 123[4]\"'" $'1\n' ''
	qvm-start personal 2>/dev/null || :
	"$QVM_QREXEC_CLIENT" -d personal 'DEFAULT:QUBESRPC qubes.VMExec+sleep+1000 dom0' </dev/null \
		>"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	client=$!
	await "inside personal 'pgrep -f \"sleep 100[0]\"'"
	qvm-kill personal
	local status=0
	wait "$client" || status=$?
	assert_equal "$status $(<"$BATS_TEST_TMPDIR/out")" '125 qrexec-client: the qube has ended'
}

@test "nothing of the machine is seen from inside" {
	local secret=$BATS_TEST_TMPDIR/secret user
	echo secret >"$secret"
	for user in user root; do
		# files, the state of the daemon, its sockets
		expect 1 "inside work 'cat $secret $QVMD_STATE/* $QVM_TEST_SOCKET' $user 2>/dev/null" '' ''
		expect 0 "inside work 'ls -d /etc/shadow /var/log /var/lib /home/* /mnt /media /srv /boot /sys; :' $user 2>/dev/null" \
			$'/home/user\n' ''
		# the host's programs cannot be changed, not even by who becomes root in a namespace
		expect 0 "inside work 'touch /usr/x /usr/bin/x /opt/qvm/bin/x /etc/qubes-rpc/x; mount -o remount,bind,rw /usr;
			unshare -Urm sh -c \"mount -o remount,bind,rw /usr; touch /usr/x\"; ls /usr/x /usr/bin/x || echo none' $user 2>/dev/null" \
			$'none\n' ''
		# network: only lo, and that one is its own
		expect 0 "inside work 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d \" \"' $user" $'lo\n' ''
		# processes: its own
		expect 0 "inside work 'cat /proc/[0-9]*/comm | sort -u | grep -v \"^\\(bash\\|cat\\|sort\\|grep\\|fuse2fs\\|qube-agent\\)\$\"; :' $user" \
			'' ''
		# the agent, which has privileges: no signal, no memory, no files
		expect 0 "inside work 'kill -9 1; cat /proc/1/environ /proc/1/maps /proc/1/fd/*; readlink /proc/1/fd/*
			ls /proc/1/root/; echo alive' $user 2>/dev/null" \
			$'alive\n' ''
		# kernel settings, devices, system calls that want privileges
		expect 0 "inside work 'echo 1 >/proc/sys/kernel/core_pattern; echo c >/proc/sysrq-trigger; mknod /tmp/d b 8 0;
			date -s 2001-01-01 >/dev/null; hostname other; mount -t tmpfs none /mnt; ls /dev/vda /dev/sda /dev/kmsg
			test -b /tmp/d && echo device; hostname' $user 2>/dev/null" $'work\n' ''
	done
	[[ ! -e /usr/x && ! -e /usr/bin/x ]]
}

@test "other qubes are not seen: files, processes, sockets, shared memory" {
	qvm-start personal 2>/dev/null || :
	inside personal 'echo theirs >/tmp/theirs; echo theirs >/dev/shm/theirs; echo theirs >~/theirs'
	expect 0 "inside work 'ls /tmp /dev/shm ~ | grep theirs; cat /proc/net/unix | grep -c @; hostname; ipcs -m | grep -c 0x' || :" \
		$'0\nwork\n0\n' ''
	# the socket to the daemon says who one is: nobody is dom0 or another there
	expect 126 "inside work '/opt/qvm/lib/qvm-tools/qrexec-client-vm personal qubes.VMExec+id'" '' $'Request refused\n'
	expect 126 "inside work '/opt/qvm/lib/qvm-tools/qrexec-client -d personal \"DEFAULT:QUBESRPC qubes.VMExec+id dom0\"'" '' \
		$'Request refused\n'
	expect 126 "inside work 'echo | /opt/qvm/lib/qvm-tools/qrexec-client-vm dom0 admin.vm.List'" '' $'Request refused\n'
}

@test "floods, endless output, calls that never end: dom0 is answered" {
	"$QVM_QREXEC_CLIENT" -d work 'DEFAULT:QUBESRPC qubes.VMExec+yes dom0' </dev/null >/dev/null 2>&1 3>&- &
	local endless=$!
	# more clients than are served, which say nothing, and those that call again and again
	"$QVM_QREXEC_CLIENT" -d work -p 'for i in $(seq 100); do (while :; do
		/opt/qvm/lib/qvm-tools/qrexec-client-vm personal a.B; done) & done; wait
' 'DEFAULT:QUBESRPC qubes.VMShell+ dom0' </dev/null >/dev/null 2>&1 3>&- &
	local flood=$!
	# as many processes and as much memory as it gets
	"$QVM_QREXEC_CLIENT" -d work -p 'bomb() { bomb | bomb & }; bomb; cat /dev/zero >/tmp/full; cat /dev/zero >/dev/shm/full; wait
' 'DEFAULT:QUBESRPC qubes.VMShell+ dom0' </dev/null >/dev/null 2>&1 3>&- &
	local bomb=$!
	local i
	for ((i = 0; i < 20; i++)); do
		expect 0 'timeout 10 qvm-prefs personal label' $'yellow\n' ''
	done
	expect 0 'timeout 20 qvm-kill work; qvm-ls --raw-data -O state work' $'Halted\n' ''
	wait "$endless" "$flood" "$bomb" || :
	[[ -z $(pgrep -P "$QVMD_PID" -f 'bwrap .*--hostname work') ]]
	qvm-start work
	expect 0 "inside work 'hostname'" $'work\n' ''
}

@test "an ordinary user's qubes are as real as root's" {
	((EUID == 0)) || skip 'all of these tests are run by an ordinary user'
	local dir=/tmp/sandbox.$$ id=54321 as
	as="setpriv --reuid $id --regid $id --clear-groups --"
	$as test -x "$BIN/qvmd" || skip 'no other user can run the programs that are built here'
	mkdir "$dir" && chown $id "$dir"
	HOME=$dir $as "$BIN/qvmd" --foreground --state "$dir/state" --socket "$dir/sock" --fixture default --require-bwrap \
		</dev/null >"$dir/err" 2>&1 3>&- &
	_remember $! "$dir"
	export QVM_ENDPOINT=unix:$dir/sock
	"$TESTBIN/rawcall" -w $! "$dir/sock" || { cat "$dir/err" && false; }
	qvm-start vault
	expect 0 "inside vault 'hostname; id -un; echo mine >file; grep -v : /proc/self/uid_map | wc -l; cat /etc/shadow 2>/dev/null
		touch /usr/x 2>/dev/null; ls $dir 2>/dev/null; exit 0'" $'vault\nuser\n1\n' ''
	qvm-shutdown --wait vault
	qvm-start vault
	expect 0 "inside vault 'cat file'" $'mine\n' ''
}

@test "without bubblewrap or fuse2fs the daemon says so, and goes on or not as it is told" {
	local d
	d=$(mktemp -d /tmp/sandbox.XXXXXX)
	mkdir "$d/bin" && chmod 755 "$d" "$d/bin"
	for p in mke2fs setpriv; do ln -s "$(type -p $p)" "$d/bin/"; done
	expect 1 "PATH=$d/bin '$BIN/qvmd' --foreground --state $d/other --fixture empty --require-bwrap" '' \
		$'qvmd: error: qubes cannot be real here: qube-sandbox: cannot run bwrap: No such file or directory\n'
	PATH=$d/bin "$BIN/qvmd" --foreground --state "$d/state" --socket "$d/sock" --fixture default </dev/null >"$d/err" 2>&1 3>&- &
	_remember $! "$d"
	QVM_ENDPOINT=unix:$d/sock
	"$TESTBIN/rawcall" -w $! "$d/sock"
	assert_equal "$(<"$d/err")" "qvmd: nothing will run in qubes (null driver): qube-sandbox: cannot run bwrap: No such file or \
directory"
	qvm-start work
	expect 125 'inside work true' '' $'qrexec-client: nothing runs in the qubes of this lab (null driver)\n'
}

@test "a daemon that is killed takes its qubes with it; one that ends waits for them" {
	local pid signal
	for signal in KILL TERM; do
		QVMD_STATE='' start_daemon default --require-bwrap
		qvm-start vault
		expect 0 "inside vault 'hostname'" $'vault\n' ''
		pid=$(pgrep -P "$QVMD_PID" -f 'bwrap .*--hostname vault')
		kill -$signal "$QVMD_PID"
		await "! kill -0 $pid"
		await "! kill -0 $QVMD_PID"
	done
}
