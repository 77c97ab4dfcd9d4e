#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a program writes in a qube that is real is in its volume, in a clone and in a backup, which goes to another real
# qube and comes from there again (backup-policy-clock 4).
load lib/common
load lib/sandbox
load lib/backup

setup_file() {
	start_sandboxes default --scrypt-logn 10
	mkdir -p "$QVMD_STATE/etc/backup"
	qvm-run -q work 'echo precious >file; head -c 3000000 /dev/urandom >random; sha256sum <random >sum'
	qvm-shutdown --wait work
	qvm-start vault
	inside vault 'mkdir backups'
	profile p <<-END
		include: [work]
		destination_vm: vault
		destination_path: /home/user/backups
		passphrase_text: secret
	END
}
teardown_file() { stop_all; }

setup() {
	cd "$BATS_TEST_TMPDIR"
	mkdir home && export HOME=$PWD/home
	printf secret >secret
}

restore() { timeout 30 qvm-backup-restore -q -p secret -d vault "$@"; }
export -f restore
content_of() { qvm-run -p --nogui "$1" 'cat file; sha256sum <random | cmp - sum && echo same' </dev/null; }
export -f content_of

@test "what was written is in the volume after a shutdown, and in a clone" {
	local image
	image=$(find "$QVMD_STATE" -path '*work[-/]private.*.img' | sort | tail -n 1)
	expect 0 "debugfs -R 'cat home/user/file' '$image' 2>debugfs" $'precious\n' ''
	qvm-clone -q work copied
	expect 0 'content_of copied' $'precious\nsame\n' ''
	qvm-kill copied
	qvm-remove -q -f copied
}

@test "a backup into a real qube, verified there, and the qube comes back from it" {
	qvm-backup -q -y --profile p >said
	local backup
	backup=/home/user/backups/$(inside vault 'ls backups')
	expect 0 "restore --verify-only $backup work | tail -n 1" $'work: whole, 1 files, 2.0 GiB\n' ''
	# also by a command of that qube, that says more than is needed
	expect 0 "restore --list 'cat $backup && cat' --jsonl | jq -r .name" $'work\n' ''
	qvm-remove -q -f work
	expect 0 "restore $backup >said" '' ''
	expect 0 'content_of work' $'precious\nsame\n' ''
	qvm-shutdown --wait work
	# what is wrong there is seen here
	inside vault 'head -c 200000 backups/* >cut'
	run -1 restore --verify-only cut work
	assert_line --regexp '^  vm[0-9]+/private.img.000.enc: the archive is cut off$'
	run -1 restore --verify-only /home/user/nosuch work
	assert_output $'Invalid location /home/user/nosuch\nqvm-backup-restore: error: not a backup: the archive is cut off'
}
