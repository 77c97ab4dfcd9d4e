#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-backup-restore --paranoid-mode: a real disposable qube restores, under the policy that comes with the lab
# (backup-policy-clock 3.8).
load lib/common
load lib/sandbox
load lib/restore

setup_file() {
	local dir=$BATS_FILE_TMPDIR
	mkdir "$dir/policy.d"
	ln -s "$QVM_BUILD/lib/qvm-tools/policy/85-backup-restore.policy" "$dir/policy.d"
	cat >"$dir/small.yaml" <<-'END'
		base: default
		qubes:
		  - {name: one, netvm: none, tags: [mine], features: {odd: "1"}, volumes: {private: {size: 33554432}}}
		  - {name: two, netvm: none, label: green, volumes: {private: {size: 33554432}}}
		  - {name: evil, netvm: none, properties: {template_for_dispvms: True}}
	END
	start_sandboxes "$dir/small.yaml" --scrypt-logn 10 --policy-dir "$dir/policy.d"
	cd "$dir"
	qvm-run -q one 'head -c 3000000 /dev/urandom >random'
	qvm-run -q two 'echo precious >file'
	qvm-shutdown --wait one two
	make_backup one two
	mkdir -p to && mv backup to
	qvm-start vault
	qvm-copy-to-vm vault to
	for q in one two; do volumes_of $q >$q.was; done
}
teardown_file() { stop_all; }

setup() {
	export QVM_RPC_DIR=$QVM_BUILD/lib/qvm-tools/qubes-rpc QVM_RESTORE_LOCK=$BATS_FILE_TMPDIR/lock
	export FROM_DOM0=$BATS_FILE_TMPDIR/to/backup
	cd "$BATS_TEST_TMPDIR"
	printf 'secret\n' >secret
	FROM_VAULT=(-d vault QubesIncoming/dom0/to/backup)
}

# The qubes are there no more.
lose() { for q in one two; do ! qvm-check -q $q || qvm-remove -q -f $q || return; done; }
paranoid() { timeout 60 qvm-backup-restore --paranoid-mode -p secret "$@"; }
export -f paranoid

# Nothing is left of the disposable and its permissions.
assert_clean() {
	run -1 qvm-check -q disp-backup-restore
	run -1 bash -c 'for q in $(qvm-ls --raw-list); do qvm-tags $q | sed "s/^/$q /"; done | grep backup-restore-'
	assert_output ''
	flock -n "$QVM_RESTORE_LOCK" true
	expect 1 "inside vault 'ls -A /tmp/.qubes-backup-* | grep .'" '' ''
}
assert_restored() {
	local q
	for q in one two; do
		volumes_of $q | diff "$BATS_FILE_TMPDIR/$q.was" -
		expect 0 "qvm-tags $q | grep -E 'restored|progress'" "restored-from-backup-at-$(date +%F)"$'\n' ''
		expect 1 "qvm-features $q | grep backup-restore-of" '' ''
	done
}

# hostile SERVICE: the script on the input is this service in disposables of the qube evil.
hostile() {
	qvm-run -q -p -u root evil "mkdir -p /rw/usrlocal/etc/qubes-rpc; cd /rw/usrlocal/etc/qubes-rpc; rm -f *; cat >$1; chmod +x $1"
	qvm-shutdown --wait evil
	qubes-prefs management_dispvm evil
}

@test "two qubes come back from a backup in another qube, and from one in dom0" {
	lose
	run -0 paranoid "${FROM_VAULT[@]}"
	assert_line 'app: Restoring in the disposable qube disp-backup-restore...'
	assert_line '  one | AppVM | fedora-42-xfce |     - |   red |'
	assert_line --index -1 'exit code: 0'
	assert_restored
	assert_clean
	expect 0 'qvm-features one odd; qvm-tags one list mine; qvm-prefs two label' $'1\nmine\ngreen\n' ''
	expect 0 'qvm-run -p --nogui two cat file </dev/null' $'precious\n' ''
	qvm-shutdown --wait two
	lose
	run -0 paranoid -q "$FROM_DOM0" two
	assert_line --partial 'Excluded from restore'
	expect 0 'paranoid "$FROM_DOM0" --skip-conflicting --exclude=two --list | tail -n 2' \
		$'one   AppVM  fedora-42-xfce  -      red    3.0 MiB\nexit code: 0\n'
	run -0 paranoid -q --auto-close --skip-conflicting "$FROM_DOM0"
	assert_restored
	assert_clean
}

@test "a wrong passphrase: the log, the exit status, and nothing stays" {
	printf wrong >secret
	run -1 --separate-stderr paranoid "${FROM_VAULT[@]}" --verify-only
	assert_equal "$output" "app: Checking backup content...
qvm-backup-restore: error: Corrupted backup header (hmac verification failed). Is the password correct?
exit code: 1"
	assert_equal "$stderr" 'app: Restoring in the disposable qube disp-backup-restore...
qvm-backup-restore: error: qvm-backup-restore failed with 1'
	assert_clean
	# the same for what the service there says
	run -1 paranoid -d vault /nosuch
	assert_line 'Invalid location /nosuch'
	assert_clean
}

@test "while it works: nobody else, no start; and a signal ends all of it" {
	lose
	# Cut off within the data of the larger one.
	inside vault "head -c $(($(stat -c %s "$FROM_DOM0") / 2)) QubesIncoming/dom0/to/backup >part"
	timeout 60 qvm-backup-restore --paranoid-mode -p secret -d vault 'cat part && sleep 1000' >said 2>&1 3>&- &
	local pid=$! # of timeout, which passes it on
	await 'qvm-features two | grep -q backup-restore-of'
	expect 1 'paranoid "$FROM_DOM0"' '' \
		"qvm-backup-restore: error: another restore is under way ($QVM_RESTORE_LOCK)"$'\n'
	expect 1 'qvm-backup-restore -p secret "$FROM_DOM0"' '' \
		"qvm-backup-restore: error: another restore, in a disposable, is under way ($QVM_RESTORE_LOCK)"$'\n'
	run -1 qvm-start one
	assert_output --partial 'Restore of this domain in progress, cannot start'
	kill -INT "$pid"
	! wait "$pid"
	expect 0 'sed 1d said | sort' $'qvm-backup-restore: error: interrupted
qvm-backup-restore: one is not whole, and is removed again
qvm-backup-restore: two is not whole, and is removed again\n'
	expect 1 'qvm-check -q one || qvm-check -q two' '' ''
	assert_clean
}

@test "what a killed one has left goes with the next; what another restore has left does not" {
	lose
	inside vault "head -c $(($(stat -c %s "$FROM_DOM0") / 2)) QubesIncoming/dom0/to/backup >part"
	qvm-backup-restore --paranoid-mode -p secret -d vault 'cat part && sleep 1000' >said 2>&1 3>&- &
	local pid=$!
	await 'qvm-features two | grep -q backup-restore-of'
	kill -KILL "$pid"
	qvm-tags untrusted add backup-restore-in-progress backup-restore-mgmt
	qvm-features untrusted backup-restore-of 'x untrusted'
	run -1 --separate-stderr paranoid "${FROM_VAULT[@]}"
	assert_equal "${stderr##*$'\n'}" "qvm-backup-restore: error: another restore has not ended, or was interrupted: go on with it by \
--continue, or remove what it has left: untrusted"
	run -1 bash -c 'qvm-check -q disp-backup-restore || qvm-check -q one'
	expect 0 'qvm-tags untrusted | grep backup; qvm-features untrusted backup-restore-of' \
		$'backup-restore-in-progress\nx untrusted\n'
	qvm-features --unset untrusted backup-restore-of
	run -0 paranoid -q "${FROM_VAULT[@]}"
	assert_restored
	assert_clean
}

@test "a disposable that is hostile: its log, and what the policy lets it do" {
	hostile qubes.VMExec <<-'END'
		#!/bin/sh
		try() {
			said=$(/opt/qvm/lib/qvm-tools/qrexec-client-vm "$1" "$2" 2>&1 </dev/null | tr '\0' ' ')
			echo "$1 $2: $said" >>/var/tmp/log
		}
		case $1 in
		*tee*)
			id=${1##*RestoreById-2B} id=${id%%+*}
			for call in admin.vm.Kill admin.vm.Start admin.vm.Remove admin.vm.property.Get+netvm \
				admin.vm.property.Set+netvm admin.vm.tag.Set+x admin.vm.tag.Remove+backup-restore-storage \
				admin.vm.feature.Set+x admin.vm.volume.Info+private admin.vm.volume.Import+private \
				admin.vm.firewall.Set qubes.VMShell qubes.Filecopy qubes.RegisterBackupLocation qubes.RestoreById+0
			do
				try vault "$call"
			done
			try dom0 "qubes.RestoreById+$id"
			try dom0 qubes.RegisterBackupLocation
			try dom0 admin.vm.Create.DispVM+evil
			try dom0 admin.property.Get+clockvm
			try untrusted "qubes.RestoreById+$id"
			;;
		*)
			cat /var/tmp/log
			printf '\033]0;title\007\342\200\256~\r\nexit code: 3\n\n'
			;;
		esac
	END
	run -1 --separate-stderr paranoid "${FROM_VAULT[@]}"
	assert_equal "${stderr##*$'\n'}" 'qvm-backup-restore: error: qvm-backup-restore failed with 3'
	assert_equal "${lines[14]}" 'vault qubes.RestoreById+0: Invalid id'
	assert_equal "$(printf '%s\n' "${lines[@]}" | grep -c ': Request refused$')" 19
	assert_equal "${lines[20]}" '.]0;title......'
	assert_equal "${lines[21]}" 'exit code: 3'
	assert_clean
	# Nor does it say when it is over, or that it has done something.
	local what want
	while IFS='|' read -r what want; do
		hostile qubes.VMExec <<<"#!/bin/sh"$'\n'"$what"
		expect 1 'paranoid "$FROM_DOM0" 2>&1 >/dev/null | tail -n 1; exit ${PIPESTATUS[0]}' "qvm-backup-restore: error: $want"$'\n'
	done <<-'END'
		echo exit code: 256|qvm-backup-restore did not report its exit code
		case $1 in cat*) printf 'exit code: 0\nx'; sleep 1000 & esac|qvm-backup-restore did not report its exit code
		case $1 in cat*) yes; esac|the log of disp-backup-restore cannot be read: it is too long
		exit 5|the log of disp-backup-restore cannot be read
		printf '\033[2Jx\ny' >&2; exit 5|the log of disp-backup-restore cannot be read: .[2Jx
	END
	assert_clean
}

@test "what is missing there is said, and nothing is done" {
	hostile qubes.VMShell <<<$'#!/bin/sh\nexit 1'
	expect 1 'paranoid -q "$FROM_DOM0"' '' \
		$'qvm-backup-restore: error: qvm-backup-restore is not there in disp-backup-restore, whose template is evil\n'
	assert_clean
	qubes-prefs management_dispvm default-mgmt-dvm
	expect 1 'timeout 20 qvm-backup-restore --paranoid-mode -q "$FROM_DOM0"' '' \
		$'qvm-backup-restore: error: no window can be opened in disp-backup-restore: --passphrase-file is needed\n'
	assert_clean
	run -1 env QVM_RPC_DIR=/nosuch qvm-backup-restore --paranoid-mode -q -p secret "$FROM_DOM0"
	assert_output --regexp '^qvm-backup-restore: error: Backup source registration failed: env: .*: No such file or directory$'
	assert_clean
	qubes-prefs management_dispvm ''
	expect 1 'paranoid -q "$FROM_DOM0"' '' \
		$'qvm-backup-restore: error: the system has no management_dispvm, of which the disposable would be made\n'
	qubes-prefs management_dispvm default-mgmt-dvm
}
