# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-lab: a private daemon for one command, and nothing left of it.

load lib/common

setup() {
	export TMPDIR=$BATS_TEST_TMPDIR/t
	unset XDG_RUNTIME_DIR
	mkdir "$TMPDIR"
}

# Whatever a test did, its directory must be empty and no process may know it.
teardown() {
	stop_all
	run pgrep -f "$TMPDIR/qvm-lab"
	assert_output ''
	run ls -A "$TMPDIR"
	assert_output ''
}

# lab_start COMMAND...: a lab in the background; LAB is its process, its output is in $BATS_TEST_TMPDIR/lab.out.
lab_start() {
	: >"$BATS_TEST_TMPDIR/lab.out" # now: an earlier lab's output must not pass for this one's
	# Without job control a shell gives its background children an ignored SIGINT; env undoes that.
	env --default-signal=INT,QUIT qvm-lab "$@" </dev/null >"$BATS_TEST_TMPDIR/lab.out" 2>&1 3>&- &
	LAB=$!
	_remember "$LAB"
	until_true grep -q ready "$BATS_TEST_TMPDIR/lab.out"
}

until_true() {
	local i
	for ((i = 0; i < 1000; i++)); do
		! "$@" || return 0
		_tick
	done
	echo "not in 10 s: $*" >&2
	return 1
}

@test "the command gets a daemon of its own, PATH and a private directory" {
	cat >"$BATS_TEST_TMPDIR/in" <<-'END'
		[[ $QVM_LAB == "$TMPDIR"/qvm-lab.?????? && $QVM_ENDPOINT == unix:$QVM_LAB/* && $PATH == "$BIN":* ]] || exit 1
		stat -c '%A %n' "$QVM_LAB" "${QVM_ENDPOINT#unix:}" | sed "s,$QVM_LAB,DIR,"
		QVM_TEST_SOCKET=${QVM_ENDPOINT#unix:}
		raw admin.vm.property.Get+label work
	END
	expect 0 "qvm-lab bash $BATS_TEST_TMPDIR/in" \
		$'drwx------ DIR\nsrw-rw---- DIR/qubesd.sock\n0\\0default=False type=label blue\n' ''
}

@test "its exit code, standard input and options are the command's" {
	expect 7 'qvm-lab sh -c "exit 7"' '' ''
	expect 143 'qvm-lab sh -c "kill \$\$"' '' ''
	expect 0 'echo a | qvm-lab cat -u -' $'a\n' ''
	expect 0 'qvm-lab --fixture empty echo --fixture --json -h' $'--fixture --json -h\n' ''
	expect 0 'qvm-lab -- echo -- x' $'-- x\n' ''
	expect 127 'qvm-lab /no/such' '' $'qvm-lab: error: cannot run \'/no/such\': No such file or directory\n'
	expect 126 'qvm-lab /' '' $'qvm-lab: error: cannot run \'/\': Permission denied\n'
}

@test "fixtures and versions are handed on; refusals say why" {
	# shellcheck disable=SC2016
	ask='QVM_TEST_SOCKET=${QVM_ENDPOINT#unix:}; raw admin.vm.CurrentState work; raw admin.nosuch dom0'
	expect 0 "qvm-lab --fixture empty bash -c '$ask'" \
		$'2\\0QubesVMNotFoundError\\0\\0No such domain: \'work\'\\0\n2\\0ProtocolError\\0\\0no such method: \'admin.nosuch\'\\0\n'
	expect 0 "qvm-lab --fixture empty --compat 4.2 bash -c '$ask'" \
		$'2\\0QubesVMNotFoundError\\0\\0No such domain: \'work\'\\0\n\n'
	expect 1 'qvm-lab --fixture nosuch true' '' "qvmd: error: there is no fixture 'nosuch' (a path has a slash or ends in .yaml)
qvm-lab: error: cannot start $BIN/qvmd: it has ended
"
	run --separate-stderr qvm-lab --compat 5 true
	assert_failure 2
	TMPDIR=/no/such run --separate-stderr qvm-lab true
	assert_success
}

@test "--state keeps the system, --keep the directory" {
	d=$BATS_TEST_TMPDIR/mine
	export QVM_TEST_SOCKET
	# shellcheck disable=SC2016
	set_tag='QVM_TEST_SOCKET=${QVM_ENDPOINT#unix:} raw admin.vm.tag.Set+mine work'
	# shellcheck disable=SC2016
	get_tag='QVM_TEST_SOCKET=${QVM_ENDPOINT#unix:} raw admin.vm.tag.Get+mine work'
	expect 0 "qvm-lab --state $d bash -c '$set_tag'" $'0\\0\n' ''
	expect 0 "qvm-lab --state $d --fixture empty bash -c '$get_tag'" $'0\\01\n' ''
	expect 0 "qvm-lab bash -c '$get_tag'" $'0\\00\n' ''

	run --separate-stderr qvm-lab --keep sh -c 'echo "$QVM_LAB"'
	assert_equal "$stderr" "qvm-lab: the lab is kept in $output"
	dir=$output
	expect 0 "qvm-lab --state $dir/state bash -c '$get_tag'" $'0\\00\n' ''
	rm -r "$dir"
}

@test "the policy of a lab: its own, where files may be added, or the one that is given" {
	cd "$BATS_TEST_TMPDIR"
	cat >script <<-'END'
		names() { qubesd-query -e dom0 policy.List dom0 | tail -c +3; }
		names
		printf 'any\n# more\n' | qubesd-query dom0 policy.Replace dom0 50-mine >/dev/null
		names
		ls "$QVM_LAB"
	END
	expect 0 'qvm-lab sh script | grep -v sock' \
		$'85-backup-restore\n50-mine\n85-backup-restore\nlocaltime\npolicy.d\nrun\nstate\nxs\n'
	mkdir other && echo '# none' >other/30.policy
	expect 0 'qvm-lab --policy-dir other sh script | grep -v sock' $'30\n30\n50-mine\nlocaltime\nrun\nstate\nxs\n'
	[[ -f other/50-mine.policy && ! -e $ROOT/cmd/agent/policy/50-mine.policy ]]
}

@test "the real xenstored serves the lab" {
	# shellcheck disable=SC2016
	show='echo "$XENSTORED_RUNDIR $XENSTORED_PATH" | sed "s,$QVM_LAB,DIR,g"; ls $QVM_LAB; xenstore-write a/b c; xenstore-ls -f -p a'
	expect 0 "qvm-lab sh -c '$show'" 'DIR/xs DIR/xs/socket
localtime
policy.d
qubesd.sock
qubesd.sock.qrexec
run
state
xs
a/b = "c"   (n0)
'
	expect 1 "qvm-lab --xenstored none sh -c '$show'" 'DIR/xs DIR/xs/socket
localtime
policy.d
qubesd.sock
qubesd.sock.qrexec
run
state
' $'xenstore-write: xs_open: No such file or directory\nxenstore-ls: xs_open: No such file or directory\n'
	expect 0 'qvm-lab --xenstored /bin/false true' '' \
		$'qvm-lab: there is no XenStore: cannot start /bin/false: it has ended\n'
	expect 0 "qvm-lab --xenstored $(xenstored_program) true" '' ''
	printf '#!/bin/sh\nprintf "no \\033[31m luck\\nmore\\n" >&2\n' >"$BATS_TEST_TMPDIR/bad"
	chmod +x "$BATS_TEST_TMPDIR/bad"
	expect 0 "qvm-lab --xenstored $BATS_TEST_TMPDIR/bad true" '' \
		$'qvm-lab: there is no XenStore: cannot start '"$BATS_TEST_TMPDIR"$'/bad: no _[31m luck\n'
}

@test "signals reach the command" {
	for s in TERM INT HUP QUIT USR1 USR2; do
		# shellcheck disable=SC2016
		lab_start bash -c 'tail -f /dev/null & t=$!; trap "kill $t; echo got; exit 3" '$s'; echo ready; wait'
		kill -$s "$LAB"
		status=0
		wait "$LAB" || status=$?
		assert_equal "$s $status $(tr '\n' ' ' <"$BATS_TEST_TMPDIR/lab.out")" "$s 3 ready got "
	done
}

@test "killed, it leaves nothing behind" {
	# shellcheck disable=SC2016
	lab_start sh -c 'echo $QVM_LAB ready; exec tail -f /dev/null'
	read -r dir _ <"$BATS_TEST_TMPDIR/lab.out"
	[[ -S $dir/qubesd.sock ]]
	xenstored=$(pgrep -P "$(pgrep -P "$LAB" -x qvm-lab-keeper)" -x xenstored)
	kill -9 "$LAB"
	wait "$LAB" || :
	gone() { [[ ! -e $dir ]] && _gone "$xenstored"; }
	until_true gone
	no_process() { ! pgrep -f "$TMPDIR" >/dev/null; }
	until_true no_process
}

@test "the daemon ends with its keeper" {
	# shellcheck disable=SC2016
	lab_start sh -c 'echo $QVM_LAB ready; exec tail -f /dev/null'
	read -r dir _ <"$BATS_TEST_TMPDIR/lab.out"
	keeper=$(pgrep -P "$LAB" -x qvm-lab-keeper)
	daemons=$(pgrep -P "$keeper" | xargs)
	assert_equal "$(pgrep -P "$keeper" -x 'qvmd|xenstored' | xargs)" "$daemons"
	kill -9 "$keeper"
	# shellcheck disable=SC2086
	ended() { ! kill -0 $daemons 2>/dev/null; }
	until_true ended
	kill "$LAB"
	wait "$LAB" || :
	rm -r "$dir"
}

@test "without a command: a shell that says where one is, with completion" {
	export HOME=$BATS_TEST_TMPDIR SHELL=/bin/bash
	echo 'PS1="mine> "; PATH=/usr/bin:/bin' >"$HOME/.bashrc"
	run --separate-stderr qvm-lab <<<'command -v qvm-lab; complete -p qvm-ls >/dev/null && echo completes; exit 5'
	assert_failure 5
	assert_output "$BIN/qvm-lab
completes"
	[[ $stderr == *"(lab) mine> "* ]]
	SHELL=/bin/sh run --separate-stderr qvm-lab <<<'echo "$QVM_LAB" | wc -l'
	assert_success
	assert_output 1
	[[ $stderr == *"(lab) \$ "* ]]
}
