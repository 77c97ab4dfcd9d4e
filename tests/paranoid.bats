#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What qvm-backup-restore --paranoid-mode calls and in which order, with a stand-in for qrexec-client and qubes in which
# nothing runs (backup-policy-clock 3.8). The real thing is in sandbox-paranoid.bats.
load lib/common

setup() {
	cd "$BATS_TEST_TMPDIR"
	export QVM_QREXEC_CLIENT=$ROOT/tests/lib/qrexec.sh QREXEC_LOG=$PWD/argv QVM_RESTORE_LOCK=$PWD/lock LOG=$PWD/log
	export QREXEC_DO='case $service$prefix in
		qubes.RegisterBackupLocation*) IFS= read -r line; echo "$line" >>location; echo ${ID-a1B2}; exec cat ;;
		*"cat >"*) exec cat >passphrase ;;
		*xterm\;*) exit ${XTERM-1} ;;
		qubes.WaitForSession*) exit ${SESSION-0} ;;
		*+cat+*) cat "$LOG" ;;
		esac'
	printf 'said\nexit code: 0\n' >log
	echo ' pass word ' >secret
	echo x >backup
	start_daemon default
	qvm-features default-mgmt-dvm vmexec 1
	: >argv
}

paranoid() { timeout 20 qvm-backup-restore --paranoid-mode "$@"; }
export -f paranoid
# The command lines of services, the words of VMExec decoded.
services() { sed -E -e 's/.*\[DEFAULT:QUBESRPC (.*) dom0\]$/\1/' -e 's/--/-/g' -e 's/-2F/\//g' argv | grep "${1-}"; }

SCRIPT='-28-22-240-22-20-22-24-40-22-202-3E-261-3B-20echo-20exit-20code-3A-20-24-3F-29-20-7C-20tee-20/var/tmp/backup-restore.log'

@test "with a window, in which the passphrase is asked for" {
	export XTERM=0
	expect 0 'paranoid -q -d vault /media/backup work personal' '' ''
	assert_equal "$(<location)" /media/backup
	assert_equal "$(services)" "qubes.RegisterBackupLocation+
qubes.VMShell+
qubes.WaitForSession+
qubes.VMShell+
qubes.VMExec+xterm+-hold+-title+Backup-20restore+-e+/bin/sh+-c+$SCRIPT+qvm-backup-restore+--quiet+--skip-dom0-home\
+--dest-vm-3Dvault+--location-is-service+qubes.RestoreById-2Ba1B2+work+personal
qubes.VMExec+cat+/var/tmp/backup-restore.log"
	assert [ ! -e passphrase ]
	: >argv
	expect 0 'paranoid -q -d vault --auto-close /media/backup' $'said\nexit code: 0\n' ''
	assert_regex "$(services xterm)" '^qubes.VMExec\+xterm\+-title\+Backup-20restore\+-e\+/bin/sh\+-c\+'
}

@test "without one: the same command, the passphrase of the file, the log" {
	expect 0 'paranoid -p secret -vv --skip-broken -x a --exclude "b c" -Z cat --dest-vm vault x --ignore-size-limit' \
		$'said\nexit code: 0\n'
	assert_equal "$(services tee)" "qubes.VMExec+/bin/sh+-c+$SCRIPT+qvm-backup-restore+--verbose+--verbose+--skip-broken\
+--exclude-3Da+--exclude-3Db-20c+--compression-filter-3Dcat+--ignore-size-limit+--skip-dom0-home\
+--passphrase-file-3D/var/tmp/backup-restore.pass+--dest-vm-3Dvault+--location-is-service+qubes.RestoreById-2Ba1B2"
	expect 0 'cat passphrase' $' pass word\n' ''
	expect 0 'echo other | paranoid -q -p - -d vault x >/dev/null && cat passphrase' $'other\n' ''
	# no session, no window
	SESSION=1 XTERM=0 expect 1 'paranoid -q -d vault x' '' \
		$'qvm-backup-restore: error: no window can be opened in disp-backup-restore: --passphrase-file is needed\n'
}

@test "the calls" {
	expect 0 'paranoid --calls -q -p secret -d vault x 2>&1 >/dev/null | grep -vE "tag.List|CheckWith"' "\
admin.property.Get dom0 management_dispvm 0
admin.vm.List dom0 - 0
admin.vm.List dom0 - 0
admin.vm.Create.DispVM dom0 default-mgmt-dvm 34
admin.vm.property.Set disp-backup-restore auto_cleanup 4
admin.vm.feature.Set disp-backup-restore tag-created-vm-with 26
admin.vm.Start vault - 0
admin.vm.tag.Set vault backup-restore-storage 0
admin.vm.Start disp-backup-restore - 0
admin.vm.tag.Set disp-backup-restore backup-restore-mgmt 0
admin.vm.tag.Remove disp-backup-restore backup-restore-mgmt 0
admin.vm.Kill disp-backup-restore - 0
admin.vm.List dom0 - 0
admin.vm.tag.Remove vault backup-restore-storage 0
"
}

@test "what it needs, and does nothing without" {
	QVM_ENDPOINT=qrexec: QVM_QREXEC_CLIENT_VM=/bin/false \
		expect 1 'paranoid -p secret backup' '' $'qvm-backup-restore: error: --paranoid-mode works in dom0 only\n'
	expect 2 'paranoid --json -p secret backup 2>&1 >/dev/null | tail -n 2 | head -n 1; exit ${PIPESTATUS[0]}' \
		$'qvm-backup-restore: error: JSON is not possible with --paranoid-mode: what comes back is a log\n'
	expect 2 'paranoid -p secret -d nosuch x 2>&1 >/dev/null | tail -n 1; exit ${PIPESTATUS[0]}' \
		$'qvm-backup-restore: error: no such domain: \'nosuch\'\n'
	QVM_RESTORE_LOCK=/nosuch/lock expect 1 'paranoid -p secret -d vault x' '' \
		$'qvm-backup-restore: error: cannot lock \'/nosuch/lock\': No such file or directory\n'
	expect 1 'exec {fd}<>lock; flock $fd; paranoid -p secret -d vault x' '' \
		"qvm-backup-restore: error: another restore is under way ($PWD/lock)"$'\n'
	expect 1 'exec {fd}<>lock; flock -s $fd; paranoid -p secret -d vault x' '' \
		"qvm-backup-restore: error: another restore is under way ($PWD/lock)"$'\n'
	expect 1 'exec {fd}<>lock; flock -s $fd; qvm-backup-restore -p secret nosuch' '' \
		$'qvm-backup-restore: error: cannot open \'nosuch\': No such file or directory\n'
	expect 1 'exec {fd}<>lock; flock $fd; qvm-backup-restore -p secret backup' '' \
		"qvm-backup-restore: error: another restore, in a disposable, is under way ($PWD/lock)"$'\n'
	qvm-create -q --label red disp-backup-restore
	expect 1 'paranoid -p secret -d vault x' '' \
		$'qvm-backup-restore: error: there is a qube disp-backup-restore already, which is not one of this program\n'
	qvm-remove -q -f disp-backup-restore
	assert_equal "$(<argv)" ''
	expect 1 'QVM_QREXEC_CLIENT=/nosuch paranoid -q -p secret -d vault x' '' \
		$'qvm-backup-restore: error: cannot run \'/nosuch\': No such file or directory\n'
	for id in '' x-y '../x' 'a b'; do
		ID=$id expect 1 'paranoid -q -p secret -d vault x' '' \
			"qvm-backup-restore: error: Backup source registration failed${id:+: got an invalid id}"$'\n'
	done
	ID=$(printf '%0300d') run -1 paranoid -q -p secret -d vault x
	assert_output 'qvm-backup-restore: error: Backup source registration failed'
	run -1 qvm-check -q disp-backup-restore
	expect 1 'qvm-tags vault | grep backup' '' ''
}

@test "a stale disposable and stale tags go" {
	qvm-create -q --class DispVM --template default-mgmt-dvm --label red disp-backup-restore
	qvm-features disp-backup-restore tag-created-vm-with backup-restore-in-progress
	qvm-tags work add backup-restore-in-progress
	qvm-tags personal add backup-restore-storage backup-restore-mgmt
	expect 0 'paranoid -q -p secret -d vault x >/dev/null; qvm-tags work; qvm-tags personal' \
		$'audiovm-dom0\ncreated-by-dom0\nguivm-dom0\naudiovm-dom0\ncreated-by-dom0\nguivm-dom0\n' ''
	run -1 qvm-check -q disp-backup-restore
}
