#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-run (tools-runtime 6 and its vectors in chapter 14) with a stand-in for the qrexec clients (lib/qrexec.sh).

load lib/common

setup() {
	export QREXEC_LOG=$BATS_TEST_TMPDIR/argv QVM_QREXEC_CLIENT=$ROOT/tests/lib/qrexec.sh QREXEC_DO=
	: >"$QREXEC_LOG"
	unset DISPLAY
}

# World A of tools-runtime 14, whose qubes have no features; what it answers otherwise, on stdin.
start_world() {
	{
		cat
		echo '# otherwise'
		cat <<-'END'
			> admin.vm.List+ dom0
			< 0\0dom0 class=AdminVM state=Running\nsys-net class=AppVM state=Running\nsys-usb class=AppVM state=Running\nvault class=AppVM state=Halted\nwork class=AppVM state=Running\n
			> admin.vm.CurrentState+ vault
			< 0\0power_state=Halted
			> admin.vm.CurrentState+ work
			< 0\0power_state=Running
			> admin.vm.CurrentState+ sys-net
			< 0\0power_state=Running
			> admin.vm.CurrentState+ sys-usb
			< 0\0power_state=Running
			> admin.vm.Start+ vault
			< 0\0
			> admin.vm.property.Get+default_user work
			< 0\0default=True type=str user
		END
		local q f
		for q in work vault sys-net sys-usb dvm; do
			for f in vmexec supported-rpc.qubes.VMRootExec os internal gui; do
				printf '> admin.vm.feature.CheckWithTemplate+%s %s\n< 2\\0QubesFeatureNotFoundError\\0\\0no\\0\n' $f $q
			done
			printf '> admin.vm.feature.Get+internal %s\n< 2\\0QubesFeatureNotFoundError\\0\\0no\\0\n' $q
			printf "> admin.vm.Start+ %s\n< 2\\\\0QubesVMNotHaltedError\\\\0\\\\0Domain is not powered off: '%s'\\\\0\n" $q $q
		done
	} | awk '/^# otherwise/ { more = 1 } /^>/ { skip = more && seen[$0]; seen[$0] = 1 } !skip' >"$BATS_TEST_TMPDIR/world"
	start_script "$BATS_TEST_TMPDIR/world"
}

# Answers to a question about a feature.
feature() { printf '> admin.vm.feature.CheckWithTemplate+%s %s\n< 0\\0%s\n' "$1" "$2" "${3-1}"; }

# Lines "ARGUMENTS|ARGV": what the client is called with, in the present world.
check_argv() {
	local args want
	while IFS='|' read -r args want; do
		: >"$QREXEC_LOG"
		bash -c "qvm-run -q $args" </dev/null >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- || cat "$BATS_TEST_TMPDIR/err" >&2
		assert_equal "$args: $(cat "$QREXEC_LOG")" "$args: $want"
	done
}

@test "argv of qrexec-client: recorded rows" {
	start_world </dev/null
	check_argv <<-'END'
		work ls|[-d][work][-p][ls; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
		work ls -la /x|[-d][work][-p][ls -la /x; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
		-u joe --no-shell work id|[-d][work][-p][id; exit\n][joe:QUBESRPC qubes.VMShell+ dom0]
		-u root work id|[-d][work][-p][id; exit\n][root:QUBESRPC qubes.VMShell+ dom0]
		--service work test.Svc+arg|[-d][work][-e][DEFAULT:QUBESRPC test.Svc+arg dom0]
		-p --service work test.Svc|[-d][work][DEFAULT:QUBESRPC test.Svc+ dom0]
		--service -u root work test.Svc|[-d][work][-e][root:QUBESRPC test.Svc+ dom0]
		work ''|[-d][work][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
		work "it's" '' a=b|[-d][work][-p]['it'"'"'s' '' a=b; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
		work $'ls\n\n'|[-d][work][-p][ls; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
		work $'a\nb'|[-d][work][-p][a\nb; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
		-p --filter-escape-chars work ls|[-d][work][-t][-T][-p][ls; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
		--filter-escape-chars work ls|[-d][work][-p][ls; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
		-p --filter-escape-chars --localcmd cat work ls|[-d][work][-p][ls; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
	END
}

@test "argv of qrexec-client: with vmexec and rootexec" {
	start_world < <(feature vmexec work; feature supported-rpc.qubes.VMRootExec work; feature vmexec sys-usb)
	check_argv <<-'END'
		work -- ls -a|[-d][work][DEFAULT:QUBESRPC qubes.VMExec+ls+--a dom0]
		work ls -a --b=c é|[-d][work][DEFAULT:QUBESRPC qubes.VMExec+ls+--a+----b-3Dc+-C3-A9 dom0]
		work ls 'a b' "c'd" '$x' ''|[-d][work][DEFAULT:QUBESRPC qubes.VMExec+ls+a-20b+c-27d+-24x+ dom0]
		-- work -- x|[-d][work][DEFAULT:QUBESRPC qubes.VMExec+----+x dom0]
		--no-shell work ''|[-d][work][DEFAULT:QUBESRPC qubes.VMExec+ dom0]
		--no-shell work id|[-d][work][DEFAULT:QUBESRPC qubes.VMExec+id dom0]
		-u joe work id -u|[-d][work][joe:QUBESRPC qubes.VMExec+id+--u dom0]
		-u root work id -u|[-d][work][DEFAULT:QUBESRPC qubes.VMRootExec+id+--u dom0]
		-u root work id|[-d][work][-p][id; exit\n][DEFAULT:QUBESRPC qubes.VMRootShell+ dom0]
		-u root sys-usb id -u|[-d][sys-usb][root:QUBESRPC qubes.VMExec+id+--u dom0]
	END
}

@test "a Windows qube has another end of the line" {
	start_world < <(feature os work Windows)
	check_argv <<-'END'
		work dir|[-d][work][-p][dir& exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
	END
}

@test "splitting of the line" {
	start_world < <(feature vmexec work)
	check_argv <<-'END'
		work ls -- -a|[-d][work][DEFAULT:QUBESRPC qubes.VMExec+ls+--a dom0]
		work ls a -- b|[-d][work][DEFAULT:QUBESRPC qubes.VMExec+ls+a+----+b dom0]
		-- work ls|[-d][work][-p][ls; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
		-- work -- ls|[-d][work][DEFAULT:QUBESRPC qubes.VMExec+----+ls dom0]
		work -- --|[-d][work][-p][--; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
		work ls --help|[-d][work][DEFAULT:QUBESRPC qubes.VMExec+ls+----help dom0]
	END
}

@test "usage errors, in their order, without a client" {
	start_world </dev/null
	local args want
	while IFS='|' read -r args want; do
		run --separate-stderr bash -c "qvm-run $args"
		assert_equal "$args: $status ${stderr_lines[-1]} [$output]" "$args: 2 qvm-run: error: $want []"
		assert_equal "${stderr%%:*}" usage
	done <<-'END'
		|the following arguments are required: VMNAME, COMMAND
		work|the following arguments are required: COMMAND, ARG
		work --|the following arguments are required: COMMAND, ARG
		--dispvm id|the following arguments are required: COMMAND, ARG
		work -u root id|unrecognized arguments: -u
		--exclude work work ls|--exclude can only be used with --all
		--exclude work --dispvm -- ls|--exclude can only be used with --all
		--exclude work nosuch ls|--exclude can only be used with --all
		nosuch ls|no such domain: 'nosuch'
		'w*' ls|no such domain: 'w*'
		--localcmd cat --no-shell nosuch ls|no such domain: 'nosuch'
		-p --all ls|--passio cannot be used when more than 1 qube is chosen and no --localcmd is used
		-p --color-output 32 --no-filter-escape-chars --all ls|--passio cannot be used when more than 1 qube is chosen and no --localcmd is used
		--localcmd cat work ls|--localcmd have no effect without --pass-io
		--localcmd cat --color-output 32 work ls|--localcmd have no effect without --pass-io
		-p --color-output 32 work ls|--color-output must be used with --filter-escape-chars
		--color-output 32 --no-shell --service work ls|--color-output must be used with --filter-escape-chars
		--no-shell --service work x|--no-shell does not apply to --service
		--filter-escape-chars --color-output 'x[' work ls|invalid colour 'x[': digits are wanted, such as 31
		--all --dispvm ls|argument --dispvm: not allowed with argument --all
		--where name=work --dispvm -- ls|argument --dispvm: not allowed with argument --where
		--no-c work ls|ambiguous option: --no-c could match --no-colour-output, --no-color-output, --no-colour-stderr, --no-color-stderr
	END
	assert_equal "$(cat "$QREXEC_LOG")" ''
}

@test "messages, levels and exit statuses" {
	start_world <<-'END'
		> admin.vm.Start+ sys-usb
		< 2\0QubesException\0\0boom\0
		> admin.vm.CurrentState+ sys-net
		< 0\0power_state=Paused
		> admin.vm.Unpause+ sys-net
		< 2\0QubesException\0\0no\0
		> admin.vm.List+ dom0
		< 0\0dom0 class=AdminVM state=Running\nsys-fw class=AppVM state=Running\nsys-net class=AppVM state=Running\nsys-usb class=AppVM state=Running\nvault class=AppVM state=Halted\nwork class=AppVM state=Running\n
		> admin.vm.CurrentState+ sys-fw
		< 2\0QubesException\0\0secret\0
	END
	expect 0 'qvm-run work ls x' '' $'Running \'ls\' on work\n'
	expect 0 'qvm-run -q work ls' '' ''
	expect 0 'qvm-run -p work ls' '' ''
	expect 1 'qvm-run -n vault ls' '' $'Qube \'vault\' not started\n'
	expect 1 'qvm-run -n -a -n sys-net ls' '' $'Qube \'sys-net\' is paused\n'
	expect 1 'qvm-run -p -n sys-net ls' '' ''
	expect 1 'qvm-run sys-net ls' '' $'Qube \'sys-net\' cannot be unpaused\n'
	expect 255 'qvm-run sys-usb ls' '' $'Running \'ls\' on sys-usb\nsys-usb: boom\n'
	expect 255 'qvm-run -q sys-usb ls' '' $'boom\n'
	expect 255 'qvm-run sys-fw ls' '' $'sys-fw: secret\n'
	expect 0 'qvm-run --service work a.B more words' '' \
		$'a service has no arguments of its own: \'more\' is left out\nRunning \'a.B\' on work\n'
	export QREXEC_DO='exit 3'
	expect 3 'qvm-run work ls' '' $'Running \'ls\' on work\nwork: command failed with code: 3\n'
	expect 3 'qvm-run -p work ls' '' ''
	expect 9 "qvm-run -p --localcmd 'exit 9' work ls" '' ''
	expect 3 "qvm-run -pv --localcmd 'exit 2' work ls 2>&1 | grep -v '^>'; exit \${PIPESTATUS[0]}" \
		$'Running \'ls\' on work\nwork: command failed with code: 3\nwork: command failed with code: 2\n' ''
	QREXEC_DO='kill -9 $$'
	expect 137 'qvm-run work ls' '' $'Running \'ls\' on work\nwork: command failed with code: 137\n'
	QVM_QREXEC_CLIENT=/nonexistent expect 1 'qvm-run -p work ls' '' \
		$'Error: cannot run /nonexistent: No such file or directory\n'
	expect 1 'qvm-run -q dom0 ls' '' $'Error: running commands in dom0 is supported only with --pass-io --service\n'
}

@test "calls, and those that -n leaves out" {
	start_world < <(feature vmexec sys-usb; printf '> admin.vm.Unpause+ sys-net\n< 0\\0\n'
		printf '> admin.vm.CurrentState+ sys-net\n< 0\\0power_state=Paused\n')
	local args want
	while IFS='|' read -r args want; do
		calls_clear
		bash -c "qvm-run -q $args" </dev/null
		assert_equal "$args: $(calls | tr '\n' ' ' | sed "s/admin.vm.//g; s/feature.CheckWithTemplate/f/g")" "$args: dom0 List+ $want "
	done <<-'END'
		work ls|work CurrentState+ work f+os work Start+
		-n work ls|work CurrentState+ work f+os
		vault ls|vault CurrentState+ vault f+os vault Start+
		--service work a.B|work CurrentState+ work Start+
		work ls x|work CurrentState+ work f+vmexec work f+os work Start+
		sys-usb ls x|sys-usb CurrentState+ sys-usb f+vmexec sys-usb Start+
		-u root sys-usb ls x|sys-usb CurrentState+ sys-usb f+vmexec sys-usb f+supported-rpc.qubes.VMRootExec sys-usb Start+
		-u root work ls|work CurrentState+ work f+supported-rpc.qubes.VMRootExec work f+os work Start+
		sys-net ls|sys-net CurrentState+ sys-net Unpause+ sys-net f+os sys-net Start+
		work ''|work CurrentState+ work Start+
	END
}

@test "--all: running, not paused, not internal, each with its own service and user" {
	start_world < <(feature supported-rpc.qubes.VMRootExec sys-net
		printf '> admin.vm.feature.Get+internal sys-usb\n< 0\\01\n')
	calls_clear
	expect 0 'qvm-run --all -u root id' '' $'Running \'id\' on sys-net\nRunning \'id\' on work\n'
	# The clients run together: their lines come in any order.
	assert_equal "$(sort "$QREXEC_LOG")" "$(printf '%s\n' \
		'[-d][sys-net][-p][id; exit\n][DEFAULT:QUBESRPC qubes.VMRootShell+ dom0]' \
		'[-d][work][-p][id; exit\n][root:QUBESRPC qubes.VMShell+ dom0]')"
	assert_equal "$(calls | grep -c CurrentState)" 4
	: >"$QREXEC_LOG"
	expect 0 'qvm-run -q --all --exclude work ls x' '' ''
	assert_equal "$(cat "$QREXEC_LOG")" '[-d][sys-net][-p][ls x; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]'
	: >"$QREXEC_LOG"
	expect 0 'qvm-run -q --where name=w* -p ls' '' ''
	assert_equal "$(cat "$QREXEC_LOG")" '[-d][work][-p][ls; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]'
	expect 0 'qvm-run --where name=nosuch ls' '' ''
	# One alone may have our streams.
	expect 0 'qvm-run -p --all --exclude sys-net ls' '' ''
}

@test "--all: a refused start stops what would come, and waits for what runs" {
	start_world <<-'END'
		> admin.vm.Start+ sys-usb
		< 2\0QubesException\0\0boom\0
	END
	mkfifo "$BATS_TEST_TMPDIR/gate"
	export QREXEC_DO="read -r _ <$BATS_TEST_TMPDIR/gate; echo done >>$BATS_TEST_TMPDIR/end"
	qvm-run --all ls 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	local pid=$! status=0 i
	for ((i = 0; i < 1000; i++)); do
		grep -qs boom "$BATS_TEST_TMPDIR/err" && break
		_tick
	done
	echo go >"$BATS_TEST_TMPDIR/gate"
	wait "$pid" || status=$?
	assert_equal "$status $(cat "$BATS_TEST_TMPDIR/end")" '255 done'
	assert_equal "$(cat "$BATS_TEST_TMPDIR/err")" "Running 'ls' on sys-net"$'\n'"Running 'ls' on sys-usb"$'\n'"sys-usb: boom"
	assert_equal "$(wc -l <"$QREXEC_LOG")" 1
}

@test "windows: the session is waited for before the command" {
	start_world <<-'END'
		> admin.vm.property.Get+guivm work
		< 0\0default=True type=vm dom0
		> admin.vm.property.Get+guivm sys-usb
		< 0\0default=True type=vm
		> admin.vm.feature.CheckWithTemplate+gui sys-net
		< 0\0
		> admin.vm.property.Get+guivm sys-net
		< 0\0default=True type=vm dom0
		> admin.vm.property.Get+guivm vault
		< 2\0QubesNoSuchPropertyError\0\0no\0
	END
	export DISPLAY=:9 session='[-d][work][DEFAULT:QUBESRPC qubes.WaitForSession+ dom0]'
	export QREXEC_DO="[ \$service != qubes.WaitForSession+ ] || { cat >>$BATS_TEST_TMPDIR/user; exit 7; }"
	local ls='[-p][ls; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]' args want
	while IFS='|' read -r args want; do
		: >"$QREXEC_LOG"
		calls_clear
		expect 0 "qvm-run -q $args ls" '' ''
		assert_equal "$args: $(cat "$QREXEC_LOG")" "$args: ${want//%/$'\n'}"
	done <<-END
		work|$session%[-d][work]$ls
		--no-gui work|[-d][work]$ls
		--gui --no-gui work|[-d][work]$ls
		--no-gui --gui work|$session%[-d][work]$ls
		sys-usb|[-d][sys-usb]$ls
		sys-net|[-d][sys-net]$ls
		vault|[-d][vault]$ls
	END
	assert_equal "$(cat "$BATS_TEST_TMPDIR/user")" useruser
	unset DISPLAY
	calls_clear
	expect 0 'qvm-run -q work ls' '' ''
	assert_equal "$(calls | grep -c guivm || :)" 0
	# Where there is no user to wait for, nothing runs.
	expect 255 'qvm-run --gui sys-usb ls' '' \
		$'Running \'ls\' on sys-usb\nsys-usb: unexpected call\n'
}

# What the world has for disposables.
disposables() {
	cat <<-'END'
		> admin.vm.CreateDisposable+ dvm
		< 0\0disp1234
		> admin.vm.CreateDisposable+ dom0
		< 0\0disp77
		> admin.vm.property.Get+default_dispvm dom0
		< 0\0default=True type=vm dvm
		> admin.vm.property.Get+qrexec_timeout disp1234
		< 0\0default=True type=int 60
		> admin.vm.property.Get+qrexec_timeout disp77
		< 0\0default=True type=int 90
		> admin.vm.Start+ disp1234
		< 0\0
		> admin.vm.Start+ disp77
		< 0\0
		> admin.vm.Kill+ disp1234
		< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'disp1234'\0
	END
}

@test "disposables: made, started, run, killed" {
	start_world < <(feature vmexec dvm; disposables)
	check_argv <<-'END'
		--dispvm=dvm id -u|[-d][disp1234][-w][60][DEFAULT:QUBESRPC qubes.VMExec+id+--u dom0]
		--dispvm dvm id -u|[-d][disp1234][-w][60][DEFAULT:QUBESRPC qubes.VMExec+id+--u dom0]
		--gui --dispvm=dvm id -u|[-d][disp1234][-w][60][DEFAULT:QUBESRPC qubes.VMExecGUI+id+--u dom0]
		--gui --dispvm=dvm ls|[-d][disp1234][-p][ls; exit\n][-w][60][DEFAULT:QUBESRPC qubes.VMShell+WaitForSession dom0]
		-n --dispvm -- ls|[-d][disp77][-p][ls; exit\n][-w][90][DEFAULT:QUBESRPC qubes.VMShell+ dom0]
		--dispvm --service a.B|[-d][disp77][-w][90][DEFAULT:QUBESRPC a.B+ dom0]
	END
	calls_clear
	QREXEC_DO='exit 4' expect 4 'qvm-run --dispvm -- id -u' '' \
		$'Running \'id\' on @dispvm\ndisp77: command failed with code: 4\n'
	assert_equal "$(calls | tr '\n' ' ')" "dom0 admin.vm.property.Get+default_dispvm dvm admin.vm.feature.CheckWithTemplate+vmexec \
dom0 admin.vm.CreateDisposable+ disp77 admin.vm.property.Get+qrexec_timeout disp77 admin.vm.Start+ disp77 admin.vm.Kill+ "
}

@test "disposables: what fails, and is killed nevertheless" {
	start_world < <(disposables | sed -e 's/^< 0\\0disp77$/< 0\\0-x/' -e '/Start+ disp1234/{n;s/.*/< 2\\0QubesException\\0\\0disp start fail\\0/}')
	calls_clear
	expect 255 'qvm-run --dispvm=dvm ls' '' $'Running \'ls\' on @dispvm:dvm\n@dispvm:dvm: disp start fail\n'
	assert_equal "$(calls | tail -n 1)" 'disp1234 admin.vm.Kill+'
	run --separate-stderr qvm-run -q --dispvm -- ls
	assert_equal "$status $(cat "$QREXEC_LOG")" '255 '
}

@test "streams: ours with -p, none without, those of --localcmd" {
	start_world </dev/null
	export QREXEC_DO='cat; echo "to stderr" >&2; exit 5'
	expect 5 'echo in | qvm-run -p work ls' $'in\n' $'to stderr\n'
	expect 5 'echo in | qvm-run -q work ls' '' ''
	# The command here speaks first, then gets what it said.
	expect 5 "echo ours | qvm-run -p --localcmd 'echo hello; exec >&-; cat >$BATS_TEST_TMPDIR/got' work ls" '' $'to stderr\n'
	assert_equal "$(cat "$BATS_TEST_TMPDIR/got")" hello
	QREXEC_DO='cat'
	expect 0 'head -c 3000000 /dev/zero | qvm-run -p work cat | wc -c' $'3000000\n' ''
}

@test "colours and filtering by streams" {
	start_world </dev/null
	export QREXEC_DO='printf hello' esc=$'\e['
	expect 0 'qvm-run -p --filter-escape-chars work ls' "${esc}0;31mhello${esc}0m" ''
	expect 0 'qvm-run -p --filter-escape-chars --no-filter-escape-chars work ls' 'hello' ''
	expect 0 'qvm-run -p --filter-escape-chars --colour-output 32 work ls' "${esc}0;32mhello${esc}0m" ''
	expect 0 'qvm-run -p --filter-escape-chars --color-output 32 --no-color-output work ls' 'hello' ''
	expect 0 'qvm-run -q --colour-stderr 33 work ls' '' "${esc}0;33m${esc}0m"
	expect 0 'qvm-run --colour-stderr 33 work ls' '' "${esc}0;33m${esc}0mRunning 'ls' on work${esc}0;33m"$'\n'"${esc}0m"
}

# on_terminal STREAMS COMMAND: with these of 0, 1, 2 on a terminal, others on files; prints what the terminal got, escape
# as E, without the returns that a terminal puts before its newlines.
on_terminal() {
	local d=$BATS_TEST_TMPDIR redirections=''
	[[ $1 == *0* ]] || redirections+=' </dev/null'
	[[ $1 == *1* ]] || redirections+=" >$d/out"
	[[ $1 == *2* ]] || redirections+=" 2>$d/err"
	: >"$d/out" >"$d/err"
	script -qec "$2$redirections" /dev/null </dev/null | tr -d '\r' | tr '\033' E
}

@test "colours and filtering on terminals: recorded rows" {
	start_world </dev/null
	export QREXEC_DO='printf hello'
	local on args got want argv
	while IFS='|' read -r on args got want argv; do
		: >"$QREXEC_LOG"
		assert_equal "$on $args: $(on_terminal "$on" "qvm-run $args work ls"; printf .)" "$on $args: ${got//%/$'\n'}."
		assert_equal "$on $args: $(tr '\033' E <"$BATS_TEST_TMPDIR/out")" "$on $args: $want"
		assert_equal "$on $args: $(cat "$QREXEC_LOG")" "$on $args: [-d][work]$argv[-p][ls; exit\n][DEFAULT:QUBESRPC qubes.VMShell+ dom0]"
	done <<-'END'
		012|-p|E[0;31mE[0;31mhelloE[0mE[0m||[-t][-T]
		1|-p|E[0;31mhelloE[0m||[-t][-T]
		2|-p|E[0;31mE[0m|hello|[-T]
		1|-p --no-filter-escape-chars|hello||
		1|-p --color-output 32|E[0;32mhelloE[0m||[-t][-T]
		2||Running 'ls' on work%||[-T]
	END
	QREXEC_DO='printf "hello\n"; exit 2'
	assert_equal "$(on_terminal 012 'qvm-run -pv --no-gui work ls' | sed -z 's/> admin[^\n]*\n//g')" \
		"$(printf '%s\n' "E[0;31mE[0;31mE[0mRunning 'ls' on workE[0;31m" hello "E[0mwork: command failed with code: 2E[0;31m" 'E[0mE[0m' )"
}

@test "a signal goes to the children, and colours are taken back" {
	start_world < <(disposables)
	mkfifo "$BATS_TEST_TMPDIR/gate"
	export QREXEC_DO="echo >$BATS_TEST_TMPDIR/gate; exec sleep 1000"
	local name want pid status args
	while IFS='|' read -r name want args; do
		status=0
		: >"$QREXEC_LOG"
		bash -c "exec env --default-signal=INT qvm-run $args ls" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
		pid=$!
		read -r _ <"$BATS_TEST_TMPDIR/gate"
		kill -s "$name" "$pid"
		wait "$pid" || status=$?
		assert_equal "$name $status $(tr '\033' E <"$BATS_TEST_TMPDIR/out")" "$name $want"
	done <<-'END'
		INT|130 E[0;31mE[0m|-p --filter-escape-chars work
		TERM|143 |work
		HUP|129 |-p work
		INT|130 |--dispvm=dvm
	END
	assert_equal "$(calls | tail -n 1)" 'disp1234 admin.vm.Kill+'
}

@test "a signal before a disposable's command is run: it is not run" {
	start_world < <(disposables | sed 's/^< .*\(disp1234\|type=int 60\)$/delay 500\n&/')
	local call pid status
	for call in CreateDisposable qrexec_timeout; do
		status=0
		calls_clear
		bash -c 'exec env --default-signal=INT qvm-run -q --dispvm=dvm ls' 3>&- &
		pid=$!
		until grep -q "$call" "$CALLS_LOG"; do _tick; done
		kill -INT "$pid"
		wait "$pid" || status=$?
		assert_equal "$call $status $(cat "$QREXEC_LOG")" "$call 130 "
		assert_equal "$(calls | tail -n 1)" 'disp1234 admin.vm.Kill+'
	done
}

@test "a signal ends it though the daemon does not answer any more" {
	start_world < <(disposables)
	mkfifo "$BATS_TEST_TMPDIR/gate"
	export QREXEC_DO="echo >$BATS_TEST_TMPDIR/gate; exec sleep 1000"
	local pid status=0
	bash -c 'exec env --default-signal=INT timeout --foreground -s KILL 20 qvm-run -q --dispvm=dvm ls' 3>&- &
	pid=$!
	read -r _ <"$BATS_TEST_TMPDIR/gate"
	kill -STOP "$SCRIPT_PID"
	kill -INT "$pid"
	wait "$pid" || status=$?
	kill -CONT "$SCRIPT_PID"
	assert_equal "$status" 130
	# Here it is the start of the second qube that is waited for.
	status=0
	calls_clear
	QREXEC_DO="kill -STOP $SCRIPT_PID; $QREXEC_DO" \
		bash -c 'exec env --default-signal=INT timeout --foreground -s KILL 20 qvm-run -q --all ls' 3>&- &
	pid=$!
	read -r _ <"$BATS_TEST_TMPDIR/gate"
	until _gone "$pid"; do kill -INT "$pid" && _tick; done
	wait "$pid" || status=$?
	kill -CONT "$SCRIPT_PID"
	assert_equal "$status" 130
}

@test "a signal while a session is waited for: the command is not run, and that is no success" {
	start_world </dev/null
	mkfifo "$BATS_TEST_TMPDIR/gate"
	export QREXEC_DO="echo >$BATS_TEST_TMPDIR/gate; exec sleep 1000"
	local pid status=0
	bash -c 'exec env --default-signal=INT qvm-run -q --gui work ls' 3>&- &
	pid=$!
	read -r _ <"$BATS_TEST_TMPDIR/gate"
	kill -INT "$pid"
	wait "$pid" || status=$?
	assert_equal "$status $(cat "$QREXEC_LOG")" '130 [-d][work][DEFAULT:QUBESRPC qubes.WaitForSession+ dom0]'
}

@test "fifty qubes: all their commands run at once" {
	local i
	start_script < <(
		printf '> admin.vm.List+ dom0\n< 0\\0'
		for i in {10..59}; do printf 'q%s class=AppVM state=Running\\n' "$i"; done
		printf '\n> * *\n< 0\\0power_state=Running\n'
		for i in {10..59}; do
			printf '> admin.vm.feature.Get+internal q%s\n< 2\\0QubesFeatureNotFoundError\\0\\0no\\0\n' "$i"
		done
	)
	# Each waits until all are there.
	export QREXEC_DO="echo \$dest >>$BATS_TEST_TMPDIR/there
		until [ \$(wc -l <$BATS_TEST_TMPDIR/there) = 50 ]; do read -rt 0.05 _ <> <(:); done; :"
	expect 0 'qvm-run -q --all ls' '' ''
	assert_equal "$(sort -u "$BATS_TEST_TMPDIR/there" | wc -l)" 50
}

@test "dom0: services only, through sudo" {
	start_world </dev/null
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho "$LC_ALL $*|$5"; cat\n' >"$BATS_TEST_TMPDIR/bin/sudo"
	chmod +x "$BATS_TEST_TMPDIR/bin/sudo"
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH
	expect 0 'echo x | qvm-run -p -u joe --service dom0 qubes.X+arg' $'C -u joe /etc/qubes-rpc/qubes.X arg|\nx\n' ''
	local args
	for args in '-p dom0 id' '--service dom0 qubes.X' '-p --service dom0 ../../bin/sh'; do
		expect 1 "qvm-run -q $args" '' $'Error: running commands in dom0 is supported only with --pass-io --service\n'
	done
}

# From a qube: the calls themselves go through the same client.
start_remote() {
	export QVM_ENDPOINT=qrexec: QVM_QREXEC_CLIENT_VM=$ROOT/tests/lib/qrexec.sh
	export QREXEC_DO="case \$service in
		admin.vm.List*) printf '0\\0work class=AppVM state=Running\\n' ;;
		admin.vm.CurrentState*) printf '0\\0power_state=Running' ;;
		admin.vm.feature.CheckWithTemplate+vmexec) [ -z \"\${VMEXEC:-}\" ] && printf '2\\0QubesFeatureNotFoundError\\0\\0no\\0' || printf '0\\0001' ;;
		admin.*) printf '2\\0QubesFeatureNotFoundError\\0\\0no\\0' ;;
		*) $1 ;;
		esac"
}

@test "from a qube: argv of qrexec-client-vm" {
	start_remote :
	local args want
	while IFS='|' read -r args want; do
		: >"$QREXEC_LOG"
		bash -c "VMEXEC=${args%%:*} qvm-run -q ${args#*:}" </dev/null >/dev/null 2>&1
		assert_equal "$args: $(grep -v '\[admin\.' "$QREXEC_LOG")" "$args: $want"
	done <<-'END'
		1:work ls x|[work][qubes.VMExec+ls+x]
		:work ls|[-p][ls; exit\n][work][qubes.VMShell]
		:-p --filter-escape-chars work ls|[-t][-T][-p][ls; exit\n][work][qubes.VMShell]
		:-p --no-filter-escape-chars work ls|[--no-filter-escape-chars-stdout][--no-filter-escape-chars-stderr][-p][ls; exit\n][work][qubes.VMShell]
		:--service work a.B+c|[work][a.B+c]
		:--dispvm --service a.B|[@dispvm][a.B]
		:--dispvm=dvm ls|[-p][ls; exit\n][@dispvm:dvm][qubes.VMShell]
	END
	expect 1 'qvm-run -q -u joe work ls' '' $'Error: non-default user not possible for calls from VM\n'
}

@test "from a qube: statuses of qrexec" {
	start_remote 'exit $CODE'
	local code
	for code in 125 126 127; do
		CODE=$code expect "$code" 'qvm-run work ls' '' $'Running \'ls\' on work\nwork: command failed with code: '$code$'\n'
	done
}

@test "a hostile name of a disposable, and hostile errors, do nothing to a terminal" {
	start_world <<-'END'
		> admin.vm.Start+ work
		< 2\0QubesException\0\0\x1b]0;title\x07 and \x9b\0
	END
	run on_terminal 2 'qvm-run -q work ls'
	assert_equal "$output" '_]0;title_ and _'
}
