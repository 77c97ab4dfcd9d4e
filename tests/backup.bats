#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-backup (backup-policy-clock 1.11): options, order of steps, profiles, progress, what ends it.

load lib/common
load lib/rows
load lib/backup

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir to etc
	export QVM_BACKUP_PROFILE_DIR=$PWD/etc
}

# Answers to one backup of the profile "run" for the scripted server; the table is short.
script() {
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 0\0a1 class=AppVM state=Halted\na2 class=AppVM state=Halted\ndom0 class=AdminVM state=Running\n
		> admin.backup.Info+run dom0
		< 0\0TABLE\n
		> admin.Events+ dom0
		< stream 1\0\0connection-established\0\0
		> admin.backup.Execute+run dom0
		< 0\0
		> admin.backup.Info+wrong dom0
		< 2\0QubesException\0\0it is wrong\0
		> admin.backup.Info+fails dom0
		< 0\0TABLE\n
		> admin.backup.Execute+fails dom0
		< 2\0QubesException\0\0no room\0
	END
}

@test "rules of the command line" {
	script
	usage=$'either --profile or \'backup_location\' is required'
	while IFS='|' read -r args text; do
		run --separate-stderr bash -c "qvm-backup $args"
		assert_equal "$args $status ${stderr_lines[-1]}" "$args 2 qvm-backup: error: $text"
	done <<-END
		|$usage
		-y|$usage
		--profile run -x a1|--exclude-list option could not be used together with --profile
		--profile run -p x|--passphrase-file option could not be used together with --profile
		--profile run -z|--compression option could not be used together with --profile
		--profile run -Z xz|--compression option could not be used together with --profile
		--profile run --save-profile x|--save-profile option could not be used together with --profile
		--profile a/b|'a/b' is not the name of a profile
		/x --save-profile ../b|'../b' is not the name of a profile
		/x a1 nobody|no such domain: 'nobody'
		/x 'b*'|no such domain: 'b*'
	END
	assert_equal "$(calls)" $'dom0 admin.vm.List+\ndom0 admin.vm.List+'
	expect 0 'ls -A etc' ''
}

@test "a profile: table, question, call" {
	script
	for answer in y Y; do
		calls_clear
		expect 0 "echo $answer | qvm-backup --profile run --no-compress -d nobody" \
			$'TABLE\n\nDo you want to proceed? [y/N] \n\n' ''
		assert_equal "$(calls)" $'dom0 admin.backup.Info+run\ndom0 admin.backup.Execute+run'
	done
	calls_clear
	for answer in n yes '' N; do
		expect 0 "echo $answer | qvm-backup --profile run" $'TABLE\n\nDo you want to proceed? [y/N] ' ''
	done
	expect 1 'qvm-backup --profile run </dev/null' $'TABLE\n\nDo you want to proceed? [y/N] ' ''
	run ! grep Execute "$CALLS_LOG"
	expect 0 'qvm-backup -y --profile run </dev/null' $'TABLE\n\n\n\n' ''
	expect 1 'qvm-backup -y --profile wrong' '' $'\nBackup preparation error: it is wrong\n'
	expect 1 'qvm-backup -y --profile fails' $'TABLE\n\n\n\n' $'\nBackup error: no room\n'
}

@test "a profile in a directory of the group qubes is its members' as well" {
	unshare -m true || skip 'no file systems can be mounted'
	backup_fixture five.yaml
	start_daemon five.yaml --scrypt-logn 10 --backup-profile-dir "$PWD/etc"
	echo 'qubes:x:4242:' | cat /etc/group - >group
	chgrp 4242 etc
	expect 0 'unshare -m sh -c "mount --bind group /etc/group && echo n | qvm-backup --save-profile a to >/dev/null"; stat -c "%a %g" etc/a.conf' \
		$'660 4242\n'
}

@test "profiles that are written" {
	backup_fixture five.yaml
	start_daemon five.yaml --scrypt-logn 10 --backup-profile-dir "$PWD/etc"
	echo 'pass word  ' >secret
	expect 0 'qvm-backup -y -p secret --save-profile a to "v*" work -x "\$tag:x" -x work -Z xz >/dev/null; cat etc/a.conf' "\
compression: xz
destination_path: $PWD/to
destination_vm: dom0
exclude:
- \$tag:x
- work
include:
- vault
- work
passphrase_text: pass word
"
	expect 0 'stat -c %a etc/a.conf; ls -A etc' $'600\na.conf\n'
	PASS='pass word' FILTER=xz emergency to/* got
	rm -r to/*
	# declined: it stays, and holds no passphrase
	expect 0 'echo n | qvm-backup --no-compress --save-profile b to >/dev/null; cat etc/b.conf' "\
compression: false
destination_path: $PWD/to
destination_vm: dom0
include: null
"
	# one of its own goes, whatever happens
	expect 0 'echo n | qvm-backup to >/dev/null; ls etc' $'a.conf\nb.conf\n'
	expect 1 'qvm-backup -y -d nobody to' '' $'\nBackup preparation error: Invalid destination_vm specified in backup profile\n'
	expect 0 'ls etc' $'a.conf\nb.conf\n'
	echo passphrase_text: lost >etc/backup-run-999999999.conf
	expect 0 'printf "y\nsecret\nsecret\n" | qvm-backup to work >/dev/null 2>&1; ls etc; ls to | wc -l' $'a.conf\nb.conf\n1\n'
	run bash -c 'printf "secret\nother\n" | qvm-backup -y to work 2>&1 >/dev/null'
	assert_equal "$status $output" "1 Please enter the passphrase that will be used to encrypt and verify the backup: Enter again for verification: qvm-backup: error: Passphrase mismatch!"
	expect 0 'ls etc; ls to | wc -l' $'a.conf\nb.conf\n1\n'
}

@test "what can be known is said before a passphrase is asked for" {
	backup_fixture five.yaml
	start_daemon five.yaml --scrypt-logn 10 --backup-profile-dir "$PWD/etc"
	expect 1 'qvm-backup -y no/where work >/dev/null </dev/null' '' \
		"qvm-backup: error: the backup directory for $PWD/no/where does not exist"$'\n'
	expect 1 'qvm-backup -y -p absent to work >/dev/null </dev/null' '' \
		"qvm-backup: error: cannot read 'absent': No such file or directory"$'\n'
	: >empty
	expect 1 'qvm-backup -y -p empty to work >/dev/null </dev/null' '' $'qvm-backup: error: the passphrase is empty\n'
	# what another reader of it would take for another passphrase
	printf 'a\0b\n' >nul
	expect 1 'qvm-backup -y -p nul to work >/dev/null </dev/null' '' $'qvm-backup: error: the passphrase holds a NUL byte\n'
	expect 1 'qvm-backup -y -p - to work >/dev/null <nul' '' $'qvm-backup: error: the passphrase holds a NUL byte\n'
	printf 'p\xe4ss\n' >latin1
	expect 1 'qvm-backup -y -p latin1 to work >/dev/null </dev/null' '' \
		$'qvm-backup: error: passphrase_text: not valid UTF-8, a profile cannot hold it\n'
	expect 1 "qvm-backup -y -p secret \$'to/a\\xff' work >/dev/null </dev/null" '' \
		$'qvm-backup: error: destination_path: not valid UTF-8, a profile cannot hold it\n'
	expect 0 'qvm-backup -y to work 2>&1 >/dev/null </dev/null | tail -c 24' $' or --profile names one\n'
	expect 0 'ls etc; ls to' ''
}

@test "the destination is the daemon's to write to, not its caller's" {
	backup_fixture five.yaml
	start_daemon five.yaml --scrypt-logn 10 --backup-profile-dir "$PWD/etc"
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" .
	chmod 666 "$QVM_TEST_SOCKET" && chmod 777 etc
	echo secret >secret && chmod 700 to && mkdir to/below
	other() {
		local as=()
		((EUID)) || as=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all)
		"${as[@]}" "$BIN/qvm-backup" -q -y -p secret "$@"
	}
	export -f other
	for i in to to/below to/below/file; do expect 0 "other $i work 2>&1 >/dev/null" ''; done
	expect 0 'find to -type f | sed s/[0-9]//g | sort' $'to/below/file\nto/below/qubes---T\nto/qubes---T\n'
	profile relative etc <<<'{include: [work], destination_vm: dom0, destination_path: to/below, passphrase_text: p}'
	chmod 600 etc/relative.conf
	expect 0 'cd etc && qvm-backup -q -y --profile relative 2>&1 >/dev/null' ''
}

@test "from a qube: the profile is printed, not made" {
	mkdir bin
	printf '#!/bin/sh\nexit 1\n' >bin/client
	chmod +x bin/client
	export QVM_ENDPOINT=qrexec: QVM_QREXEC_CLIENT_VM=$PWD/bin/client
	expect 1 'qvm-backup -d vault /x' "\
To perform the backup according to selected options, create backup profile (/etc/qubes/backup/profile_name.conf) in dom0 with following content:
compression: true
destination_path: /x
destination_vm: vault
include: null
# specify backup passphrase below
passphrase_text: ...
" ''
	run --separate-stderr qvm-backup /x --save-profile a
	assert_equal "$status ${stderr_lines[-1]}" "2 qvm-backup: error: Cannot save backup profile when running not in dom0"
}

@test "progress" {
	start_script <<-'END'
		> admin.backup.Info+run dom0
		< 0\0---+\n               VM |         type |         size |\n---+\n    a1 |  VM |  3.0 MiB |\n    a2 |  VM |  1.0 MiB |\n---+\n  Total size: |   4.0 MiB |\n
		> admin.Events+ dom0
		< stream 1\0\0connection-established\0\x001\0\0backup-progress\0backup_profile\0run\0progress\042.5\0\x001\0\0backup-progress\0backup_profile\0other\0progress\050.0\0\x001\0\0backup-progress\0backup_profile\0run\0progress\080.25\0\0
		> admin.backup.Execute+run dom0
		delay 900
		< 0\0
	END
	expect 0 'qvm-backup -y --profile run --progress json 2>&1 >/dev/null' "\
{\"profile\":\"run\",\"progress\":42.5,\"qube\":\"a1\"}
{\"profile\":\"run\",\"progress\":80.25,\"qube\":\"a2\"}
"
	run bash -c 'qvm-backup -y --profile run --progress line 2>&1 >/dev/null'
	assert_regex "$output" $'^\ra2  80%  3.2 MiB of 4.0 MiB  [0-9.]+ MiB/s  0:00 left\e\\[K'
	assert_regex "$output" $'\r\e\\[K$'
	# nothing without a terminal, and then there is no need for events
	calls_clear
	expect 0 'qvm-backup -y --profile run 2>&1 >/dev/null; calls' $'dom0 admin.backup.Info+run\ndom0 admin.backup.Execute+run\n'
}

# A system of qubes, a daemon that has the filter "hold", and a passphrase.
hold() {
	make_hold
	backup_fixture five.yaml
	HOLD_DIR=$PWD PATH=$PWD/bin:$PATH start_daemon five.yaml --scrypt-logn 10 --backup-profile-dir "$PWD/etc"
	echo secret >secret
}

@test "a signal cancels the backup and cleans up" {
	hold
	for signal in INT TERM; do
		# a child of a script ignores SIGINT unless it is told otherwise
		env --default-signal=INT qvm-backup -y -p secret -Z hold to work >out 2>err 3>&- &
		read -r <held
		kill -"$signal" $!
		# the filter has to go on before the daemon sees it
		raw admin.vm.List dom0 >/dev/null
		: >go
		status=0
		wait $! || status=$?
		assert_equal "$status $(<err)" $'1 \nBackup error: Backup cancelled'
		rm go
		expect 0 'ls -A to etc' $'etc:\n\nto:\n'
	done
}

@test "kill -9 of the tool: the backup goes on; its profile goes with the next one" {
	hold
	qvm-backup -y -p secret -Z hold to work >out 2>err 3>&- &
	read -r <held
	kill -9 $!
	expect 0 "raw admin.backup.Cancel+backup-run-$! dom0; : >go; ls etc" $'0\\0\n'"backup-run-$!.conf"$'\n'
	wait $! || :
	expect 0 'qvm-backup -y -p secret to work >/dev/null; ls -A etc; ls -A to | sed s/[0-9]//g' $'qubes---T\n'
}

@test "from cron: no terminal, no environment" {
	backup_fixture five.yaml
	start_daemon five.yaml --scrypt-logn 10 --backup-profile-dir "$PWD/etc"
	profile nightly etc <<<"{include: [work, vault], destination_vm: dom0, destination_path: $PWD/to, passphrase_text: p}"
	chmod 600 etc/nightly.conf
	expect 0 'env -i QVM_ENDPOINT="$QVM_ENDPOINT" "$BIN/qvm-backup" --yes --profile nightly </dev/null 2>&1 >/dev/null' ''
	PASS=p FILTER=gzip emergency to/* got
	chmod 604 etc/nightly.conf
	expect 0 'qvm-backup --yes --profile nightly 2>&1 >/dev/null' \
		"qvm-backup: everybody can read the passphrase in '$PWD/etc/nightly.conf'"$'\n'
}

@test "on a terminal: a passphrase is not shown; Ctrl-C ends every question and leaves nothing" {
	backup_fixture five.yaml
	start_daemon five.yaml --scrypt-logn 10 --backup-profile-dir "$PWD/etc"
	printf secret >secret
	qvm-backup -q -y -p secret to work >/dev/null && mv to/* backup
	asks='Please enter the passphrase' question='Do you want to proceed?'
	run "$TESTBIN/ptytype" "$asks" bash -c 'qvm-backup-restore -q --list backup; stty -a' <<<'secret\r'
	assert_output --partial 'work  AppVM  tmpl'
	refute_output --partial secret
	assert_output --regexp '[^-]echo '
	run "$TESTBIN/ptytype" "$asks" bash -c 'qvm-backup-restore -q --list backup; echo "ended $?"; stty -a' <<<'sec\x03'
	assert_output --partial 'ended 1'
	refute_output --partial sec
	assert_output --regexp '[^-]echo '
	run "$TESTBIN/ptytype" "$question" bash -c 'qvm-backup to work; echo "ended $?"' <<<'\x03'
	assert_output --partial 'ended 1'
	run "$TESTBIN/ptytype" "$asks" bash -c 'qvm-backup -y to work; echo "ended $?"' <<<'\x03'
	assert_output --partial 'ended 1'
	expect 0 'ls -A etc to' $'etc:\n\nto:\n'
}
