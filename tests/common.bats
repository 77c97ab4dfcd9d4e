# SPDX-License-Identifier: GPL-2.0-or-later
# What all tools share (tools-config 1.3-1.11, admin-api 1.11-1.12, 3.3-3.5): endpoints, errors, selection,
# the ledger, JSON, lost writes, terminals.

load lib/common

# fails STATUS COMMAND TEXT: nothing on stdout, and the last line of stderr is TEXT.
fails() {
	run --separate-stderr bash -c "$2"
	assert_equal "$2: $status" "$2: $1"
	assert_equal "$output" ''
	assert_equal "${stderr##*$'\n'}" "$3"
}

# A stand-in for qrexec-client-vm: notes its arguments and its input, then does what $SAY says.
start_qrexec() {
	local d=$BATS_TEST_TMPDIR
	cat >"$d/client" <<-'END'
		#!/bin/bash
		printf '[%s]' "$@" >>"$LOG"
		printf ' <- %s\n' "$(cat)" >>"$LOG"
		eval "$SAY"
	END
	chmod +x "$d/client"
	: >"$d/log"
	export LOG=$d/log QVM_QREXEC_CLIENT_VM=$d/client QVM_ENDPOINT=qrexec: SAY="printf '0\\0'"
}

LIST='> admin.vm.List+ dom0
< 0\0dom0 class=AdminVM state=Running\na1 class=AppVM state=Running\na2 class=AppVM state=Halted\nb1 class=TemplateVM state=Halted\nb2 class=DispVM state=Paused\n'

# ---- endpoints ----

@test "nothing to talk to: the message names qvm-lab" {
	[[ ! -e /etc/qubes-release ]] || skip 'this is a Qubes OS system'
	export QVM_QREXEC_CLIENT_VM=/nowhere/client
	local text="Failed to connect to qubesd service: this is not a Qubes OS system (no /etc/qubes-release, \
no /nowhere/client); 'qvm-lab COMMAND' runs a command against a system of its own"
	fails 1 'qvm-prefs work netvm' "qvm-prefs: error: $text"
	fails 1 'qvm-tags --all' "qvm-tags: error: $text"
	fails 1 'qvm-start a b' "Error: $text"
	fails 1 'qvm-prefs work netvm </dev/null --json 2>&1 >/dev/null | tail -1 | jq -r .message >&2; exit 1' "$text"
	# A name without a slash is looked for on PATH, as everywhere.
	start_qrexec
	unset QVM_ENDPOINT
	PATH=$BATS_TEST_TMPDIR:$PATH QVM_QREXEC_CLIENT_VM=client SAY="printf '0\\0default=True type=vm x'" \
		expect 0 'qvm-prefs work netvm' $'x\n' ''
	# Help and usage errors need no endpoint.
	QVM_ENDPOINT=bogus run qvm-ls --help
	assert_equal "$status" 0
	QVM_ENDPOINT=bogus fails 2 'qvm-tags' 'qvm-tags: error: the following arguments are required: VMNAME'
}

@test "malformed variables" {
	local e
	for e in unix: unix tcp:host bogus qrexec qrexec:x UNIX:/x /run/x; do
		QVM_ENDPOINT=$e fails 1 'qvm-tags work' \
			"qvm-tags: error: QVM_ENDPOINT must be unix:PATH or qrexec:, not '$e'"
	done
	for e in x -1 1s ' 1' '1 ' 1e3 . , 1.2.3 99999999999999999999 0x10; do
		QVM_ENDPOINT=unix:/x QVM_TIMEOUT=$e fails 1 'qvm-tags work' \
			"qvm-tags: error: QVM_TIMEOUT must be a number of seconds, not '$e'"
	done
	start_script <<'EOF2'
> admin.vm.tag.List+ work
< 0\0t\n
EOF2
	for e in '' 0 10 0.5 10.25 .5 5. 18446744073 4294967.295; do
		QVM_TIMEOUT=$e expect 0 'qvm-tags work' $'t\n' ''
	done
}

@test "dead daemon" {
	local f='Failed to connect to qubesd service: [Errno'
	export QVM_ENDPOINT=unix:$BATS_TEST_TMPDIR/none
	fails 1 'qvm-tags work' "qvm-tags: error: $f 2] No such file or directory"
	fails 1 'qvm-tags --where tag=x' "qvm-tags: error: $f 2] No such file or directory"
	fails 1 'qvm-kill work' "Error: $f 2] No such file or directory"
	perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1)' "$BATS_TEST_TMPDIR/left"
	QVM_ENDPOINT=unix:$BATS_TEST_TMPDIR/left
	fails 1 'qvm-tags work' "qvm-tags: error: $f 111] Connection refused"
	QVM_TIMEOUT=5 fails 1 'qvm-tags work' "qvm-tags: error: $f 111] Connection refused"
	: >"$BATS_TEST_TMPDIR/plain"
	QVM_ENDPOINT=unix:$BATS_TEST_TMPDIR/plain fails 1 'qvm-tags work' \
		"qvm-tags: error: $f 111] Connection refused"
	QVM_ENDPOINT=unix:$BATS_TEST_TMPDIR/plain/x fails 1 'qvm-tags work' \
		"qvm-tags: error: $f 20] Not a directory"
	QVM_ENDPOINT=unix:$(printf '%0200d' 0) fails 1 'qvm-tags work' \
		"qvm-tags: error: $f 36] File name too long"
	QVM_ENDPOINT=qrexec: QVM_QREXEC_CLIENT_VM=$BATS_TEST_TMPDIR/none fails 1 'qvm-tags work' \
		"qvm-tags: error: $f 2] No such file or directory"
	QVM_ENDPOINT=qrexec: QVM_QREXEC_CLIENT_VM=$BATS_TEST_TMPDIR/plain fails 1 'qvm-tags work' \
		"qvm-tags: error: $f 13] Permission denied"
}

# ---- what comes back ----

@test "replies: from bytes to message" {
	local reply want n=0 script=$LIST$'\n' invalid='Invalid response format'
	local empty='Got empty response from qubesd. See journalctl in dom0 for details.'
	local -a table=(
		close "$empty"
		'2\0PermissionDenied\0\0not allowed\0' 'not allowed'
		'2\0ProtocolError\0\0no such method: '"'x'"'\0' "no such method: 'x'"
		'2\0SomethingNew\0Traceback\n  line\0what %% is 100% of %s and %d\0' 'what % is 100% of %s and %d'
		'2\0ValueError\0\0%s has %d of %s, 5%%\0a1\07\0x y\0' 'a1 has 7 of x y, 5%'
		'2\0ValueError\0\0%d and %s\0word\0' '%d and word'
		'2\0ValueError\0\0%s %s\0one\0' 'one %s'
		'2\0ValueError\0\0%s\0%n%n\0' '%n%n'
		'2\0ValueError\0\0%n%n%9999s\0' '%n%n%9999s'
		'2\0ValueError\0\0\0' ''
		'2\0ValueError\0\0cut off' 'cut off'
		'2\0DeviceNotAssigned\0\0'"'block device sda'"'\0' 'block device sda'
		'2\0DeviceNotFound\0\0"it'"'"'s"\0' "it's"
		'2\0ValueError\0' "$invalid"
		'2\0ValueErr' "$invalid"
		'2\0' "$invalid"
		2 "$invalid"
		0 "$invalid"
		'00' "$invalid"
		'1\0\0connection-established\0\0' "$invalid"
		'3\0x' "$invalid"
		'\0' "$invalid"
		'hello\n' "$invalid"
	)
	for ((n = 0; n < ${#table[@]}; n += 2)); do
		script+="> admin.vm.tag.List+ q$n"$'\n'"< ${table[n]}"$'\n'
	done
	start_script <<<"$script"
	# A missing qube is asked for only behind an empty reply: these are not in the list.
	for ((n = 2; n < ${#table[@]}; n += 2)); do
		expect 1 "qvm-tags q$n" '' "qvm-tags: error: ${table[n + 1]}"$'\n'
	done
	fails 2 'qvm-tags q0' "qvm-tags: error: no such domain: 'q0'"
	assert_equal "$(calls | grep -c List+)" $((${#table[@]} / 2 + 1))
}

@test "an empty reply about a qube that is there; text that only looks like its name" {
	start_script <<EOF2
$LIST
> admin.vm.tag.List+ a1
< close
> admin.vm.tag.Set+t a
< 2\0QubesVMNotFoundError\0\0No such domain: 'main'\0
> admin.vm.tag.List+ gone
< 2\0QubesVMNotFoundError\0\0No such domain: 'gone'\0
EOF2
	fails 1 'qvm-tags a1' \
		'qvm-tags: error: Got empty response from qubesd. See journalctl in dom0 for details.'
	fails 1 'qvm-tags a add t' "qvm-tags: error: No such domain: 'main'"
	calls_clear
	fails 2 'qvm-tags gone' "qvm-tags: error: no such domain: 'gone'"
	assert_equal "$(calls)" 'gone admin.vm.tag.List+'
}

@test "QVM_TIMEOUT: one deadline for one call and for many" {
	start_script <<EOF2
$LIST
> admin.vm.tag.List+ a1
delay 5000
< 0\0late\n
> admin.vm.tag.List+ a2
< 0\0t\n
> admin.vm.tag.List+ b1
< 0\0
delay 5000
< late\n
> admin.vm.tag.List+ b2
< 0\0t\n
EOF2
	local start=${EPOCHREALTIME/./}
	QVM_TIMEOUT=0.1 fails 1 'qvm-tags a1' 'qvm-tags: error: No answer from qubesd within 0.1 seconds'
	QVM_TIMEOUT=0.1 fails 1 'qvm-tags b1' 'qvm-tags: error: No answer from qubesd within 0.1 seconds'
	QVM_TIMEOUT=0.2 expect 1 'qvm-tags --all' $'a2  t\nb2  t\n' \
		$'qvm-tags: error: a1: No answer from qubesd within 0.2 seconds\nqvm-tags: error: b1: No answer from qubesd within 0.2 seconds\n'
	start_qrexec
	SAY='exec sleep 5' QVM_TIMEOUT=0.1 fails 1 'qvm-tags a1' \
		'qvm-tags: error: No answer from qubesd within 0.1 seconds'
	assert [ $((${EPOCHREALTIME/./} - start)) -lt 3000000 ]
}

@test "QVM_TIMEOUT: a server that never accepts" {
	# A queue of two, filled: connecting itself waits.
	perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) or die;
		my @c = map { IO::Socket::UNIX->new(Peer => $ARGV[0]) or die } 1 .. 2;
		$| = 1; print "full"; sleep 20' "$BATS_TEST_TMPDIR/full" >"$BATS_TEST_TMPDIR/ready" 3>&- &
	_remember $!
	until [[ -s $BATS_TEST_TMPDIR/ready ]]; do _tick; done
	export QVM_ENDPOINT=unix:$BATS_TEST_TMPDIR/full QVM_TIMEOUT=0.1
	fails 1 'qvm-tags a1' 'qvm-tags: error: No answer from qubesd within 0.1 seconds'
}

@test "calls overlap" {
	local i list='> admin.vm.List+ dom0'$'\n''< 0\0dom0 class=AdminVM state=Running\n' script=''
	for i in 1 2 3 4 5 6 7 8; do
		list+="q$i class=AppVM state=Halted\\n"
		script+="> admin.vm.tag.List+ q$i"$'\n'"delay 250"$'\n''< 0\0t\n'$'\n'
	done
	start_script <<<"$list"$'\n'"$script"
	local start=${EPOCHREALTIME/./} want=''
	for i in 1 2 3 4 5 6 7 8; do want+="q$i  t"$'\n'; done
	expect 0 'qvm-tags --all' "$want" ''
	# One after the other this is 2 s.
	assert [ $((${EPOCHREALTIME/./} - start)) -lt 1500000 ]
	assert_equal "$(calls | wc -l)" 9
}

@test "few open files: fewer calls at once, and none fails" {
	local i list='> admin.vm.List+ dom0'$'\n''< 0\0dom0 class=AdminVM state=Running\n' script='' want=''
	for i in {100..140}; do
		list+="q$i class=AppVM state=Halted\\n"
		script+="> admin.vm.tag.List+ q$i"$'\n''< 0\0t\n'$'\n'
		want+="q$i  t"$'\n'
	done
	start_script <<<"$list"$'\n'"$script"
	expect 0 'ulimit -n 24; exec qvm-tags --all 3>&-' "$want" ''
	start_qrexec
	SAY="case \$2 in admin.vm.List) printf '0\\0q1 class=AppVM state=Halted\\nq2 class=AppVM state=Halted\\n' ;;
		*) printf '0\\0t\\n' ;; esac" expect 0 'ulimit -n 20; exec qvm-tags --all' $'q1  t\nq2  t\n' ''
}

# ---- qrexec ----

@test "qrexec: arguments, payload, reply" {
	start_qrexec
	SAY="printf '0\\0default=True type=vm x'" expect 0 'qvm-prefs work netvm </dev/zero' $'x\n' ''
	expect 0 'qvm-prefs work netvm sys-net' '' ''
	expect 0 'qvm-prefs work netvm none' '' ''
	expect 0 "qvm-prefs work kernelopts 'a b'" '' ''
	expect 0 'qvm-tags --calls work' '' $'admin.vm.tag.List work - 0\n'
	expect 0 'qvm-tags --calls work add t' '' $'admin.vm.tag.Set work t 0\n'
	assert_equal "$(<"$LOG")" '[work][admin.vm.property.Get+netvm] <- 
[work][admin.vm.property.Set+netvm] <- sys-net
[work][admin.vm.property.Set+netvm] <- 
[work][admin.vm.property.Set+kernelopts] <- a b
[work][admin.vm.tag.List] <- 
[work][admin.vm.tag.Set+t] <- '
	# More than a pipe holds, both ways.
	SAY='printf "0\0default=True type=str "; head -c 300000 /dev/zero | tr "\0" x' \
		run --separate-stderr bash -c 'qvm-prefs work kernelopts | wc -c'
	assert_equal "$output" 300001
}

@test "qrexec: refusals" {
	start_qrexec
	local list="case \$2 in admin.vm.List) printf '0\\0work class=AppVM state=Halted\\n' ;; *)" n
	for n in 1 125 126 255; do
		SAY="$list printf '0\\0ignored'; echo Request refused >&2; exit $n; esac" expect 1 'qvm-tags work' \
			'' $'qvm-tags: error: Service call error: Request refused\n'
	done
	SAY="$list kill -9 \$\$; esac" expect 1 'qvm-tags work' '' $'qvm-tags: error: Service call error: \n'
	SAY="$list printf 'one\\ntwo\\n' >&2; exit 126; esac" expect 1 'qvm-tags work' '' \
		$'qvm-tags: error: Service call error: one\ntwo\n'
	SAY="$list echo noise >&2; esac" expect 1 'qvm-tags work' '' \
		$'qvm-tags: error: Got empty response from qubesd. See journalctl in dom0 for details.\n'
	SAY="$list echo noise >&2; printf '0\\0t\\n'; esac" expect 0 'qvm-tags work' $'t\n' ''
	# A refusal and a missing qube look the same: the list tells.
	: >"$LOG"
	SAY="$list echo Request refused >&2; exit 126; esac" fails 2 'qvm-tags gone' \
		"qvm-tags: error: no such domain: 'gone'"
	assert_equal "$(<"$LOG")" $'[gone][admin.vm.tag.List] <- \n[dom0][admin.vm.List] <- '
	SAY='echo Request refused >&2; exit 126' fails 1 'qvm-tags gone' \
		'qvm-tags: error: Service call error: Request refused'
	# It ends without reading a payload that fills the pipe: no SIGPIPE.
	sed -i '/<- /d' "$BATS_TEST_TMPDIR/client"
	SAY="$list exec <&-; echo no >&2; exit 126; esac" fails 1 \
		"qvm-prefs work kernelopts \"\$(printf %0100000d 0)\"" \
		"qvm-prefs: error: Failed to access 'kernelopts' property"
}

@test "names and arguments that never reach qrexec" {
	start_qrexec
	local name
	for name in @dispvm @default @dispvm:debian-12 @adminvm @anyvm '$dispvm' -x --help- 'work+x' work/x 'a;b' '1a' ''; do
		run --separate-stderr qvm-tags -- "$name"
		assert_equal "$name $status" "$name 2"
		assert_equal "${stderr##*$'\n'}" "qvm-tags: error: no such domain: '$name'"
	done
	for name in 'a b' ' ' $'a\x80' 'ä'; do
		fails 1 "qvm-tags '$name'" "qvm-tags: error: invalid character in '$name'"
	done
	fails 1 $'qvm-tags "a\nb"' "qvm-tags: error: invalid character in 'a\\nb'"
	fails 1 $'qvm-tags "a\x1b0m"' "qvm-tags: error: invalid character in 'a\\x1b0m'"
	for name in 'a b' 'a/b' '@x' 'ä' "a'b" 'a:b'; do
		run --separate-stderr qvm-features work "$name"
		assert_equal "$name $status" "$name 1"
		[[ $stderr == "qvm-features: error: invalid character in "* ]]
	done
	assert_equal "$(<"$LOG")" ''
	# The list of a daemon that lies.
	SAY="printf '0\\0@dispvm class=AppVM state=Running\\n--help class=AppVM state=Running\\n'" \
		run --separate-stderr qvm-kill --all
	assert_equal "$stderr" "Error: Failed to kill: --help: invalid character in '--help'
Error: Failed to kill: @dispvm: invalid character in '@dispvm'"
	assert_equal "$(<"$LOG")" '[dom0][admin.vm.List] <- '
}

# ---- selection ----

@test "names: order, duplicates, patterns, dom0" {
	start_script <<EOF2
$LIST
> admin.vm.Kill+ a1
< 0\0
> admin.vm.Kill+ a2
< 0\0
> admin.vm.Kill+ b1
< 0\0
> admin.vm.Kill+ b2
< 0\0
> admin.vm.Kill+ dom0
< 0\0
EOF2
	local args want
	# kills ARGS: in the ledger calls stand in the order in which they were made.
	while IFS='|' read -r args want; do
		run --separate-stderr bash -c "qvm-kill --calls $args"
		assert_equal "$args: $status" "$args: 0"
		assert_equal "$args: $(sed -n 's/^admin.vm.Kill \([^ ]*\) - 0$/\1/p' <<<"$stderr" | xargs)" "$args: $want"
	done <<'END'
b1 a1|b1 a1
b1 a1 b1 a1|b1 a1
b2 'a*' a1 '*'|b2 a1 a2 b1 dom0
'?1'|a1 b1
'[!a]?'|b1 b2
'[^a]1'|a1
'[ab]2'|a2 b2
'd*'|dom0
'x*'|
'[a1'|
--all|a1 a2 b1 b2
--all --exclude a2 --exclude b1|a1 b2
--all --exclude=nosuch --exclude 'b*' --exclude dom0|a1 a2 b1 b2
--where name=a*|a1 a2
--where name=* --exclude a1|a2 b1 b2
--all --where class=AppVM|a1 a2
END
	calls_clear
	local head='qvm-kill: error:'
	fails 2 'qvm-kill a1 nosuch other' "$head no such domain: 'nosuch'"
	fails 2 "qvm-kill a1 it\\'s" "$head no such domain: \"it's\""
	fails 2 'qvm-kill ""' "$head no such domain: ''"
	fails 2 'qvm-kill A1' "$head no such domain: 'A1'"
	assert_equal "$(calls | sort -u)" 'dom0 admin.vm.List+'
	calls_clear
	fails 2 'qvm-kill' "$head one of the arguments --all VMNAME is required"
	fails 2 'qvm-kill a1 --exclude a2' "$head --exclude can only be used with --all"
	fails 2 'qvm-kill --exclude a2' "$head one of the arguments --all VMNAME is required"
	fails 2 'qvm-kill --all a1' "$head argument VMNAME: not allowed with argument --all"
	fails 2 'qvm-kill --where name=a1 a1' "$head argument VMNAME: not allowed with argument --where"
	assert_equal "$(calls)" ''
}

@test "one name: patterns must match exactly one" {
	start_script <<EOF2
$LIST
> admin.vm.tag.List+ b2
< 0\0t\n
EOF2
	expect 0 "qvm-tags 'b[2-9]'" $'t\n' ''
	fails 2 "qvm-tags 'b*'" "qvm-tags: error: 'b*' matches more than one domain"
	fails 2 "qvm-tags 'x*'" "qvm-tags: error: no such domain: 'x*'"
	fails 2 "qvm-tags a1 --exclude a1" 'qvm-tags: error: --exclude can only be used with --all'
	assert_equal "$(calls | sort | uniq -c | sed 's/^ *//')" $'1 b2 admin.vm.tag.List+\n3 dom0 admin.vm.List+'
}

@test "an empty system" {
	start_script <<'EOF2'
> admin.vm.List+ dom0
< 0\0
EOF2
	local tool
	for tool in 'qvm-kill --all' 'qvm-tags --all' 'qvm-prefs --all' 'qvm-kill --where tag=x' 'qvm-features --where name=x'; do
		expect 0 "$tool" '' ''
	done
	expect 0 'qvm-tags --all --json | jq -c .' $'{}\n' ''
	assert_equal "$(calls | sort -u)" 'dom0 admin.vm.List+'
}

@test "--where: every key, negation, several" {
	start_script <<EOF2
$LIST
> admin.vm.property.Get+label a1
< 0\0default=False type=label red
> admin.vm.property.Get+label a2
< 0\0default=False type=label blue
> admin.vm.property.Get+label b1
< 0\0default=False type=label red
> admin.vm.property.Get+label b2
< 2\0PermissionDenied\0\0no\0
> admin.vm.property.Get+template a1
< 0\0default=False type=vm b1
> admin.vm.property.Get+template a2
< 0\0default=False type=vm b1
> admin.vm.property.Get+template b1
< 2\0QubesNoSuchPropertyError\0\0Invalid property 'template' of b1\0
> admin.vm.property.Get+template b2
< 0\0default=False type=vm a2
> admin.vm.property.Get+netvm a1
< 0\0default=True type=vm net
> admin.vm.property.Get+netvm a2
< 0\0default=False type=vm 
> admin.vm.property.Get+netvm b1
< 0\0default=True type=vm net
> admin.vm.property.Get+netvm b2
< close
> admin.vm.tag.List+ a1
< 0\0one\ntwo\n
> admin.vm.tag.List+ a2
< 0\0two\n
> admin.vm.tag.List+ b1
< 0\0
> admin.vm.tag.List+ b2
< 2\0QubesVMNotFoundError\0\0No such domain: 'b2'\0
> admin.vm.feature.Get+service.x a1
< 0\01
> admin.vm.feature.Get+service.x a2
< 0\0
> admin.vm.feature.Get+service.x b1
< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain b1: service.x\0
> admin.vm.feature.Get+service.x b2
< 0\0a=b
EOF2
	local args want
	while IFS='|' read -r args want; do
		run --separate-stderr bash -c "qvm-check -q $args --json | jq -r 'keys | join(\" \")'"
		assert_equal "$args: $output$stderr" "$args: $want"
	done <<'END'
--where name=?1|a1 b1
--where name!=a*|b1 b2
--where class=AppVM|a1 a2
--where class!=AppVM|b1 b2
--where class=appvm|
--where state=Running --where class=AppVM|a1
--where state=[HP]*|a2 b1 b2
--where=label=red|a1 b1
--where label!=red|a2 b2
--where template=b1|a1 a2
--where template!=b1|b1 b2
--where template=*|a1 a2 b2
--where netvm=net|a1 b1
--where netvm=|a2
--where netvm!=|a1 b1 b2
--where tag=two|a1 a2
--where tag=t*|a1 a2
--where tag!=one|a2 b1
--where tag!=*|b1
--where feature:service.x=1|a1
--where feature:service.x=|a2
--where feature:service.x=*|a1 a2 b2
--where feature:service.x!=*|b1
--where feature:service.x=a=b|b2
--where tag=two --where label=red --where name!=b1|a1
--where tag=two --where tag!=one|a2
END
	# Keys of the list cost nothing more, and what they leave out is not asked for.
	calls_clear
	run qvm-kill --where tag=x --where name=a1
	assert_equal "$(calls)" $'dom0 admin.vm.List+\na1 admin.vm.tag.List+'
	calls_clear
	local bad
	for bad in name '=x' '!=x' x=y Name=a feature=x feature:=x labels=red tag 'tag:x=1' ''; do
		run --separate-stderr qvm-kill --where "$bad"
		assert_equal "$bad $status" "$bad 2"
		[[ ${stderr##*$'\n'} == "qvm-kill: error: argument --where: invalid condition '$bad' "* ]]
	done
	# Ours is recognised in full only.
	fails 2 'qvm-kill --wher name=a1 a1' 'qvm-kill: error: unrecognized arguments: --wher'
}

# ---- talk ----

@test "--calls, -v and -q" {
	start_script <<EOF2
$LIST
> admin.vm.property.Set+netvm a1 a2
< 0\0
> admin.vm.property.Set+netvm a1 b1
< 2\0QubesException\0\0boom\0
> admin.vm.tag.List+ a1
< 0\0t\n
EOF2
	expect 0 'qvm-prefs --calls a1 netvm a2' '' $'admin.vm.property.Set a1 netvm 2\n'
	expect 1 'qvm-prefs --calls a1 netvm b1' '' $'qvm-prefs: error: boom\nadmin.vm.property.Set a1 netvm 2\n'
	expect 0 'qvm-tags --calls a1 2>&1' $'t\nadmin.vm.tag.List a1 - 0\n' ''
	expect 0 'qvm-tags -v a1' $'t\n' $'> admin.vm.tag.List a1 - 0\n'
	expect 0 'qvm-tags -v -q a1' $'t\n' ''
	expect 0 'qvm-tags -qqq a1' $'t\n' ''
	expect 1 'qvm-prefs -qq a1 netvm b1' '' $'qvm-prefs: error: boom\n'
	fails 2 'qvm-tags --call a1' 'qvm-tags: error: unrecognized arguments: --call'
	# A call that was refused here was not made.
	expect 1 "qvm-tags --calls a1 add 'a b'" '' $'qvm-tags: error: invalid character in \'a b\'\n'
	# An info line has its logger in front, and without it at -q.
	expect 0 'qvm-check a1' '' $'qvm-check: a1: exists\n'
	expect 0 'qvm-check -q a1' '' ''
}

@test "--json: errors are one object on stderr, behind the text" {
	start_script <<EOF2
$LIST
> admin.vm.tag.List+ a1
< 2\0PermissionDenied\0\0a "b"\n\x1b[0m\xff\xc2\x9b\0
> admin.vm.tag.List+ a2
< close
EOF2
	last() { tail -n 1 | jq -c .; }
	export -f last
	local o
	for o in --json --jsonl; do
		expect 0 "qvm-tags $o a1 2>&1 >/dev/null | last" \
			$'{"error":"PermissionDenied","message":"a \\"b\\"\\n\\u001b[0m\uFFFD\xc2\x9b","qube":"a1","method":"admin.vm.tag.List"}\n'
		expect 0 "qvm-tags a2 $o 2>&1 >/dev/null | last" \
			$'{"error":"QubesDaemonAccessError","message":"Got empty response from qubesd. See journalctl in dom0 for details.","qube":"a2","method":"admin.vm.tag.List"}\n'
		expect 0 "qvm-tags $o --bogus a1 2>&1 >/dev/null | last" \
			$'{"error":"UsageError","message":"unrecognized arguments: --bogus","qube":null,"method":null}\n'
		expect 0 "qvm-tags $o 'b*' 2>&1 >/dev/null | last" \
			$'{"error":"UsageError","message":"\'b*\' matches more than one domain","qube":null,"method":null}\n'
		expect 0 "QVM_TIMEOUT=x qvm-tags $o a1 2>&1 >/dev/null | last | jq -r .error" $'Error\n'
	done
	expect 0 'qvm-tags a1 --json 2>&1 >/dev/null | tail -n 1 | grep -o "u001b.*u009b"' $'u001b[0m\uFFFD\\u009b\n'
	run --separate-stderr qvm-tags --bogus a1 -- --json
	[[ $stderr != *'{"'* ]]
	fails 2 'qvm-tags a1 --json --jsonl 2>&1 >/dev/null | sed -n "s/.*error: //p" >&2; exit 2' \
		'argument --jsonl: not allowed with argument --json'
}

@test "--json stays valid with hostile bytes" {
	start_script <<'EOF2'
> admin.vm.property.List+ a1
< 0\0kernelopts\n
> admin.vm.property.GetAll+ a1
< 0\0kernelopts default=False type=str "\\\\\\n\x01\x1b]0;x\x07\x7f\xff\xc0\x80\xed\xa0\x80\xc2\x9b\xe2\x80\xae\xf3\xa0\x80\x81\xf0\x9f\x98\x80'</script>\n
> admin.vm.feature.List+ a1
< 0\0x\n
> admin.vm.feature.Get+x a1
< 0\0\xf5\x80\xc3
EOF2
	expect 0 'qvm-prefs a1 --json | jq -r .kernelopts.value' \
		$'"\\\n\x01\x1b]0;x\x07\x7f\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\xc2\x9b\u202e\U000e0001\U0001f600'"'</script>"$'\n' ''
	# Nothing that a terminal acts on is in it, whatever the reader.
	expect 0 'qvm-prefs a1 --json | grep -o "u007f.*script"' \
		$'u007f\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\\u009b\\u202e\\udb40\\udc01\U0001f600'"'</script"$'\n' ''
	expect 0 'qvm-features a1 --jsonl | jq -c .' $'{"name":"x","value":"\uFFFD\uFFFD\uFFFD"}\n' ''
}

# ---- streams ----

@test "a write that is lost is an error" {
	start_script <<EOF2
$LIST
> admin.vm.tag.List+ a1
< 0\0t\n
> admin.vm.property.Get+kernelopts a1
< 0\0default=True type=str $(printf '%020000d' 0)
EOF2
	local cmd full=': error: write error: No space left on device'
	for cmd in 'qvm-ls --no-spinner --raw-list' 'qvm-tags a1' 'qvm-prefs a1 kernelopts' 'qvm-tags --help' \
		'qvm-tags --version'; do
		fails 1 "$cmd >/dev/full" "${cmd%% *}$full"
		fails 1 "$cmd >&-" "${cmd%% *}: error: write error: Bad file descriptor"
		expect 1 "$cmd >/dev/full 2>&-" ''
	done
	fails 1 'qvm-tags a1 --json >/dev/full' \
		'{"error":"Error","message":"write error: No space left on device","qube":null,"method":null}'
	# With nothing to write a closed stream is no error.
	expect 0 'qvm-tags --where tag=x >/dev/full' '' ''
	expect 0 'qvm-tags --where tag=x <&- >&- 2>&-' '' ''
	expect 0 'qvm-tags a1 <&- 2>&-' $'t\n' ''
	expect 2 'qvm-tags 2>&-' '' ''
	fails 1 'qvm-remove a1 <&- 2>&1 >/dev/null | cat >&2; exit ${PIPESTATUS[0]}' 'Remove cancelled.'
}

@test "a reader that goes away ends a tool quietly" {
	start_script <<EOF2
> admin.vm.property.Get+kernelopts a1
< 0\0default=True type=str $(printf '%030000d' 0)$(printf '%030000d' 0)$(printf '%030000d' 0)
EOF2
	expect 141 'qvm-prefs a1 kernelopts | true; exit ${PIPESTATUS[0]}' '' ''
	expect 0 'qvm-prefs a1 kernelopts | head -c 3; exit ${PIPESTATUS[1]}' 000 ''
}

# Runs a command on a terminal; the carriage returns are the terminal's own.
tty() { script -qec "$1" /dev/null </dev/null | tr -d '\r'; }
export -f tty

@test "on a terminal control bytes become _, in a pipe they stay" {
	[[ $(script --version) == *util-linux* ]]
	start_script <<'EOF2'
> admin.vm.List+ dom0
< 0\0a1 class=AppVM state=Running\n
> admin.vm.property.Get+kernelopts a1
< 0\0default=True type=str a\x1b[31m\x07\x7f\xc2\x9b\xe2\x80\xae\xff\tb\nc\xc3\xa4
> admin.vm.tag.List+ a1
< 0\0a\x1b[31mb\n
> admin.vm.notes.Get+ a1
< 0\0one\x08\r\ntwo
> admin.vm.feature.List+ a1
< 0\0x\ny\n
> admin.vm.feature.Get+x a1
< 0\01\x1b[31m\n2
> admin.vm.feature.Get+y a1
< 0\0\xe6\xbc\xa2\xe5\xad\x97
> admin.vm.feature.Get+z a1
< 2\0QubesException\0\0no \x1b]0;x\x07 here\0
EOF2
	expect 0 'qvm-prefs a1 kernelopts' $'a\x1b[31m\x07\x7f\xc2\x9b\u202e\xff\tb\nc\xc3\xa4\n' ''
	expect 0 "tty 'qvm-prefs a1 kernelopts'" $'a_[31m_____\tb\ncä\n' ''
	expect 0 'qvm-tags a1' $'a\x1b[31mb\n' ''
	expect 0 "tty 'qvm-tags a1'" $'a_[31mb\n' ''
	expect 0 'qvm-notes -p a1' $'one\x08\r\ntwo\n' ''
	expect 0 "tty 'qvm-notes -p a1'" $'one__\ntwo\n' ''
	expect 0 'qvm-features a1' $'x  1\x1b[31m\\n2\ny  漢字\n' ''
	expect 0 "tty 'qvm-features a1'" $'x  1_[31m\\n2\ny  漢字\n' ''
	expect 1 'qvm-features a1 z' '' $'qvm-features: error: no \x1b]0;x\x07 here\n'
	expect 0 "tty 'qvm-features a1 z'" $'qvm-features: error: no _]0;x_ here\n' ''
	# Hints are for people only.
	expect 0 "tty 'QVM_ENDPOINT=unix:/nowhere/s qvm-tags a1'" "\
qvm-tags: error: Failed to connect to qubesd service: [Errno 2] No such file or directory
hint: is the daemon running? 'qvm-lab COMMAND' runs a command against a system of its own
" ''
	# In the C locale each byte from 0x80 up is spelled out in a table.
	LC_ALL=C expect 0 'qvm-features a1' $'x  1\x1b[31m\\n2\ny  \\xe6\\xbc\\xa2\\xe5\\xad\\x97\n' ''
	LC_ALL=C expect 0 "tty 'qvm-features a1'" $'x  1_[31m\\n2\ny  \\xe6\\xbc\\xa2\\xe5\\xad\\x97\n' ''
}

@test "tables: bytes that are no character take no room, wherever one is cut off" {
	start_script <<'EOF2'
> admin.vm.List+ dom0
< 0\0a1 class=A\xc3 state=Running\nb1 class=B\xb4\x17C state=Running\nc1 class=\xf0\x9f\x98 state=Running\n
EOF2
	expect 0 'timeout 5 qvm-ls --no-spinner -O class,name' \
		$'CLASS  NAME\nA\xc3      a1\nB\xb4\x17C     b1\n\xf0\x9f\x98       c1\n'
	expect 0 "tty 'qvm-ls --no-spinner -O class,name'" \
		$'CLASS  NAME\nA_     a1\nB__C   b1\n___    c1\n'
}

@test "tables: display width" {
	local wide='\xe6\xbc\xa2\xe5\xad\x97' combining='e\xcc\x81'
	start_script <<EOF2
> admin.vm.List+ dom0
< 0\0a1 class=$wide state=Running\nb1 class=AppVM state=$combining\nc1 class=C state=\n
> admin.vm.CurrentState+ a1
< 0\0power_state=Running
> admin.vm.CurrentState+ b1
< 0\0power_state=Halted
> admin.vm.CurrentState+ c1
< 0\0power_state=Halted
EOF2
	expect 0 'qvm-ls --no-spinner -O class,name' $'CLASS  NAME\n漢字   a1\nAppVM  b1\nC      c1\n'
	LC_ALL=C expect 0 'qvm-ls --no-spinner -O class,name' \
		$'CLASS                     NAME\n\\xe6\\xbc\\xa2\\xe5\\xad\\x97  a1\nAppVM                     b1\nC                         c1\n'
}

# ---- all together ----

@test "the line that the project promises" {
	expect 0 "qvm-lab sh -c 'qvm-ls; qvm-prefs work netvm; qvm-create --label red --class AppVM x; qvm-tags x add t; \
		qvm-ls --where tag=t --json'" 'NAME              STATE    CLASS       LABEL   TEMPLATE        NETVM
debian-13-xfce    Halted   TemplateVM  black   -               -
default-dvm       Halted   AppVM       red     fedora-42-xfce  sys-firewall
default-mgmt-dvm  Halted   AppVM       black   fedora-42-xfce  -
dom0              Running  AdminVM     black   -               -
fedora-42-xfce    Halted   TemplateVM  black   -               -
personal          Halted   AppVM       yellow  fedora-42-xfce  sys-firewall
sys-firewall      Running  AppVM       green   fedora-42-xfce  sys-net
sys-net           Running  AppVM       red     fedora-42-xfce  -
sys-usb           Running  AppVM       red     fedora-42-xfce  -
untrusted         Halted   AppVM       red     fedora-42-xfce  sys-firewall
vault             Halted   AppVM       black   fedora-42-xfce  -
work              Halted   AppVM       blue    fedora-42-xfce  sys-firewall
sys-firewall
[
{"name":"x","state":"Halted","class":"AppVM","label":"red","template":"fedora-42-xfce","netvm":"sys-firewall"}
]
' ''
}
